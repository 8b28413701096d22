import type { CacheStatus } from '../../protocol/http/cache/cache-status';
import { mayServeOnError } from '../../protocol/http/cache/reuse';
import type { Clock } from '../../runtime/context';
import type { Entry } from './entry';
import type { Flight, Pending } from './flight';
import type { CacheConfig } from './manifest';
import type { Responder } from './responder';

/** Stale replies that stand in for an origin's failure (RFC 9111, section 4.2.4; RFC 5861, section 4). */
export class StaleReplies {
  readonly #config: CacheConfig;
  readonly #clock: Clock;
  readonly #responder: Responder;

  constructor(config: CacheConfig, clock: Clock, responder: Responder) {
    this.#config = config;
    this.#clock = clock;
    this.#responder = responder;
  }

  /** The origin can't be asked: answers those of the waiters who may have a stale reply, and leaves the others. */
  onFailure(flight: Flight, entry: Entry, problem: string): void {
    this.#answer(flight, entry, problem, null, this.#config.staleOnDisconnect * 1000);
  }

  /**
   * The origin has answered with `status`.
   * @returns true when nobody needs that answer
   */
  onStatus(flight: Flight, entry: Entry, status: number): boolean {
    const background = flight.waiters.length === 0;
    this.#answer(flight, entry, `the origin answered ${status}`, status, 0);
    return flight.waiters.length === 0 && (!background || status >= 500);
  }

  #answer(
    flight: Flight,
    entry: Entry,
    problem: string,
    status: number | null,
    disconnectedMs: number,
  ): void {
    const ageMs = entry.ageMs(this.#clock.now());
    const mayHave = (waiter: Pending): boolean =>
      this.#config.mode === 'rfc' && mayServeOnError(waiter.directives, entry, ageMs, status, disconnectedMs);
    const spared = flight.waiters.filter(mayHave);
    flight.waiters = flight.waiters.filter((waiter) => !spared.includes(waiter));
    for (const waiter of spared) {
      const cache: CacheStatus = {
        hit: true,
        ttl: Math.floor((entry.lifetimeMs - ageMs) / 1000),
        detail: 'stale: the origin failed',
        ...(status === null ? {} : { forwardStatus: status }),
      };
      const reason = `${flight.why}, but ${problem}`;
      this.#responder.answer(waiter, entry, { cache, outcome: 'stale', reason }, true);
    }
  }
}
