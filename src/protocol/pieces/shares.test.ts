import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Claim, Shares } from './shares';

const PIECE = 1000;

interface Entrant {
  claim: Claim;
  outstanding: number;
  got: number;
  wants: boolean;
}

/** Downloads that always want more, at one source that sends its bytes to those who have asked, in turn. */
class Contest {
  readonly shares = new Shares();
  readonly entrants: Entrant[] = [];
  now = 0;

  enter(weight: number): number {
    const entrant: Entrant = {
      outstanding: 0,
      got: 0,
      wants: true,
      claim: this.shares.claim('s', {
        weight,
        waitsForBytes: () => entrant.wants && entrant.outstanding > 0,
        wake: () => this.#ask(entrant),
      }),
    };
    this.entrants.push(entrant);
    return this.entrants.length - 1;
  }

  /** Sends so many bytes in all; returns what each got of them. */
  send(bytes: number, block = 100): number[] {
    const before = this.entrants.map(({ got }) => got);
    for (let sent = 0, turn = 0; sent < bytes; this.now++) {
      for (const entrant of this.entrants) if (entrant.wants) this.#ask(entrant);
      const waiting = this.entrants.filter(({ outstanding, wants }) => wants && outstanding > 0);
      const next = waiting[turn++ % Math.max(1, waiting.length)];
      if (!next) throw new Error('Nobody may ask, though some want to.');
      const part = Math.min(block, next.outstanding);
      next.outstanding -= part;
      next.got += part;
      sent += part;
      next.claim.received(part);
    }
    return this.entrants.map(({ got }, at) => got - (before[at] as number));
  }

  #ask(entrant: Entrant): void {
    while (entrant.outstanding < 2 * PIECE && entrant.claim.mayAsk(entrant.outstanding, this.now))
      entrant.outstanding += PIECE;
  }
}

describe('shares of a source', () => {
  it('are as the weights, whoever came first, and follow a change of weight', () => {
    const contest = new Contest();
    contest.enter(1);
    contest.send(500_000);
    contest.enter(4);
    contest.enter(2);
    contest.send(20_000);
    const [low = 0, high = 0, normal = 0] = contest.send(700_000);
    expect(high / low).toBeCloseTo(4, 0);
    expect(normal / low).toBeCloseTo(2, 0);
    (contest.entrants[0]?.claim as Claim).weight = 4;
    contest.send(20_000);
    const [raised = 0, same = 0] = contest.send(1_000_000);
    expect(raised / same).toBeGreaterThan(0.9);
  });

  it('are left to others by who wants nothing, and what they had meanwhile is not paid back', () => {
    const contest = new Contest();
    contest.enter(1);
    contest.enter(4);
    contest.send(50_000);
    const high = contest.entrants[1] as Entrant;
    high.wants = false;
    expect(contest.send(100_000)).toEqual([100_000, 0]);
    contest.now += 1000;
    high.wants = true;
    contest.send(20_000);
    const [low = 0, again = 0] = contest.send(500_000);
    expect(again / low).toBeCloseTo(4, 0);
  });

  it('never leave a source idle while somebody wants something of it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(1, 2, 4), { minLength: 1, maxLength: 6 }),
        fc.array(fc.tuple(fc.nat(5), fc.boolean()), { maxLength: 20 }),
        (weights, changes) => {
          const contest = new Contest();
          for (const weight of weights) contest.enter(weight);
          for (const [at, wants] of changes) {
            const entrant = contest.entrants[at % weights.length];
            if (entrant) entrant.wants = wants;
            // `send` throws when all who want are refused.
            if (contest.entrants.some((one) => one.wants)) contest.send(5000);
          }
        },
      ),
    );
  });

  it('leave nothing behind', () => {
    const contest = new Contest();
    contest.enter(1);
    contest.enter(2);
    for (const { claim } of contest.entrants) claim.release();
    expect(contest.shares.size).toBe(0);
  });
});
