import type { Decision } from './manifest';

/** So many of the newest lookups can be explained … */
const CAPACITY = 1000;
/** … and fewer where each had so many candidates that together they would fill the memory. */
const MAX_CANDIDATES = 100_000;

/** The newest decisions. */
export class Decisions {
  /** Oldest first. */
  readonly #kept = new Set<Decision>();
  /** Of all that are kept. */
  #candidates = 0;
  #latest: Decision | undefined;

  get latest(): Decision | undefined {
    return this.#latest;
  }

  record(decision: Decision): void {
    this.#latest = decision;
    this.#kept.add(decision);
    this.#candidates += decision.candidates.length;
    for (const oldest of this.#kept) {
      const fits = this.#kept.size <= CAPACITY && this.#candidates <= MAX_CANDIDATES;
      if (fits || oldest === decision) return;
      this.#kept.delete(oldest);
      this.#candidates -= oldest.candidates.length;
    }
  }

  /** Newest first; of one file when named. */
  list({ fileName, limit = 100 }: { fileName?: string; limit?: number }): Decision[] {
    const newestFirst = [...this.#kept].reverse();
    const asked =
      fileName === undefined ? newestFirst : newestFirst.filter((one) => one.fileName === fileName);
    return asked.slice(0, limit);
  }
}
