import { hash32, mix32 } from '../hash32';

/** Rows of the sketch. */
const DEPTH = 4;
const MAX_COUNT = 15;
/** The sample after which counts are halved, as a multiple of the number of counters in a row. */
const SAMPLE_FACTOR = 10;

/**
 * How often keys were seen lately, in little memory: a count-min sketch (Cormode and Muthukrishnan, Journal of
 * Algorithms 2005) that is halved again and again, so that it forgets (Einziger, Friedman and Manes, ACM TOS
 * 2017). Estimates are never too low within a period.
 */
export class FrequencySketch<Key> {
  readonly #rows: Uint8Array[];
  readonly #mask: number;
  #additions = 0;

  /** @param keys about how many different keys matter */
  constructor(keys: number) {
    const width = 2 ** Math.ceil(Math.log2(Math.max(64, keys)));
    this.#mask = width - 1;
    this.#rows = Array.from({ length: DEPTH }, () => new Uint8Array(width));
  }

  add(key: Key): void {
    const hash = hash32(String(key));
    let raised = false;
    for (const [row, counters] of this.#rows.entries()) {
      const at = this.#slot(hash, row);
      if ((counters[at] as number) >= MAX_COUNT) continue;
      counters[at] = (counters[at] as number) + 1;
      raised = true;
    }
    if (raised && ++this.#additions >= SAMPLE_FACTOR * (this.#mask + 1)) this.#halve();
  }

  estimate(key: Key): number {
    const hash = hash32(String(key));
    let least = MAX_COUNT;
    for (const [row, counters] of this.#rows.entries()) {
      least = Math.min(least, counters[this.#slot(hash, row)] as number);
    }
    return least;
  }

  #slot(hash: number, row: number): number {
    return mix32(hash + Math.imul(row + 1, 0x9e3779b9)) & this.#mask;
  }

  #halve(): void {
    for (const counters of this.#rows) for (let at = 0; at < counters.length; at++) counters[at]! >>>= 1;
    this.#additions >>>= 1;
  }
}
