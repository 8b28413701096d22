import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chooseReplica, type ReplicaHealth, replicaCost, SmoothedMean } from './replica-selection';

const health = (rttMs: number, loss = 0, load = 0): ReplicaHealth => ({ rttMs, loss, load });

it('costs more with round trip, loss and load', () => {
  expect(replicaCost(health(10))).toBe(10);
  expect(replicaCost(health(10, 0, 5))).toBe(15);
  expect(replicaCost(health(10, 0.5))).toBe(40);
  expect(replicaCost(health(10, 1))).toBeLessThan(Number.POSITIVE_INFINITY);
});

it('takes the cheapest when there is no present one', () => {
  const up = new Map([
    ['a', health(30)],
    ['b', health(10)],
    ['c', health(10, 0.3)],
  ]);
  const choice = chooseReplica(up, undefined);
  expect(choice?.address).toBe('b');
  expect(choice?.ranking.map(({ address }) => address)).toEqual(['b', 'c', 'a']);
  expect(chooseReplica(new Map(), 'a')).toBeNull();
});

it('moves for a clear difference and when the present one is gone', () => {
  expect(
    chooseReplica(
      new Map([
        ['a', health(30)],
        ['b', health(10)],
      ]),
      'a',
    )?.address,
  ).toBe('b');
  expect(chooseReplica(new Map([['b', health(10)]]), 'a')?.address).toBe('b');
  expect(
    chooseReplica(
      new Map([
        ['a', health(0.1, 0, 2)],
        ['b', health(0.1)],
      ]),
      'a',
    )?.address,
  ).toBe('b');
});

it('never flaps between equals, whatever the noise', () => {
  const noise = fc.double({ min: -0.1, max: 0.1, noNaN: true });
  fc.assert(
    fc.property(
      fc.double({ min: 0.05, max: 200, noNaN: true }),
      fc.array(fc.tuple(noise, noise)),
      (rtt, samples) => {
        let present = 'a';
        for (const [a, b] of samples) {
          const up = new Map([
            ['a', health(rtt * (1 + a))],
            ['b', health(rtt * (1 + b))],
          ]);
          present = chooseReplica(up, present)?.address ?? '';
          expect(present).toBe('a');
        }
      },
    ),
  );
});

it('smooths by time, not by number of samples', () => {
  const mean = new SmoothedMean(1000);
  mean.add(10, 0);
  mean.add(20, 1000);
  expect(mean.value).toBeCloseTo(10 + 10 * (1 - Math.exp(-1)));
  mean.add(20, 100_000);
  expect(mean.value).toBeCloseTo(20);
});
