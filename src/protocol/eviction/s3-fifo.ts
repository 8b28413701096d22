import type { EvictionPolicy } from './policy';
import { type Place, place, Queue } from './queue';

/** Share of the capacity for new entries. */
const SMALL_SHARE = 0.1;
/** Uses that are counted; more make no difference. */
const MAX_VISITS = 3;

/**
 * S3-FIFO (Yang et al., "FIFO Queues are All You Need for Cache Eviction", SOSP 2023). New entries go through a
 * small queue, which most leave at once, never having been used again; those used meanwhile, and those that
 * come back while the ghost queue remembers them, go to the main queue, a FIFO that puts used entries back.
 */
export class S3Fifo<Key> implements EvictionPolicy<Key> {
  readonly #places = new Map<Key, Place<Key>>();
  readonly #small = new Queue<Key>();
  readonly #main = new Queue<Key>();
  /** Keys only, in order of their leaving; as much weight as the main queue may hold. */
  readonly #ghosts = new Map<Key, number>();
  #ghostWeight = 0;
  readonly #smallCapacity: number;
  readonly #ghostCapacity: number;

  constructor(capacity: number) {
    this.#smallCapacity = capacity * SMALL_SHARE;
    this.#ghostCapacity = capacity - this.#smallCapacity;
  }

  insert(key: Key, weight: number): void {
    const entry = place(key, weight);
    this.#places.set(key, entry);
    if (this.#ghosts.has(key)) {
      this.#forgetGhost(key);
      this.#main.push(entry);
    } else {
      this.#small.push(entry);
    }
  }

  touch(key: Key): void {
    const entry = this.#places.get(key);
    if (entry && entry.visits < MAX_VISITS) entry.visits++;
  }

  remove(key: Key): void {
    const entry = this.#places.get(key);
    if (!entry) return;
    this.#places.delete(key);
    entry.queue?.remove(entry);
  }

  evict(): Key | undefined {
    while (this.#places.size > 0) {
      const fromSmall = this.#small.weight > this.#smallCapacity || !this.#main.tail;
      const victim = fromSmall ? this.#evictSmall() : this.#evictMain();
      if (victim) {
        this.#places.delete(victim.key);
        return victim.key;
      }
    }
    return undefined;
  }

  #evictSmall(): Place<Key> | undefined {
    for (let oldest = this.#small.shift(); oldest; oldest = this.#small.shift()) {
      if (oldest.visits < 2) {
        this.#remember(oldest);
        return oldest;
      }
      oldest.visits = 0;
      this.#main.push(oldest);
    }
    return undefined;
  }

  #evictMain(): Place<Key> | undefined {
    for (let oldest = this.#main.shift(); oldest; oldest = this.#main.shift()) {
      if (oldest.visits === 0) return oldest;
      oldest.visits--;
      this.#main.push(oldest);
    }
    return undefined;
  }

  #remember({ key, weight }: Place<Key>): void {
    this.#ghosts.set(key, weight);
    this.#ghostWeight += weight;
    for (const oldest of this.#ghosts.keys()) {
      if (this.#ghostWeight <= this.#ghostCapacity) return;
      this.#forgetGhost(oldest);
    }
  }

  #forgetGhost(key: Key): void {
    this.#ghostWeight -= this.#ghosts.get(key) ?? 0;
    this.#ghosts.delete(key);
  }
}
