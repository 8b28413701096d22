import { describe, expect, it } from 'vitest';
import { ConsistentHash } from './hashing';
import { type BalancingPolicyName, balancingPolicies } from './policies';
import type { Backend, BalancingPolicy } from './policy';
import { peakEwma } from './simple';

const backend = (id: string, more: Partial<Backend> = {}): Backend => ({
  id,
  testMs: 1,
  latencyMs: 1,
  load: 0,
  ...more,
});
const three = [backend('a', { testMs: 30 }), backend('b', { testMs: 10 }), backend('c', { testMs: 20 })];

/** A sequence of dice that is equally spread, and repeats. */
function dice(): () => number {
  let at = 0;
  return () => ((at++ * 7919) % 10_007) / 10_007;
}

function shares(name: BalancingPolicyName, backends: readonly Backend[], draws = 12_000): number[] {
  const policy: BalancingPolicy = balancingPolicies[name]();
  const random = dice();
  const counts = backends.map(() => 0);
  for (let at = 0; at < draws; at++) counts[policy.choose(backends, `/file-${at}`, random).place]!++;
  return counts.map((count) => count / draws);
}

describe('balancing policies', () => {
  it('lottery: one ticket for the slowest, two for the next, three for the fastest', () => {
    const [a, b, c] = shares('lottery', three) as [number, number, number];
    expect(a).toBeCloseTo(1 / 6, 1);
    expect(b).toBeCloseTo(3 / 6, 1);
    expect(c).toBeCloseTo(2 / 6, 1);
  });

  it.each(['round-robin', 'random', 'maglev', 'least-in-flight'] as const)(
    '%s gives equal shares to equals',
    (name) => {
      for (const share of shares(name, three)) expect(share).toBeCloseTo(1 / 3, 1);
    },
  );

  it.each(['two-choices', 'least-in-flight', 'peak-ewma'] as const)('%s avoids the loaded one', (name) => {
    const [busy, idle] = shares(name, [backend('busy', { load: 9 }), backend('idle')]) as [number, number];
    expect([busy, idle]).toEqual([0, 1]);
  });

  it('peak EWMA avoids the slow one, rises at once and falls with time', () => {
    expect(
      shares('peak-ewma', [backend('slow', { latencyMs: 50 }), backend('fast', { latencyMs: 5 })]),
    ).toEqual([0, 1]);
    expect(peakEwma(10, 100, 1, 1000)).toBe(100);
    expect(peakEwma(100, 10, 0, 1000)).toBe(100);
    expect(peakEwma(100, 10, 10_000, 1000)).toBeCloseTo(10, 1);
  });

  it.each(['consistent-hash', 'maglev'] as const)(
    '%s sends a path to the same server, and moves few when one goes',
    (name) => {
      const policy: BalancingPolicy = balancingPolicies[name]();
      const keys = Array.from({ length: 2000 }, (_, at) => `/file-${at}`);
      const with3 = keys.map((key) => three[policy.choose(three, key, dice()).place]?.id);
      expect(keys.map((key) => three[policy.choose(three, key, dice()).place]?.id)).toEqual(with3);
      const two = three.slice(0, 2);
      const moved = keys.filter(
        (key, at) => with3[at] !== 'c' && two[policy.choose(two, key, dice()).place]?.id !== with3[at],
      );
      expect(moved.length / keys.length).toBeLessThan(0.15);
    },
  );

  it('consistent hashing passes over a server that has more than its bound', () => {
    const policy = new ConsistentHash();
    const first = policy.choose(three, '/x').place;
    const loaded = three.map((each, at) => ({ ...each, load: at === first ? 50 : 10 }));
    expect(policy.choose(loaded, '/x').place).not.toBe(first);
  });

  it.each(Object.keys(balancingPolicies) as BalancingPolicyName[])(
    '%s takes a single server and gives a reason',
    (name) => {
      const choice = balancingPolicies[name]().choose([backend('only')], '/', dice());
      expect(choice.place).toBe(0);
      expect(choice.reason).toContain('only');
    },
  );
});
