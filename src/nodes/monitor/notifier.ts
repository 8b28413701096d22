import type { Endpoint } from '../../contract/endpoint';
import { encode } from '../../protocol/micro-cdn';
import { extension } from '../../protocol/micro-cdn-extensions';
import type { NodeContext, Timer } from '../../runtime/context';
import { unreachable } from '../shared/error-text';
import { LineClient } from '../shared/line-client';

const CONNECT_MS = 2000;
/** An index need not answer; one that does is given this long before the connection ends. */
const ANSWER_MS = 300;
/** An index that cannot be reached is tried again after these pauses; later, LIST_SERVERS tells it anyway. */
const RETRY_MS = [200, 1000, 3000];
/** Connections to one index at the same time. */
const MAX_DIALLING = 16;

type Verdict = 'down' | 'up';

export interface NotifierOptions {
  /** The index is ours: it knows SERVER_UP. */
  extensions: boolean;
  /** SERVER_DOWN for this server has been written to the index. */
  onDownSent(serverId: string): void;
}

/**
 * Tells one index, on a connection of its own for each server, who is down. Only the newest verdict about a
 * server is kept, and two about the same server never overtake each other.
 */
export class Notifier {
  readonly index: Endpoint;
  readonly #context: NodeContext;
  readonly #options: NotifierOptions;
  readonly #waiting = new Map<string, Verdict>();
  readonly #underWay = new Map<string, LineClient | null>();
  #failures = 0;
  #retry: Timer | undefined;
  #stopped = false;

  constructor(index: Endpoint, context: NodeContext, options: NotifierOptions) {
    this.index = index;
    this.#context = context;
    this.#options = options;
  }

  tell(serverId: string, verdict: Verdict): void {
    this.#waiting.delete(serverId);
    // The seed has no word for it: only our own index learns at once, others from LIST_SERVERS or REGISTER.
    if (verdict === 'up' && !this.#options.extensions) return;
    this.#waiting.set(serverId, verdict);
    this.#next();
  }

  stop(): void {
    this.#stopped = true;
    this.#retry?.cancel();
    for (const client of this.#underWay.values()) client?.connection.destroy();
  }

  #next(): void {
    for (const [serverId, verdict] of this.#waiting) {
      if (this.#stopped || this.#retry || this.#underWay.size >= MAX_DIALLING) return;
      if (this.#underWay.has(serverId)) continue;
      this.#waiting.delete(serverId);
      void this.#deliver(serverId, verdict);
    }
  }

  async #deliver(serverId: string, verdict: Verdict): Promise<void> {
    const seconds = this.#context.clock.wallTime() / 1000;
    this.#underWay.set(serverId, null);
    try {
      const client = await LineClient.connect(this.#context, this.index, { timeoutMs: CONNECT_MS });
      this.#underWay.set(serverId, client);
      if (this.#stopped) return client.connection.destroy();
      client.write(
        verdict === 'down' ? encode.serverDown(serverId, seconds) : extension.serverUp(serverId, seconds),
      );
      if (verdict === 'down') this.#options.onDownSent(serverId);
      await client.next(ANSWER_MS).catch(() => null); // OK, ERROR, silence and an early end are all fine.
      client.close();
      this.#failures = 0;
    } catch (error) {
      if (!this.#waiting.has(serverId)) this.#waiting.set(serverId, verdict);
      this.#tryLater(error);
    }
    this.#underWay.delete(serverId);
    this.#next();
  }

  #tryLater(error: unknown): void {
    if (this.#stopped || this.#retry) return;
    const pause = RETRY_MS[this.#failures++];
    if (pause === undefined) {
      const { size } = this.#waiting;
      this.#context.log.warn(`${unreachable(this.index, error)}. It was not told about ${size} servers.`);
      this.#waiting.clear();
      this.#failures = 0;
      return;
    }
    this.#retry = this.#context.clock.after(pause, () => {
      this.#retry = undefined;
      this.#next();
    });
  }
}
