import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import {
  encodeProbe,
  encodeWatch,
  FIN,
  type Header,
  HeaderReader,
  type ReplicaStatus,
} from '../../protocol/replica';
import { type ReplicaHealth, SmoothedMean } from '../../protocol/replica-selection';
import type { Connection, NodeContext, Timer } from '../../runtime/context';

/** Memory of the means, ms: a slow replica is noticed in seconds, a lossy one in tens of them. */
const RTT_MEMORY_MS = 5_000;
const LOSS_MEMORY_MS = 20_000;
/** A foreign replica sees a probe as a client that says nothing: it gets so many times fewer. */
const FOREIGN_FACTOR = 4;
/** A connection that was accepted so recently, ms, proves that the replica is up. */
const FRESH_MS = 200;

export interface ProbeSettings {
  probeMs: number;
  probeTimeoutMs: number;
  strict: boolean;
}

/**
 * Knows one replica: whether it is up, how far away it is, and how busy.
 *
 * A replica of ours answers datagrams (round trip, loss, load) and keeps a connection open whose end tells at
 * once that it is gone. Of a foreign one only connections can be made: their time is the round trip, and
 * a failure counts as a loss.
 */
export class ReplicaProbe {
  readonly address: string;
  state: 'up' | 'down' | 'draining' | 'unknown' = 'unknown';
  detail: string | undefined;
  ours = false;
  /** Clients sent there since start. */
  assigned = 0;
  readonly #rtt = new SmoothedMean(RTT_MEMORY_MS);
  readonly #loss = new SmoothedMean(LOSS_MEMORY_MS);
  #status: ReplicaStatus | undefined;
  #sentSinceStatus = 0;
  #asked: { nonce: number; at: number } | undefined;
  #watch: { connection: Connection; unansweredSince: number | undefined } | undefined;
  #lastReached = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #connecting: Promise<void> | undefined;
  #closed = false;

  constructor(
    readonly endpoint: Endpoint,
    readonly settings: ProbeSettings,
    readonly context: NodeContext,
    readonly sendDatagram: (bytes: Uint8Array, to: Endpoint) => void,
    /** State or numbers are different now. */
    readonly changed: () => void,
  ) {
    this.address = formatEndpoint(endpoint);
  }

  /** Resolves when the state is known. */
  async start(): Promise<void> {
    await this.#probe();
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#watch?.connection.destroy();
  }

  /** Undefined until measured. */
  get rttMs(): number | undefined {
    return this.#rtt.value;
  }

  get loss(): number {
    return this.#loss.value ?? 0;
  }

  get load(): number {
    return (this.#status?.load ?? 0) + this.#sentSinceStatus;
  }

  get health(): ReplicaHealth | null {
    if (this.state !== 'up') return null;
    return { rttMs: this.#rtt.value ?? 0, loss: this.loss, load: this.load };
  }

  /** A client was sent there. */
  assign(): void {
    this.assigned++;
    this.#sentSinceStatus++;
  }

  /**
   * Whether a client may be sent there this instant. Costs nothing while the watching connection is open or
   * the last connection is fresh; otherwise one connection is made.
   */
  async confirm(): Promise<boolean> {
    const fresh = this.context.clock.now() - this.#lastReached < FRESH_MS;
    if (this.state === 'up' && !this.#watch && !fresh) await this.#connect();
    return this.state === 'up' && !this.#closed;
  }

  /** A datagram came from this replica. */
  replied(nonce: number, status: ReplicaStatus): void {
    if (this.#closed || this.#asked?.nonce !== nonce) return;
    const now = this.context.clock.now();
    this.#rtt.add(now - this.#asked.at, now);
    this.#loss.add(0, now);
    this.#asked = undefined;
    this.#status = status;
    this.#sentSinceStatus = 0;
    if (!this.ours) {
      this.ours = true;
      this.#schedule();
    }
    if (!this.#watch) void this.#connect();
    else this.#set(status.draining ? 'draining' : 'up');
    this.changed();
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#closed) return;
    const ms = this.settings.probeMs * (this.ours || this.state === 'down' ? 1 : FOREIGN_FACTOR);
    // A little apart, so that many replicas are not probed in the same instant for ever.
    this.#timer = this.context.clock.after(ms * (0.9 + 0.2 * this.context.random()), () => {
      void this.#probe();
      this.#schedule();
    });
  }

  async #probe(): Promise<void> {
    const now = this.context.clock.now();
    const { strict, probeTimeoutMs } = this.settings;
    if (this.#asked && now - this.#asked.at >= probeTimeoutMs) {
      this.#asked = undefined;
      if (this.ours) this.#loss.add(1, now);
    }
    // Foreign ones are asked too: they may be replaced by one of ours, and notice nothing.
    if (!strict && !this.#asked) this.#ask(now);
    // It never says how many it serves: those sent since the last probe are counted.
    if (!this.ours) this.#sentSinceStatus = 0;
    if (!this.#watch) return this.#connect();
    const silent = this.#watch.unansweredSince;
    if (silent !== undefined && now - silent >= probeTimeoutMs) {
      // Still one of ours: a hung program's system goes on taking connections, which would look like life.
      this.#set('down', 'does not answer');
      this.#watch.connection.destroy();
      return;
    }
    this.#watch.unansweredSince ??= now;
    this.#watch.connection.write(encodeWatch(0));
  }

  #ask(now: number): void {
    const nonce = Math.floor(this.context.random() * 2 ** 32);
    this.#asked = { nonce, at: now };
    this.sendDatagram(encodeProbe(nonce), this.endpoint);
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#tryConnect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #tryConnect(): Promise<void> {
    const { clock, net } = this.context;
    const began = clock.now();
    try {
      const connection = await net.connect(this.endpoint, { timeoutMs: this.settings.probeTimeoutMs });
      if (this.#closed) return connection.destroy();
      const now = clock.now();
      this.#lastReached = now;
      if (this.ours) return this.#watchOver(connection);
      this.#rtt.add(now - began, now);
      this.#loss.add(0, now);
      connection.destroy();
      this.#set('up');
    } catch (error) {
      if (this.#closed) return;
      const { code } = error as { code?: string };
      this.#loss.add(1, clock.now());
      this.#set(
        'down',
        code === 'ECONNREFUSED' ? 'refuses connections' : `cannot be reached (${code ?? error})`,
      );
    }
  }

  #watchOver(connection: Connection): void {
    const reader = new HeaderReader();
    const watch = { connection, unansweredSince: this.context.clock.now() as number | undefined };
    this.#watch = watch;
    const answered = (header: Header): void => {
      watch.unansweredSince = undefined;
      this.#lastReached = this.context.clock.now();
      this.#set(header.flags & FIN ? 'draining' : 'up');
    };
    connection.handle({
      data: (bytes) => reader.push(bytes, answered),
      close: () => {
        this.#watch = undefined;
        if (this.#closed) return;
        // Gone, or only this connection: another one tells at once. What answers there may be another program.
        if (this.state === 'down') return;
        this.#set('unknown');
        this.ours = false;
        this.#status = undefined;
        this.#sentSinceStatus = 0;
        void this.#connect();
      },
    });
    connection.write(encodeWatch(0));
  }

  #set(state: ReplicaProbe['state'], detail?: string): void {
    this.detail = detail;
    if (state === this.state) return;
    this.state = state;
    this.changed();
  }
}
