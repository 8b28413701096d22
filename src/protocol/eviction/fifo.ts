import type { EvictionPolicy } from './policy';
import { type Place, place, Queue } from './queue';

/** First in, first out: use does not count. The baseline. */
export class Fifo<Key> implements EvictionPolicy<Key> {
  readonly #places = new Map<Key, Place<Key>>();
  readonly #queue = new Queue<Key>();

  insert(key: Key, weight: number): void {
    const entry = place(key, weight);
    this.#places.set(key, entry);
    this.#queue.push(entry);
  }

  touch(_key: Key): void {}

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
