import type { EvictionPolicy } from './policy';
import { type Place, place, Queue } from './queue';

/**
 * Least frequently used, in constant time (Shah, Mitra and Matani, "An O(1) algorithm for implementing the LFU
 * cache eviction scheme", 2010): entries with equal counts share a queue; of the least used the least recent
 * one goes. Counts are of the time in the cache, so what was popular long ago stays long.
 */
export class Lfu<Key> implements EvictionPolicy<Key> {
  readonly #places = new Map<Key, Place<Key>>();
  readonly #queues = new Map<number, Queue<Key>>();
  #least = 0;

  insert(key: Key, weight: number): void {
    const entry = place(key, weight);
    entry.visits = 1;
    this.#places.set(key, entry);
    this.#queueOf(1).push(entry);
    this.#least = 1;
  }

  touch(key: Key): void {
    const entry = this.#places.get(key);
    if (!entry) return;
    this.#take(entry);
    entry.visits++;
    this.#queueOf(entry.visits).push(entry);
  }

  remove(key: Key): void {
    const entry = this.#places.get(key);
    if (!entry) return;
    this.#places.delete(key);
    this.#take(entry);
  }

  evict(): Key | undefined {
    if (this.#places.size === 0) return undefined;
    // Only after a removal is the least count not at hand.
    if (!this.#queues.has(this.#least)) this.#least = Math.min(...this.#queues.keys());
    const victim = this.#queues.get(this.#least)?.tail;
    if (!victim) return undefined;
    this.remove(victim.key);
    return victim.key;
  }

  #take(entry: Place<Key>): void {
    const queue = entry.queue as Queue<Key>;
    queue.remove(entry);
    if (queue.head) return;
    this.#queues.delete(entry.visits);
    if (this.#least === entry.visits) this.#least++;
  }

  #queueOf(visits: number): Queue<Key> {
    const queue = this.#queues.get(visits) ?? new Queue<Key>();
    this.#queues.set(visits, queue);
    return queue;
  }
}
