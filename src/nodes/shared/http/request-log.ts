/** The newest records of something that happens often, in a ring: adding costs nothing, and memory is bounded. */
export class RequestLog<Entry> {
  readonly #capacity: number;
  readonly #ring: Entry[] = [];
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(entry: Entry): Entry {
    this.#ring[this.#next] = entry;
    this.#next = (this.#next + 1) % this.#capacity;
    return entry;
  }

  /** Newest first. */
  newest(limit: number): Entry[] {
    const entries: Entry[] = [];
    const count = Math.min(limit, this.#ring.length);
    for (let back = 1; back <= count; back++) {
      entries.push(this.#ring[(this.#next - back + this.#ring.length) % this.#ring.length] as Entry);
    }
    return entries;
  }
}
