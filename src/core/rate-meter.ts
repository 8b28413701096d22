/** Half of the weight of a sample is gone after so many milliseconds. */
const HALF_LIFE_MS = 1000;
/** Shorter spans say more about scheduling than about the rate. */
const MIN_SPAN_MS = 50;

/**
 * A rate from a growing total, smoothed exponentially over time (not over samples, which come unevenly). It
 * falls towards zero when `sample` is called and nothing was added.
 */
export class RateMeter {
  #rate: number | undefined;
  #total: number | undefined;
  #at = 0;

  /** Units per second, given the total so far at `now`, in milliseconds of a monotonic clock. */
  sample(total: number, now: number): number {
    if (this.#total === undefined || total < this.#total) {
      this.#total = total;
      this.#at = now;
      return 0;
    }
    const span = now - this.#at;
    if (span < MIN_SPAN_MS) return this.#rate ?? 0;
    const latest = ((total - this.#total) / span) * 1000;
    const weight = this.#rate === undefined ? 1 : 1 - 0.5 ** (span / HALF_LIFE_MS);
    this.#rate = (this.#rate ?? 0) * (1 - weight) + latest * weight;
    this.#total = total;
    this.#at = now;
    return this.#rate;
  }

  /** Begins anew: the next sample is only a starting point. */
  reset(): void {
    this.#rate = undefined;
    this.#total = undefined;
  }
}
