import type { EvictionPolicy } from './policy';
import { type Place, place, Queue } from './queue';

/**
 * Least recently used (Mattson et al., "Evaluation Techniques for Storage Hierarchies", IBM Systems Journal
 * 1970). Good where what was used will be used; a single scan empties it of what was popular.
 */
export class Lru<Key> implements EvictionPolicy<Key> {
  readonly #places = new Map<Key, Place<Key>>();
  readonly #queue = new Queue<Key>();

  insert(key: Key, weight: number): void {
    const entry = place(key, weight);
    this.#places.set(key, entry);
    this.#queue.push(entry);
  }

  touch(key: Key): void {
    const entry = this.#places.get(key);
    if (!entry || entry === this.#queue.head) return;
    this.#queue.remove(entry);
    this.#queue.push(entry);
  }

  remove(key: Key): void {
    const entry = this.#places.get(key);
    if (!entry) return;
    this.#places.delete(key);
    this.#queue.remove(entry);
  }

  evict(): Key | undefined {
    const victim = this.#queue.shift();
    if (victim) this.#places.delete(victim.key);
    return victim?.key;
  }
}
