import type { Decision } from './manifest';

/** So many of the newest lookups can be explained. */
const CAPACITY = 1000;

/** The newest decisions, in a ring. */
export class Decisions {
  readonly #ring: Decision[] = [];
  #next = 0;

  get latest(): Decision | undefined {
    return this.#ring[(this.#next + CAPACITY - 1) % CAPACITY];
  }

  record(decision: Decision): void {
    this.#ring[this.#next] = decision;
    this.#next = (this.#next + 1) % CAPACITY;
  }

  /** Newest first; of one file when named. */
  list({ fileName, limit = 100 }: { fileName?: string; limit?: number }): Decision[] {
    const found: Decision[] = [];
    for (let back = 1; back <= this.#ring.length && found.length < limit; back++) {
      const decision = this.#ring[(this.#next + CAPACITY - back) % CAPACITY] as Decision;
      if (fileName === undefined || decision.fileName === fileName) found.push(decision);
    }
    return found;
  }
}
