import type { Clock } from '../../runtime/context';

/** Lets through so many a second, in bursts of at most that many: for events that may come by the thousand. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #left: number;
  #filledAt: number;

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#filledAt = clock.now();
  }

  allow(): boolean {
    const now = this.#clock.now();
    this.#left = Math.min(this.#perSecond, this.#left + ((now - this.#filledAt) / 1000) * this.#perSecond);
    this.#filledAt = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
