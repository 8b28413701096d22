import { type Endpoint, formatEndpoint, parseEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import { decodeAssignment, encodeRequest, MAX_PACKET, PageReceiver } from '../../protocol/replica';
import type { Connection, NodeContext, Timer } from '../../runtime/context';
import { reasonOf, sentenceOf } from '../shared/error-text';
import type { FetchProgress, ReplicaClientConfig } from './manifest';
import type { ReplicaKinds } from './replica-kinds';

/** A packet that is neither full nor last is taken for whole after this silence, ms. */
const SHORT_PACKET_MS = 50;
/** A replica that does not close after the last answer has finished after this silence, ms. */
const NO_CLOSE_MS = 250;
/** Pause before a balancer that closed without an answer is asked again, ms. */
const ASK_AGAIN_MS = 500;
/** A balancer that has named no replica by then has none, ms. */
const NO_REPLICA_MS = 1000;
/** Large enough for bulk, small enough to be allocated for each page. */
const RECEIVE_BUFFER = 128 * 1024;

/** Where a page goes. `begin` is called again when another replica starts from the front. */
export interface PageTarget {
  begin(): void | Promise<void>;
  /** Lent until this returns. A promise is back-pressure. */
  write(bytes: Uint8Array): void | Promise<void>;
  /** SHA-256 of what was written since `begin`. */
  sha256(): Uint8Array;
}

export interface FetchOptions {
  balancer: Endpoint;
  config: Pick<ReplicaClientConfig, 'timeoutMs' | 'attempts' | 'strict'>;
  target: PageTarget;
  kinds: ReplicaKinds;
  signal: AbortSignal;
  progress(progress: FetchProgress): void;
}

/**
 * Gets the page: asks the balancer for a replica, and again when the replica fails. Waits without limit while
 * no replica is up.
 * @returns how the page was verified: 'size and hash' or 'end mark'
 * @throws StudioError 'BALANCER_UNREACHABLE' or 'REPLICAS_FAILED'
 */
export async function fetchPage(context: NodeContext, options: FetchOptions): Promise<string> {
  const state: FetchProgress = { phase: 'waiting', noReplica: false, bytes: 0, bulk: false, marks: [] };
  const waiting = (): void => {
    if (state.noReplica) return;
    state.noReplica = true;
    options.progress(state);
  };
  for (let attempt = 1; ; attempt++) {
    const replica = await askBalancer(context, options, waiting);
    const named = { phase: 'running', noReplica: false, replica: formatEndpoint(replica) } as const;
    Object.assign(state, named, { bytes: 0, bulk: false });
    options.progress(state);
    try {
      await options.target.begin();
      return await new PageFetch(context, options, replica, state).run();
    } catch (error) {
      options.signal.throwIfAborted();
      state.marks.push(`${formatEndpoint(replica)}: ${(error as Error).message}`);
      state.phase = 'waiting';
      options.progress(state);
      if (attempt >= options.config.attempts) {
        throw new StudioError(
          'REPLICAS_FAILED',
          `No replica delivered the page in ${attempt} attempts; the last: ${state.marks.at(-1)}.`,
          'See what the balancer says of its replicas.',
        );
      }
      // The balancer needs a moment to notice, too; the same broken replica in a tight loop helps nobody.
      await context.clock.sleep(Math.min(50 * 2 ** attempt, 2000), options.signal);
    }
  }
}

/** @param waiting called when no replica is up, so that this may take any time */
async function askBalancer(
  context: NodeContext,
  options: FetchOptions,
  waiting: () => void,
): Promise<Endpoint> {
  const { balancer, signal, config } = options;
  let connection: Connection;
  try {
    connection = await context.net.connect(balancer, { timeoutMs: config.timeoutMs, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new StudioError(
      'BALANCER_UNREACHABLE',
      `The balancer at ${formatEndpoint(balancer)} cannot be reached: ${sentenceOf(reasonOf(error))}`,
      'Check its address and port, and that it is running.',
      { cause: error },
    );
  }
  const slow = context.clock.after(NO_REPLICA_MS, waiting);
  const packet = await firstPacket(connection, signal).finally(() => slow.cancel());
  // Sent away after a long wait, or the balancer ended: it is asked again, and refuses if it has ended.
  if (packet.length === 0) {
    await context.clock.sleep(ASK_AGAIN_MS, signal);
    return askBalancer(context, options, waiting);
  }
  const address = decodeAssignment(packet);
  context.telemetry.trace('in', 'tcp', balancer, () => `SYN ${address}`);
  const replica = address === null ? null : parseEndpoint(address, balancer.port);
  if (replica) return replica;
  throw new StudioError(
    'BALANCER_UNREACHABLE',
    `What answered at ${formatEndpoint(balancer)} is not a replica balancer.`,
    'Check the port: the balancer listens on 33000 unless told otherwise.',
  );
}

/** Everything up to the end of the connection, or to its first pause: the balancer sends one packet. */
function firstPacket(connection: Connection, signal: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let packet: Buffer = Buffer.alloc(0);
    const finish = (): void => {
      signal.removeEventListener('abort', onAbort);
      connection.destroy();
      resolve(packet);
    };
    const onAbort = (): void => {
      connection.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    connection.handle({
      data: (bytes) => {
        packet = Buffer.concat([packet, bytes]).subarray(0, MAX_PACKET + 1);
        connection.setIdle(NO_CLOSE_MS, finish);
      },
      end: finish,
      close: finish,
    });
  });
}

/** One page from one replica. */
class PageFetch {
  readonly #receiver: PageReceiver;
  #connection: Connection | undefined;
  #quiet: Timer | undefined;
  #stopAsking: (() => void) | undefined;
  #hash: Uint8Array | null | undefined;
  #settle: { resolve(): void; reject(error: Error): void } | undefined;
  #bytesAtLastProgress = 0;

  constructor(
    readonly context: NodeContext,
    readonly options: FetchOptions,
    readonly replica: Endpoint,
    readonly state: FetchProgress,
  ) {
    this.#receiver = new PageReceiver({
      page: (bytes) => this.#page(bytes),
      answer: (bytes) => this.#connection?.write(bytes),
      done: (sha256) => {
        this.#hash = sha256 && Uint8Array.from(sha256);
      },
    });
  }

  async run(): Promise<string> {
    const { timeoutMs } = this.options.config;
    const { signal } = this.options;
    const onAbort = (): void => this.#settle?.reject(signal.reason as Error);
    try {
      this.#connection = await this.context.net.connect(this.replica, {
        timeoutMs,
        signal,
        receiveBufferSize: RECEIVE_BUFFER,
      });
      signal.addEventListener('abort', onAbort, { once: true });
      await this.#receive(this.#connection, timeoutMs);
      return this.#verify();
    } finally {
      this.#stopAsking?.();
      signal.removeEventListener('abort', onAbort);
      this.#quiet?.cancel();
      this.#connection?.destroy();
    }
  }

  #receive(connection: Connection, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      connection.setIdle(timeoutMs, () => reject(new Error(`it sent nothing for ${timeoutMs} ms`)));
      connection.handle({
        data: (bytes) => this.#data(bytes),
        end: () => this.#ended(),
        close: (error) => this.#ended(error),
      });
      connection.write(encodeRequest());
    });
  }

  #data(bytes: Uint8Array): void {
    this.#quiet?.cancel();
    this.#quiet = undefined;
    this.#receiver.push(bytes);
    this.#askWhetherOurs();
    if (this.#hash !== undefined) return this.#settle?.resolve();
    if (this.#receiver.answeredLast) this.#quiet = this.context.clock.after(NO_CLOSE_MS, () => this.#ended());
    else if (this.#receiver.undecided) {
      this.#quiet = this.context.clock.after(SHORT_PACKET_MS, () => this.#receiver.acceptShort());
    }
  }

  /** Once, and only when there is more than one packet to come. */
  #askWhetherOurs(): void {
    if (this.#stopAsking || this.options.config.strict || this.#receiver.answeredLast) return;
    this.#stopAsking = this.options.kinds.whenOurs(this.replica, () => {
      this.#receiver.takeBulk = true;
      this.state.bulk = true;
    });
  }

  /** The end of the connection is the end of the page, if the last packet has come: reset and close alike. */
  #ended(error?: Error): void {
    if (this.#receiver.finish()) this.#settle?.resolve();
    else this.#settle?.reject(error ?? new Error('it closed in the middle of the page'));
  }

  #page(bytes: Uint8Array): void {
    this.state.bytes += bytes.length;
    const written = this.options.target.write(bytes);
    if (written) this.#waitFor(written);
    if (this.state.bytes - this.#bytesAtLastProgress < 64 * 1024) return;
    this.#bytesAtLastProgress = this.state.bytes;
    this.options.progress(this.state);
  }

  #waitFor(written: Promise<void>): void {
    const connection = this.#connection;
    connection?.pause();
    written.then(
      () => connection?.resume(),
      (error) => this.#settle?.reject(error),
    );
  }

  #verify(): string {
    this.options.progress(this.state);
    if (!this.#hash) return 'end mark';
    if (Buffer.compare(this.#hash, this.options.target.sha256()) === 0) return 'size and hash';
    throw new Error('what arrived is not what it sent (the hashes differ)');
  }
}
