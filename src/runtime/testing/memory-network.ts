import { formatEndpoint } from '../../contract/endpoint';
import type {
  Clock,
  Connection,
  ConnectionHandlers,
  ConnectOptions,
  DatagramSocket,
  Endpoint,
  Listener,
  Network,
  Timer,
} from '../context';

/**
 * TCP and UDP inside one process, for tests: ordered, with back-pressure, without a clock of its own.
 * Chunks are lent in a scratch buffer that is overwritten after each handler, so that code which keeps a lent
 * buffer fails here and not in production.
 */
export class MemoryNetwork {
  /** Cuts what is delivered into segments of at most this many bytes; 1 is the hardest peer. */
  segmentSize = Number.POSITIVE_INFINITY;
  readonly listeners = new Map<string, MemoryListener>();
  readonly sockets = new Map<string, MemoryDatagramSocket>();
  readonly #hosts = new Map<string, MemoryHost>();
  #ephemeral = 49_152;
  #inFlight = 0;

  /** The network as one machine (or process) has it. `crash` of the same name takes all of it away. */
  host(name: string, clock?: Clock): Network & { crash(): void } {
    let host = this.#hosts.get(name);
    if (!host) {
      host = new MemoryHost(this, clock);
      this.#hosts.set(name, host);
    }
    return host;
  }

  /** Runs `deliver` in a later turn of the event loop; `idle` waits for it. */
  later(deliver: () => void): void {
    this.#inFlight++;
    setImmediate(() => {
      this.#inFlight--;
      deliver();
    });
  }

  /** True when nothing is on the wire. Bytes that a paused reader refuses are not on the wire. */
  get idle(): boolean {
    return this.#inFlight === 0;
  }

