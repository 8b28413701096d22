import { FrequencySketch } from './frequency-sketch';
import type { EvictionPolicy } from './policy';
import { type Place, place, Queue } from './queue';

/** Share of the capacity for the window of new entries, and of the rest for entries that were used again. */
const WINDOW_SHARE = 0.01;
const PROTECTED_SHARE = 0.8;
/** With weights in bytes, the sketch is sized for entries of about this many. */
const TYPICAL_ENTRY = 16 * 1024;
const MAX_SKETCH_KEYS = 2 ** 20;

/**
 * W-TinyLFU (Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM Transactions
 * on Storage 2017). New entries live in a small LRU window; what leaves it enters the main part, a segmented
 * LRU, only if it was seen more often lately than the entry that would have to go for it.
 */
export class WTinyLfu<Key> implements EvictionPolicy<Key> {
  readonly #places = new Map<Key, Place<Key>>();
  readonly #window = new Queue<Key>();
  readonly #probation = new Queue<Key>();
  readonly #protected = new Queue<Key>();
  readonly #sketch: FrequencySketch<Key>;
  readonly #windowCapacity: number;
  readonly #mainCapacity: number;

  constructor(capacity: number) {
    this.#windowCapacity = capacity * WINDOW_SHARE;
    this.#mainCapacity = capacity - this.#windowCapacity;
    const entries = capacity > MAX_SKETCH_KEYS ? capacity / TYPICAL_ENTRY : capacity;
    this.#sketch = new FrequencySketch(Math.min(MAX_SKETCH_KEYS, entries));
  }

  insert(key: Key, weight: number): void {
    const entry = place(key, weight);
    this.#sketch.add(key);
    this.#places.set(key, entry);
    this.#window.push(entry);
    // Until the main part is full, everybody is admitted.
    while (
      this.#windowOverflows &&
      this.#mainWeight + (this.#window.tail?.weight ?? 0) <= this.#mainCapacity
    ) {
      this.#probation.push(this.#window.shift() as Place<Key>);
    }
  }

  touch(key: Key): void {
    const entry = this.#places.get(key);
    if (!entry) return;
    this.#sketch.add(key);
    const from = entry.queue as Queue<Key>;
    from.remove(entry);
    if (from === this.#window) return this.#window.push(entry);
    this.#protected.push(entry);
    while (this.#protected.weight > this.#mainCapacity * PROTECTED_SHARE && this.#protected.tail !== entry) {
      this.#probation.push(this.#protected.shift() as Place<Key>);
    }
  }

  remove(key: Key): void {
    const entry = this.#places.get(key);
    if (!entry) return;
    this.#places.delete(key);
    entry.queue?.remove(entry);
  }

  evict(): Key | undefined {
    const resident = this.#probation.tail ?? this.#protected.tail;
    const candidate = this.#window.tail;
    let victim = resident ?? candidate;
    if (candidate && resident && this.#windowOverflows) {
      victim =
        this.#sketch.estimate(candidate.key) > this.#sketch.estimate(resident.key) ? resident : candidate;
      if (victim === resident) {
        this.#window.remove(candidate);
        this.#probation.push(candidate);
      }
    }
    if (victim) this.remove(victim.key);
    return victim?.key;
  }

  get #windowOverflows(): boolean {
    return this.#window.weight > this.#windowCapacity && this.#window.tail !== undefined;
  }

  get #mainWeight(): number {
    return this.#probation.weight + this.#protected.weight;
  }
}
