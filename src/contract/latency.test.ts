import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LATENCY_BUCKETS, latencyBucket, latencyPercentile } from './latency';

function countsOf(latencies: readonly number[]): number[] {
  const counts = Array<number>(LATENCY_BUCKETS).fill(0);
  for (const ms of latencies) counts[latencyBucket(ms)] = (counts[latencyBucket(ms)] as number) + 1;
  return counts;
}

describe('a latency histogram', () => {
  it('has a bucket for anything that a clock may say', () => {
    expect(latencyBucket(0)).toBe(0);
    expect(latencyBucket(-3)).toBe(0);
    expect(latencyBucket(Number.NaN)).toBe(0);
    expect(latencyBucket(1e9)).toBe(LATENCY_BUCKETS - 1);
  });

  it('knows no percentile of nothing', () => {
    expect(latencyPercentile([], 0.5)).toBeNull();
    expect(latencyPercentile([0, 0], 0.99)).toBeNull();
  });

  it('tells every percentile to within 8 %', () => {
    const latency = fc.double({ min: 0.11, max: 50_000, noNaN: true });
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1 }), fc.constantFrom(0.5, 0.95, 0.99), (all, share) => {
        const exact = [...all].sort((a, b) => a - b)[
          Math.max(0, Math.ceil(share * all.length) - 1)
        ] as number;
        const told = latencyPercentile(countsOf(all), share) as number;
        expect(Math.abs(told / exact - 1)).toBeLessThan(0.08);
      }),
    );
  });
});
