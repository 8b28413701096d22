import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PolicyName, policies } from './policies';
import type { EvictionPolicy } from './policy';

const names = Object.keys(policies) as PolicyName[];

/** Runs keys through a cache of `capacity` entries; returns the hits. */
function run(policy: EvictionPolicy<number>, capacity: number, keys: Iterable<number>): number {
  const cached = new Set<number>();
  let hits = 0;
  for (const key of keys) {
    if (cached.has(key)) {
      hits++;
      policy.touch(key);
      continue;
    }
    cached.add(key);
    policy.insert(key, 1);
    while (cached.size > capacity) cached.delete(policy.evict() as number);
  }
  return hits;
}

describe.each(names)('%s', (name) => {
  it('agrees with a set about what is there, whatever is inserted, used, removed and evicted', () => {
    const step = fc.record({
      what: fc.constantFrom('use', 'use', 'use', 'remove', 'evict'),
      key: fc.integer({ min: 0, max: 30 }),
      weight: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const policy = policies[name]<number>(100);
        const present = new Set<number>();
        for (const { what, key, weight } of steps) {
          if (what === 'use' && present.has(key)) policy.touch(key);
          else if (what === 'use') {
            policy.insert(key, weight);
            present.add(key);
          } else if (what === 'remove') {
            policy.remove(key);
            present.delete(key);
          } else {
            const victim = policy.evict();
            expect(victim === undefined).toBe(present.size === 0);
            if (victim !== undefined) expect(present.delete(victim)).toBe(true);
          }
        }
        for (let left = present.size; left > 0; left--)
          expect(present.delete(policy.evict() as number)).toBe(true);
        expect(policy.evict()).toBeUndefined();
      }),
    );
  });

  it('ignores keys that it does not know', () => {
    const policy = policies[name]<number>(10);
    policy.touch(1);
    policy.remove(1);
    expect(policy.evict()).toBeUndefined();
  });
});

describe('what goes first', () => {
  const used = (name: PolicyName): number[] => {
    const policy = policies[name]<number>(4);
    for (const key of [1, 2, 3, 4]) policy.insert(key, 1);
    policy.touch(1);
    policy.touch(1);
    policy.touch(2);
    return [policy.evict(), policy.evict(), policy.evict(), policy.evict()] as number[];
  };

  it('FIFO: in the order of arrival', () => expect(used('fifo')).toEqual([1, 2, 3, 4]));
  it('LRU: the one not used for longest', () => expect(used('lru')).toEqual([3, 4, 1, 2]));
  it('LFU: the least used', () => expect(used('lfu')).toEqual([3, 4, 2, 1]));
  it('CLOCK: a used one gets a second chance', () => expect(used('clock')).toEqual([3, 4, 1, 2]));
  it('SIEVE: survivors stay in place', () => expect(used('sieve')).toEqual([3, 4, 1, 2]));
});

describe('a scan', () => {
  it.each(['sieve', 's3-fifo', 'w-tinylfu', 'lfu'] as const)(
    'does not drive popular entries out of %s',
    (name) => {
      const popular = Array.from({ length: 400 }, (_, at) => at % 20);
      const scan = Array.from({ length: 200 }, (_, at) => 1000 + at);
      const policy = policies[name]<number>(50);
      const hits = run(policy, 50, [...popular, ...scan, ...popular.slice(0, 20)]);
      expect(hits).toBeGreaterThanOrEqual(380 + 19);
    },
  );
});
