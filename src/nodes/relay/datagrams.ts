import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import type { DatagramSocket, NodeContext, Timer } from '../../runtime/context';

/** More senders at once lose their datagrams: each needs a socket of its own. */
const MAX_SENDERS = 256;

interface Sender {
  socket: Promise<DatagramSocket | null>;
  idle: Timer;
}

/** Passes datagrams on as a network address translator does: a socket for each sender, so that answers find back. */
export class DatagramRelay {
  readonly #context: NodeContext;
  readonly #target: Endpoint;
  readonly #idleMs: number;
  readonly #answer: (bytes: Uint8Array, to: Endpoint) => void;
  readonly #onChange: () => void;
  readonly #senders = new Map<string, Sender>();

  constructor(
    context: NodeContext,
    options: {
      target: Endpoint;
      idleMs: number;
      answer(bytes: Uint8Array, to: Endpoint): void;
      onChange(): void;
    },
  ) {
    this.#context = context;
    this.#target = options.target;
    this.#idleMs = options.idleMs;
    this.#answer = options.answer;
    this.#onChange = options.onChange;
  }

  get senders(): number {
    return this.#senders.size;
  }

  /** @param bytes lent */
  pass(bytes: Uint8Array, from: Endpoint): void {
    const sender = this.#sender({ ...from });
    if (!sender) return this.#context.telemetry.count('droppedDatagrams');
    const copy = new Uint8Array(bytes);
    void sender.socket.then((socket) => socket?.send(copy, this.#target));
  }

  async close(): Promise<void> {
    const closing = [...this.#senders.values()].map(async ({ socket, idle }) => {
      idle.cancel();
      await (await socket)?.close();
    });
    this.#senders.clear();
    await Promise.all(closing);
  }

  #sender(from: Endpoint): Sender | undefined {
    const key = formatEndpoint(from);
    const known = this.#senders.get(key);
    if (known) {
      known.idle.cancel();
      known.idle = this.#forgetLater(key);
      return known;
    }
    if (this.#senders.size >= MAX_SENDERS) return undefined;
    const bound = this.#context.net
      .bind({ host: sourceFor(this.#target.host), port: 0 }, (bytes) => this.#answer(bytes, from))
      .catch((error: Error) => {
        this.#context.log.warn(`No socket for the datagrams of ${key}: ${error.message}`);
        return null;
      });
    const sender = { socket: bound, idle: this.#forgetLater(key) };
    this.#senders.set(key, sender);
    this.#onChange();
    return sender;
  }

  #forgetLater(key: string): Timer {
    return this.#context.clock.after(this.#idleMs, () => {
      const sender = this.#senders.get(key);
      this.#senders.delete(key);
      void sender?.socket.then((socket) => socket?.close());
      this.#onChange();
    });
  }
}

/** An address from which the target can be reached: a socket on the loopback reaches nothing but the loopback. */
function sourceFor(target: string): string {
  if (target.includes(':')) return target === '::1' ? '::1' : '::';
  return target === 'localhost' || target.startsWith('127.') ? '127.0.0.1' : '0.0.0.0';
}
