/**
 * Hit ratios of the eviction policies on a Zipf trace: the comparison of the SIEVE and S3-FIFO papers in small.
 * Cold start, 100 000 objects of equal size, 1 000 000 requests; seeded, so every run gives the same numbers.
 */
import { policies } from '../src/protocol/eviction/policies';
import type { EvictionPolicy } from '../src/protocol/eviction/policy';
import { seededRandom } from '../src/runtime/random';
import { printTable } from './lib/table';

const OBJECTS = 100_000;
const REQUESTS = 1_000_000;
const SEED = 1;
const alphas = [0.8, 1, 1.2];
const shares = [0.001, 0.01, 0.1];

for (const alpha of alphas) {
  const trace = zipf(alpha, seededRandom(SEED));
  const next = nextUses(trace);
  const capacities = shares.map((share) => Math.round(OBJECTS * share));
  const rows = Object.entries(policies).map(([name, create]) => [
    name,
    ...capacities.map((capacity) =>
      percent(hits(trace, capacity, create(capacity) as EvictionPolicy<number>)),
    ),
  ]);
  rows.push([
    'optimum (Belady)',
    ...capacities.map((capacity) => percent(optimalHits(trace, next, capacity))),
  ]);
  printTable(
    `Hit ratio, %, Zipf α = ${alpha.toFixed(1)}, ${OBJECTS} objects, ${REQUESTS} requests`,
    ['policy', ...shares.map((share) => `cache ${share * 100} %`)],
    rows,
    alpha === 1
      ? [
          'published for 1 %: FIFO 46.5, LRU 50.7, CLOCK 51.8, LFU 59.3, SIEVE 59.6, S3-FIFO 59.8, optimum 66.5',
        ]
      : [],
  );
}

/** Object k is asked for with probability in proportion to 1 / k^α. */
function zipf(alpha: number, random: () => number): Uint32Array {
  const cumulative = new Float64Array(OBJECTS);
  let sum = 0;
  for (let rank = 0; rank < OBJECTS; rank++) {
    sum += 1 / (rank + 1) ** alpha;
    cumulative[rank] = sum;
  }
  return Uint32Array.from({ length: REQUESTS }, () => {
    const point = random() * sum;
    let [low, high] = [0, OBJECTS - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cumulative[middle] as number) < point) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

function hits(trace: Uint32Array, capacity: number, policy: EvictionPolicy<number>): number {
  const cached = new Set<number>();
  let count = 0;
  for (const key of trace) {
    if (cached.has(key)) {
      count++;
      policy.touch(key);
      continue;
    }
    if (cached.size === capacity) cached.delete(policy.evict() as number);
    cached.add(key);
    policy.insert(key, 1);
  }
  return count;
}

/** When the object of each request is asked for again; Infinity: never. */
function nextUses(trace: Uint32Array): Float64Array {
  const next = new Float64Array(trace.length);
  const seen = new Map<number, number>();
  for (let at = trace.length - 1; at >= 0; at--) {
    next[at] = seen.get(trace[at] as number) ?? Number.POSITIVE_INFINITY;
    seen.set(trace[at] as number, at);
  }
  return next;
}

/** Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 1966. */
function optimalHits(trace: Uint32Array, next: Float64Array, capacity: number): number {
  const due = new Map<number, number>();
  const heap: { key: number; at: number }[] = [];
  let count = 0;
  for (const [at, key] of trace.entries()) {
    if (due.has(key)) count++;
    else if (due.size === capacity) {
      for (let top = pop(heap); top; top = pop(heap)) {
        // What was used meanwhile has a newer place in the heap.
        if (due.get(top.key) !== top.at) continue;
        due.delete(top.key);
        break;
      }
    }
    due.set(key, next[at] as number);
    push(heap, { key, at: next[at] as number });
  }
  return count;
}

function push(heap: { key: number; at: number }[], item: { key: number; at: number }): void {
  let place = heap.push(item) - 1;
  while (place > 0) {
    const parent = (place - 1) >> 1;
    if ((heap[parent] as { at: number }).at >= item.at) break;
    heap[place] = heap[parent] as { key: number; at: number };
    place = parent;
  }
  heap[place] = item;
}

function pop(heap: { key: number; at: number }[]): { key: number; at: number } | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (!top || !last || heap.length === 0) return top;
  let place = 0;
  for (;;) {
    let child = 2 * place + 1;
    if (child >= heap.length) break;
    if (
      child + 1 < heap.length &&
      (heap[child + 1] as { at: number }).at > (heap[child] as { at: number }).at
    )
      child++;
    if ((heap[child] as { at: number }).at <= last.at) break;
    heap[place] = heap[child] as { key: number; at: number };
    place = child;
  }
  heap[place] = last;
  return top;
}

function percent(count: number): string {
  return ((100 * count) / REQUESTS).toFixed(1);
}
