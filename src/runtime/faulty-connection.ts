import type { Link, StreamItem } from '../faults/fault';
import type { Clock, Connection, ConnectionHandlers, Endpoint, Timer } from './context';
import type { FaultSet } from './fault-set';
import type { LiveFault } from './live-fault';
import { StreamChain } from './stream-chain';
import { StreamLine, type StreamLineEvents } from './stream-line';
import { Strikes } from './strikes';

/** Bytes that may wait in the system's socket before a sender behind a chain is held back. */
const SOCKET_WINDOW = 1024 * 1024;

/** A peer that does not take the last bytes of a connection that the node has closed is waited for so long. */
const LINGER_MS = 10_000;

/** A clock that drifts is read with a rounding error: without this, a timer could come an instant too early for ever. */
const ROUNDING_MS = 0.5;

/** What all connections of one faulty network share. */
export interface FaultyWorld {
  faults: FaultSet;
  /** The machine's clock: faults are timed by it. */
  realClock: Clock;
  /** The node's clock, which a fault may stop or bend. */
  nodeClock: Clock;
}

interface Idle {
  ms: number;
  onIdle: () => void;
  /** Last activity, by the node's clock. */
  since: number;
  timer?: Timer;
}

/**
 * A connection with a chain of faults in each direction. Without faults it hands everything straight on: lent
 * buffers stay lent, and back-pressure is the inner connection's.
 *
 * With faults, bytes that the node has sent are in flight: they outlive its `destroy`, as bytes in the
 * kernel's buffer and on the wire do.
 */
export class FaultyConnection implements Connection {
  readonly #world: FaultyWorld;
  readonly #inner: Connection;
  readonly #role: Link['role'];
  readonly #peer: Endpoint;
  readonly #openedAt: number;
  readonly #onClosed: (connection: FaultyConnection) => void;
  #strikes: Strikes | undefined;
  #handlers: ConnectionHandlers | undefined;
  #in: StreamChain | undefined;
  #out: StreamChain | undefined;
  /** What has passed the inbound chain while the node did not read. */
  #arrived: StreamItem[] = [];
  /** The node asked for a pause. */
  #paused = false;
  /** The node has finished sending. */
  #ended = false;
  /** The node was told that the peer has finished: it hears no byte after that, though a fault that cut them is gone. */
  #peerEnded = false;
  /** The node was told, or decided itself, that the connection is closed. */
  #closed = false;
  #error: Error | undefined;
  #innerClosed = false;
  /** Bytes that left the outbound chain and that the system has not yet taken. */
  #unsent = 0;
  #lingering: Timer | undefined;
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #idle: Idle | undefined;

  /** @param peer where the other side listens, if the node dialled; otherwise the port it dialled from */
  constructor(
    world: FaultyWorld,
    inner: Connection,
    role: Link['role'],
    peer: Endpoint,
    onClosed: (connection: FaultyConnection) => void,
    strikes?: Strikes,
  ) {
    this.#world = world;
    this.#inner = inner;
    this.#role = role;
    this.#peer = peer;
    this.#openedAt = world.realClock.now();
    this.#onClosed = onClosed;
    this.#strikes = strikes;
    if (world.faults.active.length > 0) this.refresh();
  }

  get local(): Endpoint {
    return this.#inner.local;
  }

  get remote(): Endpoint {
    return this.#inner.remote;
  }

  get closed(): boolean {
    return this.#closed || (!this.#in && this.#inner.closed);
  }

  get pendingBytes(): number {
    return this.#inner.pendingBytes + (this.#out?.heldBytes ?? 0);
  }

