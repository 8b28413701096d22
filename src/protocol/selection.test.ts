import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candidate, type PolicyName, select } from './selection';

const policies: PolicyName[] = ['least-load', 'round-robin', 'random', 'two-choices'];

function candidate(serverId: string, load: number, more: Partial<Candidate> = {}): Candidate {
  return { serverId, address: `127.0.0.1:${serverId}`, load, status: 'alive', avoided: false, ...more };
}

/** Dice that fall as told, then at 0. */
function dice(...throws: number[]): () => number {
  return () => throws.shift() ?? 0;
}

function winnerOf(
  policy: PolicyName,
  candidates: Candidate[],
  random: () => number,
  turn = 0,
): string | null {
  const { winner } = select(policy, candidates, { random, turn });
  return winner === null ? null : (candidates[winner]?.serverId ?? null);
}

describe('select', () => {
  it.each(policies)('%s: nobody wins among nobody, the dead, the draining and the avoided', (policy) => {
    const chance = { random: dice(), turn: 0 };
    expect(select(policy, [], chance)).toEqual({
      winner: null,
      candidates: [],
      reason: 'No server announced this file.',
    });
    const unusable = [
      candidate('CS1', 0, { status: 'dead' }),
      candidate('CS2', 0, { status: 'draining' }),
      candidate('CS3', 0, { avoided: true }),
    ];
    const selection = select(policy, unusable, chance);
    expect(selection.winner).toBeNull();
    expect(selection.candidates.map(({ score }) => score)).toEqual([null, null, null]);
    expect(selection.reason).toContain('CS1 (declared dead)');
  });

  it('names a few of those that cannot be used, not ten thousand', () => {
    const dead = Array.from({ length: 10_000 }, (_, n) => candidate(`CS${n}`, 0, { status: 'dead' }));
    expect(select('random', dead, { random: dice(), turn: 0 }).reason).toBe(
      'No holder can be used: CS0 (declared dead), CS1 (declared dead), CS2 (declared dead) and 9997 more.',
    );
  });

  it.each(policies)('%s: the only usable one wins', (policy) => {
    const candidates = [candidate('CS1', 0, { status: 'dead' }), candidate('CS2', 99)];
    expect(winnerOf(policy, candidates, dice(0.99))).toBe('CS2');
  });

  it.each(policies)(
    '%s: the winner is always usable, scored lowest of those compared, and explained',
    (policy) => {
      const anyCandidate = fc.record({
        load: fc.integer({ min: -1, max: 5 }),
        status: fc.constantFrom('alive', 'dead', 'draining') as fc.Arbitrary<Candidate['status']>,
        avoided: fc.boolean(),
      });
      fc.assert(
        fc.property(
          fc.array(anyCandidate, { maxLength: 8 }),
          fc.nat(100),
          fc.double({ min: 0, max: 0.999, noNaN: true }),
          (list, turn, die) => {
            const candidates = list.map((fields, at) => candidate(`CS${at}`, fields.load, fields));
            const usable = candidates.filter(({ status, avoided }) => status === 'alive' && !avoided);
            const {
              winner,
              candidates: assessed,
              reason,
            } = select(policy, candidates, { random: () => die, turn });
            expect(assessed.map(({ serverId }) => serverId)).toEqual(
              candidates.map(({ serverId }) => serverId),
            );
            expect(reason).toMatch(/^[A-Z].*\.$/);
            if (usable.length === 0) {
              expect(winner).toBeNull();
              return;
            }
            expect(usable).toContain(candidates[winner as number]);
            expect(reason).toContain(candidates[winner as number]?.serverId);
            const scores = assessed.map(({ score }) => score).filter((score) => score !== null);
            expect(assessed[winner as number]?.score).toBe(Math.min(...scores));
          },
        ),
      );
    },
  );
});

describe('least-load', () => {
  it('takes the least loaded and says against whom', () => {
    const selection = select('least-load', [candidate('CS1', 3), candidate('CS2', 0)], {
      random: dice(),
      turn: 0,
    });
    expect(selection).toMatchObject({ winner: 1, reason: 'CS2 has the least load (0 against 3 of CS1).' });
    expect(selection.candidates.map(({ score, note }) => [score, note])).toEqual([
      [3, 'more load'],
      [0, 'least load'],
    ]);
  });

  it('draws among equals, and counts a load that was never reported as none', () => {
    const candidates = [candidate('CS1', -1), candidate('CS2', 0), candidate('CS3', 1)];
    expect(winnerOf('least-load', candidates, dice(0.1))).toBe('CS1');
    expect(winnerOf('least-load', candidates, dice(0.6))).toBe('CS2');
    expect(winnerOf('least-load', candidates, dice(0.999))).toBe('CS2');
  });
});

describe('round-robin', () => {
  it('takes each in turn, and passes over the dead', () => {
    const candidates = [candidate('CS1', 9), candidate('CS2', 0, { status: 'dead' }), candidate('CS3', 5)];
    const winners = [0, 1, 2, 3].map((turn) => winnerOf('round-robin', candidates, dice(), turn));
    expect(winners).toEqual(['CS1', 'CS3', 'CS1', 'CS3']);
  });
});

describe('random', () => {
  it('gives each the same share of the dice', () => {
    const candidates = ['CS1', 'CS2', 'CS3', 'CS4'].map((id) => candidate(id, 0));
    const winners = [0, 0.25, 0.5, 0.75, 0.999].map((die) => winnerOf('random', candidates, dice(die)));
    expect(winners).toEqual(['CS1', 'CS2', 'CS3', 'CS4', 'CS4']);
  });
});

describe('two-choices', () => {
  it('takes the less loaded of two different ones', () => {
    const candidates = [candidate('CS1', 5), candidate('CS2', 1), candidate('CS3', 0)];
    const selection = select('two-choices', candidates, { random: dice(0, 0), turn: 0 });
    expect(selection).toMatchObject({
      winner: 1,
      reason: 'Of the two drawn, CS2 (1) is less loaded than CS1 (5).',
    });
    expect(selection.candidates[2]).toMatchObject({ score: null, note: 'not drawn' });
  });

  it('can draw every pair', () => {
    const candidates = [candidate('CS1', 0), candidate('CS2', 0), candidate('CS3', 0)];
    const winners = [0, 0.4, 0.8].flatMap((first) =>
      [0, 0.6].map((second) => winnerOf('two-choices', candidates, dice(first, second))),
    );
    expect(new Set(winners)).toEqual(new Set(['CS1', 'CS2', 'CS3']));
  });
});
