import type { EvictionPolicy } from './policy';
import { type Place, place, Queue } from './queue';

/**
 * CLOCK, the second chance (Corbató, "A Paging Experiment with the Multics System", MIT 1968): FIFO, but an
 * entry that was used since the hand passed is put back to the front once. LRU's effect without moving
 * anything when an entry is used.
 */
export class Clock<Key> implements EvictionPolicy<Key> {
  readonly #places = new Map<Key, Place<Key>>();
  readonly #queue = new Queue<Key>();

  insert(key: Key, weight: number): void {
    const entry = place(key, weight);
    this.#places.set(key, entry);
    this.#queue.push(entry);
  }

  touch(key: Key): void {
    const entry = this.#places.get(key);
    if (entry) entry.visits = 1;
  }

  remove(key: Key): void {
    const entry = this.#places.get(key);
    if (!entry) return;
    this.#places.delete(key);
    this.#queue.remove(entry);
  }

  evict(): Key | undefined {
    for (let oldest = this.#queue.shift(); oldest; oldest = this.#queue.shift()) {
      if (oldest.visits === 0) {
        this.#places.delete(oldest.key);
        return oldest.key;
      }
      oldest.visits = 0;
      this.#queue.push(oldest);
    }
    return undefined;
  }
}