  handle(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    this.#peerEnded = false; // new handlers hear it, too
    if (this.#closed) return queueMicrotask(() => handlers.close?.(this.#error));
    this.#inner.handle({
      data: (bytes) => {
        if (this.#in) this.#receive({ type: 'bytes', bytes: new Uint8Array(bytes) });
        else if (!this.#closed && !this.#peerEnded) handlers.data(bytes);
      },
      end: () => this.#receive({ type: 'end' }),
      close: (error) => {
        this.#out?.clear();
        this.#innerClosed = true;
        this.#lingering?.cancel();
        this.#receive({ type: 'close', reset: error !== undefined, ...(error ? { error } : {}) });
      },
    });
    this.#throttle();
  }

  write(bytes: Uint8Array | string): void {
    if (!this.#out) return this.#inner.write(bytes);
    if (!this.#writable) return;
    this.#touch();
    this.#out.push({ type: 'bytes', bytes: toBytes(bytes) });
  }

  send(bytes: Uint8Array | string): Promise<void> {
    if (!this.#out) return this.#inner.send(bytes);
    if (!this.#writable) return Promise.reject(brokenPipe());
    this.#touch();
    // A copy: the caller may reuse the buffer when the chain has taken it, long before it leaves.
    this.#out.push({ type: 'bytes', bytes: new Uint8Array(toBytes(bytes)) });
    if (!this.#congested) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  end(bytes?: Uint8Array | string): void {
    if (bytes !== undefined && this.#out) this.write(bytes);
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    if (this.#out) this.#out.push({ type: 'end' });
    else this.#inner.end(bytes);
  }

  destroy(error?: Error): void {
    this.#leave(false, error);
  }

  reset(): void {
    this.#leave(true);
  }

  pause(): void {
    this.#paused = true;
    this.#throttle();
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
    this.#throttle();
  }

  setIdle(ms: number, onIdle: () => void): void {
    this.#idle?.timer?.cancel();
    if (this.#closed) return;
    this.#idle = ms > 0 ? { ms, onIdle, since: 0 } : undefined;
    this.#armIdle();
  }

  /** The set of faults, or a setting of one, has changed. */
  refresh(): void {
    const inbound = this.#closed ? [] : this.#covering('in');
    const outbound = this.#covering('out');
    if (!this.#in && (this.#inner.closed || (inbound.length === 0 && outbound.length === 0))) return;
    this.#enterChains();
    this.#out?.adopt(outbound, (fault) => this.#line(fault, 'out'));
    this.#in?.adopt(inbound, (fault) => this.#line(fault, 'in'));
    this.#relieve();
    this.#throttle();
    this.#leaveChainsIfIdle();
  }

  #enterChains(): void {
    if (this.#in) return;
    this.#in = new StreamChain((item) => {
      if (this.#closed) return;
      this.#arrived.push(item);
      this.#deliver();
    });
    this.#out = new StreamChain((item) => this.#transmit(item));
    this.#armIdle();
  }

  /** Back to the direct way, once no fault is left and nothing is under way. */
  #leaveChainsIfIdle(): void {
    if (!this.#in?.empty || !this.#out?.empty || this.#arrived.length > 0 || this.#closed) return;
    this.#in = undefined;
    this.#out = undefined;
    this.#armIdle();
  }

  #covering(direction: Link['direction']): LiveFault[] {
    const traffic = { transport: 'tcp', direction, peer: this.#peer } as const;
    return this.#world.faults.active.filter((fault) => {
      if (!fault.behaviour.stream || !fault.covers(traffic)) return false;
      this.#strikes ??= new Strikes();
      return this.#strikes.has(fault);
    });
  }

  #line(fault: LiveFault, direction: Link['direction']): StreamLine | undefined {
    const { realClock } = this.#world;
    const random = fault.deal(`tcp ${direction} ${this.#role}`);
    const link = { direction, role: this.#role, openedAt: this.#openedAt, random };
    const rule = fault.behaviour.stream?.(link);
    return rule && new StreamLine(fault, rule, realClock, random, this.#lineEvents);
  }

  readonly #lineEvents: StreamLineEvents = {
    released: () => {
      this.#relieve();
      this.#throttle();
    },
    breaks: (end) => this.#break({ type: 'break', ...end }),
  };

  /** From the inner connection. */
  #receive(item: StreamItem): void {
    if (!this.#in) return this.#tell(item);
    this.#in.push(item);
    this.#throttle();
    this.#forgetIfOver();
  }

  /** To the node, while it reads. The close of a connection waits for nobody's reading. */
  #deliver(): void {
    while (this.#arrived.length > 0 && (!this.#paused || this.#arrived[0]?.type === 'close')) {
      this.#tell(this.#arrived.shift() as StreamItem);
    }
    this.#leaveChainsIfIdle();
  }

  #tell(item: StreamItem): void {
    if (this.#closed) return;
    if (this.#in) this.#touch();
    switch (item.type) {
      case 'bytes':
        return this.#peerEnded ? undefined : this.#handlers?.data(item.bytes);
      case 'end':
        return this.#tellEnd();
      case 'close':
        return this.#close(item.error);
      case 'break':
        return this.#break(item);
    }
  }

  #tellEnd(): void {
    if (this.#peerEnded) return;
    this.#peerEnded = true;
    if (this.#handlers?.end) this.#handlers.end();
    else this.end();
  }

  /** To the inner connection. */
  #transmit(item: StreamItem): void {
    if (this.#lingering) return;
    switch (item.type) {
      case 'bytes': {
        const { length } = item.bytes;
        this.#unsent += length;
        const taken = (): void => {
          this.#unsent -= length;
          this.#relieve();
          if (this.#unsent === 0 && this.#lingering) this.#destroyInner();
        };
        this.#inner.send(item.bytes).then(taken, taken);
        return;
      }
      case 'end':
        return this.#inner.end();
      case 'close':
        return item.reset ? this.#inner.reset() : this.#linger();
      case 'break':
        return this.#break(item);
    }
  }

  /** Closes the inner connection when the system has taken what was sent. */
  #linger(): void {
    if (this.#unsent === 0) return this.#inner.destroy();
    this.#lingering ??= this.#world.realClock.after(LINGER_MS, () => this.#destroyInner());
  }

  #destroyInner(): void {
    this.#lingering?.cancel();
    this.#inner.destroy();
  }

  /** A fault ends the connection, at both sides or at the far one alone. */
  #break({ reset, farOnly }: Extract<StreamItem, { type: 'break' }>): void {
    if (reset) this.#inner.reset();
    else this.#linger();
    if (this.#closed || farOnly) return;
    if (!this.#handlers) this.handle({ data: () => {} }); // so that its end is heard of
    if (!reset && !this.#peerEnded) this.#handlers?.end?.();
    const error = reset
      ? Object.assign(new Error('The connection was reset.'), { code: 'ECONNRESET' })
      : undefined;
    this.#close(error);
  }

  /** The node closes the connection. */
  #leave(reset: boolean, error?: Error): void {
    if (!this.#handlers) this.handle({ data: () => {} }); // so that its end is heard of
    if (!this.#out) return reset ? this.#inner.reset() : this.#inner.destroy(error);
    if (this.#closed) return;
    this.#closed = true;
    this.#in?.clear();
    this.#arrived = [];
    this.#idle?.timer?.cancel();
    // What is still held goes out first; meanwhile the peer's bytes are read and thrown away.
    this.#out.push({ type: 'close', reset });
    this.#inner.resume();
    queueMicrotask(() => this.#finish(error));
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#in?.clear();
    this.#finish(error);
  }

  #finish(error: Error | undefined): void {
    this.#error = error;
    this.#idle?.timer?.cancel();
    for (const { reject } of this.#waiting.splice(0)) reject(brokenPipe());
    this.#handlers?.close?.(error);
    this.#forgetIfOver();
  }

  /** Faults concern it no longer, once it is closed and the node knows. */
  #forgetIfOver(): void {
    if (this.#innerClosed && this.#closed) this.#onClosed(this);
  }

  get #writable(): boolean {
    return !this.#ended && !this.#closed;
  }

  get #congested(): boolean {
    return this.#out?.full === true || this.#unsent >= SOCKET_WINDOW;
  }

  /** Lets senders go on that waited for room. */
  #relieve(): void {
    if (this.#waiting.length === 0 || this.#congested) return;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  #throttle(): void {
    if (this.#closed) return;
    if (this.#paused || this.#arrived.length > 0 || this.#in?.full) this.#inner.pause();
    else this.#inner.resume();
  }

  #touch(): void {
    if (this.#idle) this.#idle.since = this.#world.nodeClock.now();
  }

  /** Idleness is the inner connection's to notice, unless faults stand between it and the node. */
  #armIdle(): void {
    const idle = this.#idle;
    idle?.timer?.cancel();
    if (!idle || !this.#in) return this.#inner.setIdle(idle?.ms ?? 0, idle?.onIdle ?? (() => {}));
    this.#inner.setIdle(0, () => {});
    this.#touch();
    this.#watchIdle(idle);
  }

  #watchIdle(idle: Idle): void {
    const { nodeClock } = this.#world;
    idle.timer = nodeClock.after(idle.since + idle.ms - nodeClock.now(), () => {
      if (nodeClock.now() - idle.since >= idle.ms - ROUNDING_MS) {
        this.#touch();
        idle.onIdle();
      }
      if (this.#idle === idle && !this.#closed) this.#watchIdle(idle);
    });
  }
}

function toBytes(bytes: Uint8Array | string): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes;
}

function brokenPipe(): Error {
  return Object.assign(new Error('The connection is closed.'), { code: 'EPIPE' });
}
