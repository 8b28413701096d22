import type { EvictionPolicy } from './policy';
import { type Place, place, Queue } from './queue';

/**
 * SIEVE (Zhang et al., "SIEVE is Simpler than LRU: an Efficient Turn-Key Eviction Algorithm for Web Caches",
 * NSDI 2024). Like CLOCK, except that survivors stay where they are: the hand walks from old to new and goes
 * on where it stopped, so that new entries are tried soon and old, popular ones are left alone.
 */
export class Sieve<Key> implements EvictionPolicy<Key> {
  readonly #places = new Map<Key, Place<Key>>();
  readonly #queue = new Queue<Key>();
  #hand: Place<Key> | undefined;

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
    if (entry) this.#drop(entry);
  }

  evict(): Key | undefined {
    let candidate = this.#hand ?? this.#queue.tail;
    while (candidate && candidate.visits > 0) {
      candidate.visits = 0;
      candidate = candidate.newer ?? this.#queue.tail;
    }
    if (!candidate) return undefined;
    this.#hand = candidate;
    this.#drop(candidate);
    return candidate.key;
  }

  #drop(entry: Place<Key>): void {
    if (this.#hand === entry) this.#hand = entry.newer;
    this.#places.delete(entry.key);
    this.#queue.remove(entry);
  }
}
