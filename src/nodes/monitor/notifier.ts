import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { encode } from '../../protocol/micro-cdn';
import { extension } from '../../protocol/micro-cdn-extensions';
import type { NodeContext } from '../../runtime/context';
import { reasonOf } from '../shared/error-text';
import { LineClient } from '../shared/line-client';

const CONNECT_MS = 2000;
/** An index need not answer; one that does is given this long before the connection ends. */
const ANSWER_MS = 300;
/** A verdict that cannot be delivered is tried again after these pauses; later, LIST_SERVERS tells it anyway. */
const RETRY_MS = [200, 1000, 3000];
/** Connections to one index at the same time. */
const MAX_DIALLING = 16;

type Verdict = 'down' | 'up';

/**
 * Tells one index, on a connection of its own for each server, who is down. Only the newest verdict about a
 * server is kept, and two about the same server never overtake each other.
 */
export class Notifier {
  readonly index: Endpoint;
  readonly #context: NodeContext;
  readonly #extensions: boolean;
  readonly #signal: AbortSignal;
  readonly #waiting = new Map<string, Verdict>();
  readonly #underWay = new Set<string>();

  constructor(index: Endpoint, context: NodeContext, extensions: boolean, signal: AbortSignal) {
    this.index = index;
    this.#context = context;
    this.#extensions = extensions;
    this.#signal = signal;
  }

  tell(serverId: string, verdict: Verdict): void {
    // The seed has no word for it: only our own index learns at once, others from LIST_SERVERS or REGISTER.
    if (verdict === 'up' && !this.#extensions) {
      this.#waiting.delete(serverId);
      return;
    }
    this.#waiting.set(serverId, verdict);
    this.#next();
  }

  #next(): void {
    for (const serverId of this.#waiting.keys()) {
      if (this.#underWay.size >= MAX_DIALLING) return;
      if (!this.#underWay.has(serverId)) void this.#deliverNewest(serverId);
    }
  }

  async #deliverNewest(serverId: string): Promise<void> {
    this.#underWay.add(serverId);
    for (let attempt = 0; !this.#signal.aborted; attempt++) {
      const verdict = this.#waiting.get(serverId);
      if (verdict === undefined) break;
      this.#waiting.delete(serverId);
      const failure = await this.#deliver(serverId, verdict);
      if (failure === null) continue;
      const pause = RETRY_MS[attempt];
      if (pause === undefined) {
        this.#context.log.warn(
          `${formatEndpoint(this.index)} was not told that ${serverId} is ${verdict}: ${failure}`,
        );
        break;
      }
      if (!this.#waiting.has(serverId)) this.#waiting.set(serverId, verdict);
      await this.#context.clock.sleep(pause, this.#signal).catch(() => {});
    }
    this.#underWay.delete(serverId);
    if (!this.#signal.aborted) this.#next();
  }

  /** @returns why it failed, or null */
  async #deliver(serverId: string, verdict: Verdict): Promise<string | null> {
    const seconds = this.#context.clock.wallTime() / 1000;
    let client: LineClient | undefined;
    try {
      client = await LineClient.connect(this.#context, this.index, {
        timeoutMs: CONNECT_MS,
        signal: this.#signal,
      });
      client.write(
        verdict === 'down' ? encode.serverDown(serverId, seconds) : extension.serverUp(serverId, seconds),
      );
      await client.next(ANSWER_MS).catch(() => null); // OK, ERROR, silence and an early end are all fine.
      return null;
    } catch (error) {
      return reasonOf(error);
    } finally {
      client?.close();
    }
  }
}
