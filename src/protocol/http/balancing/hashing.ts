import { hash32 } from '../../hash32';
import type { Backend, BalancingPolicy, Choice } from './policy';

/** Points of each server on the ring: enough that shares differ by a tenth. */
const POINTS = 128;
/** A server may have so much more than the average load. */
const BOUND = 1.25;

/**
 * Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, SODA 2018): a key goes to the next
 * server on a ring, and on past those that have 1.25 times the average already. When a server comes or goes,
 * only its share of the keys moves.
 */
export class ConsistentHash implements BalancingPolicy {
  #ids = '';
  #ring: { at: number; place: number }[] = [];

  choose(backends: readonly Backend[], key: string): Choice {
    this.#build(backends);
    const total = backends.reduce((sum, { load }) => sum + load, 0);
    const bound = Math.ceil(((total + 1) / backends.length) * BOUND);
    const scores = backends.map(({ load }) => load);
    const start = this.#after(hash32(key));
    for (let step = 0; step < this.#ring.length; step++) {
      const { place } = this.#ring[(start + step) % this.#ring.length] as { place: number };
      if ((scores[place] as number) + 1 > bound) continue;
      const moved =
        this.#ring[start]?.place === place
          ? 'is next on the ring'
          : 'is the next on the ring that is not full';
      return { place, scores, reason: `${backends[place]?.id} ${moved} for this path.` };
    }
    return { place: 0, scores, reason: `${backends[0]?.id}: all are full.` };
  }

  #build(backends: readonly Backend[]): void {
    const ids = backends.map(({ id }) => id).join();
    if (ids === this.#ids) return;
    this.#ids = ids;
    this.#ring = backends.flatMap(({ id }, place) =>
      Array.from({ length: POINTS }, (_, point) => ({ at: hash32(id, point + 1), place })),
    );
    this.#ring.sort((a, b) => a.at - b.at);
  }

  /** Position of the first point at or after `hash`; the ring begins again after its end. */
  #after(hash: number): number {
    let [low, high] = [0, this.#ring.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ring[middle] as { at: number }).at < hash) low = middle + 1;
      else high = middle;
    }
    return low === this.#ring.length ? 0 : low;
  }
}

/** Slots of the table: a prime, well over a hundred times the servers of any workspace. */
const TABLE_SIZE = 5003;

/**
 * Maglev (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016): a table that
 * servers fill in turn, each in an order of its own. Shares are equal to within a slot, and few keys move when
 * a server comes or goes.
 */
export class Maglev implements BalancingPolicy {
  #ids = '';
  #table = new Int32Array(TABLE_SIZE);

  choose(backends: readonly Backend[], key: string): Choice {
    this.#build(backends);
    const place = this.#table[hash32(key) % TABLE_SIZE] as number;
    return {
      place,
      scores: backends.map(() => null),
      reason: `The table gives this path to ${backends[place]?.id}.`,
    };
  }

  #build(backends: readonly Backend[]): void {
    const ids = backends.map(({ id }) => id).join();
    if (ids === this.#ids) return;
    this.#ids = ids;
    const orders = backends.map(({ id }) => ({
      at: hash32(id, 0x51ed) % TABLE_SIZE,
      skip: (hash32(id, 0xa3b1) % (TABLE_SIZE - 1)) + 1,
    }));
    this.#table.fill(-1);
    for (let filled = 0; filled < TABLE_SIZE; ) {
      for (const [place, order] of orders.entries()) {
        while (this.#table[order.at] !== -1) order.at = (order.at + order.skip) % TABLE_SIZE;
        this.#table[order.at] = place;
        if (++filled === TABLE_SIZE) break;
      }
    }
  }
}
