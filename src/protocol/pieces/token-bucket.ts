/** A rate limit with a burst of a tenth of a second. It may go into debt, which the next one waits for. */
export class TokenBucket {
  #tokens: number;
  #at: number;

  /** @param bytesPerSecond 0 means no limit */
  constructor(
    readonly bytesPerSecond: number,
    now: number,
  ) {
    this.#tokens = this.#burst;
    this.#at = now;
  }

  /** Takes `bytes` and tells how many milliseconds to wait before they may be sent; 0: now. */
  take(bytes: number, now: number): number {
    if (this.bytesPerSecond === 0) return 0;
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) * this.bytesPerSecond) / 1000);
    this.#at = now;
    const wait = this.#tokens >= 0 ? 0 : (-this.#tokens * 1000) / this.bytesPerSecond;
    this.#tokens -= bytes;
    return Math.ceil(wait);
  }

  get #burst(): number {
    return this.bytesPerSecond / 10;
  }
}