  freePort(table: Map<string, unknown>, host: string): number {
    do this.#ephemeral = this.#ephemeral >= 65_535 ? 49_152 : this.#ephemeral + 1;
    while (table.has(formatEndpoint({ host, port: this.#ephemeral })));
    return this.#ephemeral;
  }

  ephemeralPort(): number {
    return this.freePort(this.listeners, '127.0.0.1');
  }
}

class MemoryHost implements Network {
  readonly owned = new Set<{ crash(): void }>();

  constructor(
    readonly network: MemoryNetwork,
    readonly clock: Clock | undefined,
  ) {}

  async listen(at: Endpoint, accept: (connection: Connection) => void): Promise<Listener> {
    const port = at.port || this.network.freePort(this.network.listeners, at.host);
    const local = { host: at.host, port };
    if (this.network.listeners.has(formatEndpoint(local))) throw inUse(local);
    return new MemoryListener(this, local, accept);
  }

  async connect(to: Endpoint, options: ConnectOptions = {}): Promise<Connection> {
    options.signal?.throwIfAborted();
    await new Promise<void>((resolve) => this.network.later(resolve));
    options.signal?.throwIfAborted();
    const listener = this.network.listeners.get(formatEndpoint({ ...to, host: normal(to.host) }));
    if (!listener) throw systemError('ECONNREFUSED', `connect ECONNREFUSED ${formatEndpoint(to)}`);
    const from = { host: options.localHost ?? '127.0.0.1', port: this.network.ephemeralPort() };
    const client = new MemoryConnection(this, from, listener.local);
    const server = new MemoryConnection(listener.owner, listener.local, from);
    client.peer = server;
    server.peer = client;
    this.network.later(() => {
      if (!server.closed) listener.accept(server);
    });
    return client;
  }

  async bind(at: Endpoint, receive: (bytes: Uint8Array, from: Endpoint) => void): Promise<DatagramSocket> {
    const port = at.port || this.network.freePort(this.network.sockets, at.host);
    const local = { host: at.host, port };
    if (this.network.sockets.has(formatEndpoint(local))) throw inUse(local);
    return new MemoryDatagramSocket(this, local, receive);
  }

  /** What kill -9 does: listeners gone, connections reset, no handler of this side called any more. */
  crash(): void {
    for (const owned of [...this.owned]) owned.crash();
  }
}

class MemoryListener implements Listener {
  constructor(
    readonly owner: MemoryHost,
    readonly local: Endpoint,
    readonly accept: (connection: Connection) => void,
  ) {
    owner.network.listeners.set(formatEndpoint(local), this);
    owner.owned.add(this);
  }

  async close(): Promise<void> {
    this.crash();
  }

  crash(): void {
    this.owner.network.listeners.delete(formatEndpoint(this.local));
    this.owner.owned.delete(this);
  }
}

class MemoryDatagramSocket implements DatagramSocket {
  #open = true;

  constructor(
    readonly owner: MemoryHost,
    readonly local: Endpoint,
    readonly receive: (bytes: Uint8Array, from: Endpoint) => void,
  ) {
    owner.network.sockets.set(formatEndpoint(local), this);
    owner.owned.add(this);
  }

  send(bytes: Uint8Array | string, to: Endpoint): void {
    if (!this.#open) return;
    const copy = Uint8Array.from(toBytes(bytes));
    this.owner.network.later(() => {
      const target = this.owner.network.sockets.get(formatEndpoint({ ...to, host: normal(to.host) }));
      if (target) target.deliver(copy, this.local);
    });
  }

  deliver(bytes: Uint8Array, from: Endpoint): void {
    if (this.#open) lend(bytes, (lent) => this.receive(lent, from));
  }

  async close(): Promise<void> {
    this.crash();
  }

  crash(): void {
    this.#open = false;
    this.owner.network.sockets.delete(formatEndpoint(this.local));
    this.owner.owned.delete(this);
  }
}

type Queued = { bytes: Uint8Array; taken?: () => void; refused?: (error: Error) => void } | 'fin';

class MemoryConnection implements Connection {
  peer!: MemoryConnection;
  closed = false;
  #handlers: ConnectionHandlers | undefined;
  #paused = false;
  #ended = false;
  #peerEnded = false;
  #delivering = false;
  #crashed = false;
  #queue: Queued[] = [];
  #pending = 0;
  #idle: { timer: Timer; ms: number; onIdle: () => void } | undefined;

  constructor(
    readonly owner: MemoryHost,
    readonly local: Endpoint,
    readonly remote: Endpoint,
  ) {
    owner.owned.add(this);
  }

  get pendingBytes(): number {
    return this.#pending;
  }

  handle(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    this.peer.#pump();
  }

  write(bytes: Uint8Array | string): void {
    this.#enqueue({ bytes: Uint8Array.from(toBytes(bytes)) });
  }

  send(bytes: Uint8Array | string): Promise<void> {
    return new Promise((taken, refused) => {
      if (this.closed || this.#ended) return refused(systemError('EPIPE', 'The connection is closed.'));
      this.#enqueue({ bytes: Uint8Array.from(toBytes(bytes)), taken, refused });
    });
  }

  end(bytes?: Uint8Array | string): void {
    if (this.closed || this.#ended) return;
    if (bytes !== undefined) this.write(bytes);
    this.#ended = true;
    this.#queue.push('fin');
    this.#pump();
  }

  destroy(error?: Error): void {
    if (this.closed) return;
    this.#finish(error);
    this.owner.network.later(() => this.peer.#peerGone());
  }

  reset(): void {
    if (this.closed) return;
    this.#finish();
    this.owner.network.later(() => this.peer.#finish(systemError('ECONNRESET', 'read ECONNRESET')));
  }

  crash(): void {
    this.#crashed = true;
    this.reset();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.peer.#pump();
  }

  setIdle(ms: number, onIdle: () => void): void {
    this.#idle?.timer.cancel();
    this.#idle = undefined;
    if (ms === 0 || this.closed || !this.owner.clock) return;
    this.#idle = { ms, onIdle, timer: this.owner.clock.after(ms, onIdle) };
  }

  #enqueue(item: Exclude<Queued, 'fin'>): void {
    if (this.closed || this.#ended) return;
    this.#pending += item.bytes.length;
    this.#queue.push(item);
    this.#touch();
    this.#pump();
  }

  /** Moves what is queued to the peer, one segment a turn, while the peer takes it. */
  #pump(): void {
    if (this.#delivering || this.#queue.length === 0 || !this.peer.#takes()) return;
    this.#delivering = true;
    this.owner.network.later(() => {
      this.#delivering = false;
      this.#deliverOne();
      this.#pump();
    });
  }

  #takes(): boolean {
    return this.#handlers !== undefined && !this.#paused && !this.closed;
  }

  #deliverOne(): void {
    const item = this.#queue[0];
    if (item === undefined || !this.peer.#takes()) return;
    if (item === 'fin') {
      this.#queue.shift();
      this.peer.#finReceived();
      return;
    }
    const segment = item.bytes.subarray(0, this.owner.network.segmentSize);
    item.bytes = item.bytes.subarray(segment.length);
    this.#pending -= segment.length;
    if (item.bytes.length === 0) {
      this.#queue.shift();
      item.taken?.();
    }
    this.#touch();
    this.peer.#received(segment);
  }

  #received(segment: Uint8Array): void {
    this.#touch();
    if (segment.length > 0) lend(segment, (lent) => this.#handlers?.data(lent));
  }

  #finReceived(): void {
    this.#peerEnded = true;
    if (this.#handlers?.end) this.#handlers.end();
    else this.end();
    this.#closeIfDone();
    this.peer.#closeIfDone();
  }

  #closeIfDone(): void {
    if (this.#ended && this.#peerEnded && this.#queue.length === 0) this.#finish();
  }

  /** The peer closed without waiting: we still read what it had sent, and then the end. */
  #peerGone(): void {
    if (!this.closed) this.#finish();
  }

  #finish(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.#idle?.timer.cancel();
    this.owner.owned.delete(this);
    for (const item of this.#queue.splice(0)) {
      if (item !== 'fin') item.refused?.(error ?? systemError('EPIPE', 'The connection is closed.'));
    }
    this.#pending = 0;
    // As in Node: 'close' comes in a later turn, never from inside the call that closes.
    if (!this.#crashed) this.owner.network.later(() => this.#handlers?.close?.(error));
  }

  #touch(): void {
    const idle = this.#idle;
    if (idle && !this.closed) this.setIdle(idle.ms, idle.onIdle);
  }
}

function lend(bytes: Uint8Array, use: (lent: Uint8Array) => void): void {
  const scratch = Uint8Array.from(bytes);
  use(scratch);
  scratch.fill(0xdd);
}

function toBytes(bytes: Uint8Array | string): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes;
}

function normal(host: string): string {
  return host === 'localhost' || host === '0.0.0.0' ? '127.0.0.1' : host;
}

function inUse(at: Endpoint): Error {
  return systemError('EADDRINUSE', `listen EADDRINUSE: address already in use ${formatEndpoint(at)}`);
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
