import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { encode, parseMonitorAnswer, type Tolerance } from '../../protocol/micro-cdn';
import type { NodeContext } from '../../runtime/context';
import { unreachable } from '../shared/error-text';
import { LineClient } from '../shared/line-client';
import type { Directory } from './directory';
import type { IndexConfig, IndexSnapshot } from './manifest';

/** How long a monitor may take to accept, and to say the next line of a list. */
const ANSWER_MS = 2000;
/** How long a list may take as a whole: one without an end must not be the last that is asked for. */
const LIST_MS = 10_000;
/** Between two attempts to keep a connection for pushes, at first and at most. */
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5000;
/** A monitor that serves one connection at a time is blocked by ours: after so many unanswered polls … */
const BLOCKED_POLLS = 2;
/** … it gets this long without our connection for pushes. */
const UNBLOCK_MS = 60_000;

/**
 * What the index does towards its monitor. Foreign monitors deliver SERVER_DOWN in three ways: they dial the
 * index (see the session), or an address given by REGISTER_INDEX, or push it on connections to them that are
 * open. So REGISTER_INDEX is sent, one connection is kept, and LIST_SERVERS is asked regularly. None of it has
 * to succeed: ERROR, an early close and silence are all normal.
 */
export class MonitorLink {
  readonly #monitor: Endpoint;
  readonly #self: Endpoint;
  readonly #config: IndexConfig;
  readonly #context: NodeContext;
  readonly #directory: Directory;
  readonly #tolerance: Tolerance;
  readonly #stopped = new AbortController();
  #push: LineClient | undefined;
  #unansweredPolls = 0;
  #state: IndexSnapshot['monitor'] = 'unreachable';
  onChange: () => void = () => {};

  /** @param self where the index listens */
  constructor(
    monitor: Endpoint,
    self: Endpoint,
    config: IndexConfig,
    context: NodeContext,
    directory: Directory,
    tolerance: Tolerance,
  ) {
    this.#monitor = monitor;
    this.#self = self;
    this.#config = config;
    this.#context = context;
    this.#directory = directory;
    this.#tolerance = tolerance;
  }

  get state(): IndexSnapshot['monitor'] {
    return this.#state;
  }

  start(): void {
    void this.#untilStopped(() => this.#keepPushConnection());
    void this.#untilStopped(() => this.#pollForEver());
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #untilStopped(loop: () => Promise<never>): Promise<void> {
    try {
      await loop();
    } catch (error) {
      if (!this.#stopped.signal.aborted) throw error;
    }
  }

  async #keepPushConnection(): Promise<never> {
    let retryMs = FIRST_RETRY_MS;
    // A monitor that does not know REGISTER_INDEX may close: it gets a connection that says nothing next time.
    let introduce = true;
    for (;;) {
      const outcome = await this.#listenForPushes(introduce);
      if (outcome === 'kept') retryMs = FIRST_RETRY_MS;
      // One that is not there refuses nothing: when it is back, it must hear of this index again.
      else introduce = outcome === 'absent' || !introduce;
      const blocked = this.#unansweredPolls >= BLOCKED_POLLS;
      await this.#sleep(blocked ? UNBLOCK_MS : retryMs);
      retryMs = Math.min(LAST_RETRY_MS, retryMs * 2);
    }
  }

  /** Resolves when the connection has ended: was it kept as the monitor likes it, refused, or never had? */
  async #listenForPushes(introduce: boolean): Promise<'kept' | 'refused' | 'absent'> {
    let outcome: 'kept' | 'refused' | 'absent' = 'absent';
    try {
      const client = await this.#connect();
      outcome = introduce ? 'refused' : 'kept';
      this.#push = client;
      if (introduce) client.write(encode.registerIndex(this.#ownHost(client), this.#self.port));
      for (;;) {
        const line = await client.next(LAST_RETRY_MS);
        if (line === null || this.#take(line)) outcome = 'kept';
      }
    } catch {
      this.#stopped.signal.throwIfAborted();
      return outcome;
    } finally {
      this.#push?.close();
      this.#push = undefined;
    }
  }

  /** True when the line shows that the monitor wants this connection. */
  #take(line: string): boolean {
    const answer = parseMonitorAnswer(line, this.#tolerance);
    if (answer.type === 'server-down')
      this.#directory.markDead(answer.serverId, 'the monitor sent SERVER_DOWN');
    return answer.type === 'server-down' || answer.type === 'index-registered';
  }

  async #pollForEver(): Promise<never> {
    for (;;) {
      await this.#poll();
      await this.#sleep(this.#config.pollMs);
    }
  }

  async #poll(): Promise<void> {
    const askedAt = this.#context.clock.now();
    let client: LineClient | undefined;
    try {
      client = await this.#connect();
      client.write(encode.listServers());
      const answered = await this.#readList(client, askedAt);
      this.#unansweredPolls = answered ? 0 : this.#unansweredPolls + 1;
      if (this.#unansweredPolls >= BLOCKED_POLLS) this.#push?.connection.destroy();
      this.#setState(
        answered ? 'connected' : 'unreachable',
        `${formatEndpoint(this.#monitor)} does not answer`,
      );
    } catch (error) {
      this.#stopped.signal.throwIfAborted();
      this.#setState('unreachable', unreachable(this.#monitor, error));
    } finally {
      client?.close();
    }
  }

  /** Takes the list as far as it comes. Some monitors close after END, some instead of it, some never. */
  async #readList(client: LineClient, askedAt: number): Promise<boolean> {
    const { clock } = this.#context;
    const deadline = clock.now() + LIST_MS;
    let rows = 0;
    while (clock.now() < deadline) {
      const line = await client.next(ANSWER_MS).catch((error: unknown) => {
        if (rows > 0) return 'END';
        throw error;
      });
      if (line === null) return rows > 0;
      const answer = parseMonitorAnswer(line, this.#tolerance);
      if (answer.type === 'end') return true;
      if (answer.type === 'server-row') {
        this.#directory.heard(answer, askedAt);
        rows++;
      } else {
        this.#take(line);
      }
    }
    return rows > 0;
  }

  #connect(): Promise<LineClient> {
    const { signal } = this.#stopped;
    return LineClient.connect(this.#context, this.#monitor, { timeoutMs: ANSWER_MS, signal });
  }

  #sleep(ms: number): Promise<void> {
    return this.#context.clock.sleep(ms, this.#stopped.signal);
  }

  /** An index that listens everywhere is reached where the monitor is reached from. */
  #ownHost(client: LineClient): string {
    const everywhere = this.#self.host === '0.0.0.0' || this.#self.host === '::';
    return everywhere ? client.connection.local.host : this.#self.host;
  }

  #setState(state: 'connected' | 'unreachable', detail: string): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#context.telemetry.event({
      type: state === 'connected' ? 'monitor-found' : 'monitor-lost',
      subject: formatEndpoint(this.#monitor),
      level: state === 'connected' ? 'good' : 'warning',
      text:
        state === 'connected'
          ? `The monitor at ${formatEndpoint(this.#monitor)} answers.`
          : `No monitor: ${detail}.`,
    });
    this.onChange();
  }
}
