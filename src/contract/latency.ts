/**
 * Latencies as a histogram of counts: small, added up by adding, and good for any percentile. The first bucket holds
 * all up to 0.1 ms, each further one reaches 15 % higher, the last one holds the rest (from about a minute).
 */

const FIRST_MS = 0.1;
const GROWTH = 1.15;
export const LATENCY_BUCKETS = 96;

/** How many answers fell into each bucket, in order; buckets after the last that was met may be missing. */
export type LatencyCounts = readonly number[];

export function latencyBucket(ms: number): number {
  if (!(ms > FIRST_MS)) return 0;
  return Math.min(LATENCY_BUCKETS - 1, Math.ceil(Math.log(ms / FIRST_MS) / Math.log(GROWTH)));
}

/**
 * Milliseconds within which a share of the answers came: the middle of the bucket, so at most 8 % off. Null when
 * there was none.
 *
 * @param share 0–1: 0.5 is the median
 */
export function latencyPercentile(counts: LatencyCounts, share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = Math.max(1, Math.ceil(share * total));
  const bucket = counts.findIndex((count) => {
    left -= count;
    return left <= 0;
  });
  return FIRST_MS * GROWTH ** (bucket - 0.5);
}
