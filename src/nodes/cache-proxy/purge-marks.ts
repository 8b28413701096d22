/** Marks that are kept; a request under way since before the oldest of them counts as purged. */
const MAX_MARKS = 1000;

/** What was purged or invalidated lately: a reply that was asked for before must not be stored after. */
export class PurgeMarks {
  readonly #marks: ((key: string) => boolean)[] = [];
  #dropped = 0;

  /** The moment, as a number that rises with every mark. */
  get now(): number {
    return this.#dropped + this.#marks.length;
  }

  add(matches: (key: string) => boolean): void {
    this.#marks.push(matches);
    if (this.#marks.length <= MAX_MARKS) return;
    this.#marks.shift();
    this.#dropped++;
  }

  /** True when the key was purged after that moment. */
  isPurgedSince(moment: number, key: string): boolean {
    if (moment < this.#dropped) return true;
    return this.#marks.slice(moment - this.#dropped).some((matches) => matches(key));
  }
}
