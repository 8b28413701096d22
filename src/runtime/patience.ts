/** What the way to another thread and back adds to a call at most while this one is busy, milliseconds. */
const DETOUR_MS = 16;

/**
 * Whether a call to the file system may be made on this thread. What the system's cache gives or takes is copied here
 * and sent by the same core, for a third less than the way through another thread. A disk must not hold everything
 * up: after a slow call, others do the waiting until so many calls were quick.
 */
export class Patience {
  #left: number;

  /**
   * @param cachedMs a call that took no longer met the system's cache, not the disk
   * @param calls how many are left to other threads after a slow one. A busy machine now and then takes a thread off
   *   its core for longer than a disk needs, so that many would cost more than they save.
   * @param first how many are left to them in the beginning
   */
  constructor(
    readonly cachedMs: number,
    readonly calls: number,
    first: number,
  ) {
    this.#left = first;
  }

  get mayHoldUp(): boolean {
    return this.#left === 0;
  }

  /** A call was made here and held everything up for so long. */
  heldUp(ms: number): void {
    if (ms > this.cachedMs) this.#left = this.calls;
  }

  /** Another thread made a call: its answer was here after so long, detour included. */
  waited(ms: number): void {
    if (ms > this.cachedMs + DETOUR_MS) this.#left = this.calls;
    else this.#left = Math.max(0, this.#left - 1);
  }
}
