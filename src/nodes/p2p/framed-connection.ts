/** A connection that speaks our frames, once both sides have said so. */
import { FrameError } from '../../protocol/p2p-binary';
import {
  encodeMessage,
  FrameReader,
  type P2pMessage,
  PREFACE,
  type RefusalCode,
} from '../../protocol/p2p-messages';
import type { Connection, Telemetry } from '../../runtime/context';

/** Control messages that a peer does not take: beyond this it is cut off instead of filling our memory. */
const MAX_PENDING = 16 * 1024 * 1024;

export interface FramedHandlers {
  message(message: P2pMessage): void;
  /** Bytes of a file; the buffer is lent. Absent: this side asked for none, so they are an offence. */
  data?(id: number, bytes: Uint8Array): void;
  /** Called exactly once. */
  closed(error?: Error): void;
}

export class FramedConnection {
  readonly connection: Connection;
  readonly #handlers: FramedHandlers;
  readonly #telemetry: Telemetry;
  readonly #reader: FrameReader;
  #closed = false;

  /** Sends the preface and listens. */
  constructor(connection: Connection, handlers: FramedHandlers, telemetry: Telemetry) {
    this.connection = connection;
    this.#handlers = handlers;
    this.#telemetry = telemetry;
    this.#reader = new FrameReader({
      message: (message) => {
        if (message.kind !== 'have' && message.kind !== 'ping')
          telemetry.trace('in', 'tcp', connection.remote, () => describe(message));
        handlers.message(message);
      },
      data: (id, bytes) => {
        if (!handlers.data) throw new FrameError('Data was sent that nobody asked for.');
        handlers.data(id, bytes);
      },
    });
    connection.write(PREFACE);
    connection.handle({
      data: (bytes) => this.receive(bytes),
      end: () => connection.end(),
      close: (error) => this.#close(error),
    });
  }

  /** All in one segment, as far as they fit. */
  send(...messages: readonly P2pMessage[]): void {
    if (this.#closed) return;
    for (const message of messages) {
      if (message.kind !== 'have' && message.kind !== 'ping')
        this.#telemetry.trace('out', 'tcp', this.connection.remote, () => describe(message));
    }
    this.connection.write(Buffer.concat(messages.map(encodeMessage)));
    if (this.connection.pendingBytes > MAX_PENDING)
      this.destroy(new Error('It does not read what it is sent.'));
  }

  /** Sends a long answer no faster than the peer takes it. Resolves as well when the connection ends before. */
  async stream(messages: Iterable<P2pMessage>): Promise<void> {
    for (const message of messages) {
      if (this.#closed) return;
      this.#telemetry.trace('out', 'tcp', this.connection.remote, () => describe(message));
      await this.connection.send(encodeMessage(message)).catch(() => {});
    }
  }

  /** Says why, and closes when that has been sent. */
  refuse(code: RefusalCode, text: string): void {
    this.send({ kind: 'refuse', code, text });
    this.#reader.stop();
    this.connection.end();
  }

  destroy(error?: Error): void {
    this.#reader.stop();
    this.connection.destroy();
    this.#close(error);
  }

  /** For bytes that came before it was known who speaks. */
  receive(bytes: Uint8Array): void {
    try {
      this.#reader.push(bytes);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.send({ kind: 'refuse', code: 'PROTOCOL', text: error.message });
      this.destroy(error);
    }
  }

  #close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.stop();
    this.#handlers.closed(error);
  }
}

/** One line for people who watch the wire; secrets and hashes are shortened or left out. */
function describe(message: P2pMessage): string {
  const { kind, ...fields } = message;
  const words = Object.entries(fields).map(([key, value]) => {
    if (value instanceof Uint8Array) return `${key}=${Buffer.from(value.subarray(0, 4)).toString('hex')}…`;
    if (Array.isArray(value)) return `${value.length} ${key}`;
    return `${key}=${String(value)}`;
  });
  return [kind, ...words].join(' ');
}
