/** The newest `capacity` items. */
export class RingBuffer<T> {
  readonly #items: T[] = [];
  /** Where the oldest item is, once the buffer is full. */
  #start = 0;

  constructor(readonly capacity: number) {}

  push(item: T): void {
    if (this.#items.length < this.capacity) {
      this.#items.push(item);
      return;
    }
    this.#items[this.#start] = item;
    this.#start = (this.#start + 1) % this.capacity;
  }

  /** The newest `count` that `accept` takes, oldest first. */
  newest(count: number, accept: (item: T) => boolean = () => true): T[] {
    const found: T[] = [];
    for (let back = 1; back <= this.#items.length && found.length < count; back++) {
      const at = (this.#start + this.#items.length - back) % this.#items.length;
      const item = this.#items[at] as T;
      if (accept(item)) found.push(item);
    }
    return found.reverse();
  }
}
