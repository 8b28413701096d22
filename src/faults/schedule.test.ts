import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeSchedule, momentOf } from './schedule';

const never = Number.POSITIVE_INFINITY;

describe('a schedule', () => {
  it('acts always when there is none', () => {
    expect(momentOf(undefined, 0)).toEqual({ acts: true, strength: 1, changesIn: never });
  });

  it('begins later and ends', () => {
    const schedule = { afterMs: 10_000, forMs: 5000 };
    expect(momentOf(schedule, 9_999)).toMatchObject({ acts: false, changesIn: 1 });
    expect(momentOf(schedule, 10_000)).toMatchObject({ acts: true, changesIn: 5000 });
    expect(momentOf(schedule, 14_999)).toMatchObject({ acts: true, changesIn: 1 });
    expect(momentOf(schedule, 15_000)).toMatchObject({ acts: false, changesIn: never });
  });

  it('grows', () => {
    const schedule = { afterMs: 1000, rampMs: 30_000 };
    expect(momentOf(schedule, 1000).strength).toBe(0);
    expect(momentOf(schedule, 16_000).strength).toBe(0.5);
    expect(momentOf(schedule, 31_000)).toEqual({ acts: true, strength: 1, changesIn: never });
  });

  it('comes and goes', () => {
    const schedule = { onMs: 2000, offMs: 1000 };
    expect(momentOf(schedule, 1999)).toMatchObject({ acts: true, changesIn: 1 });
    expect(momentOf(schedule, 2000)).toMatchObject({ acts: false, changesIn: 1000 });
    expect(momentOf(schedule, 3000)).toMatchObject({ acts: true, changesIn: 2000 });
  });

  it('never changes before it says it will', () => {
    const ms = fc.option(fc.integer({ min: 0, max: 5000 }), { nil: undefined });
    const schedules = fc.record({ afterMs: ms, forMs: ms, onMs: ms, offMs: ms });
    fc.assert(
      fc.property(
        schedules,
        fc.integer({ min: 0, max: 20_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (s, at, share) => {
          const moment = momentOf(s as never, at);
          const within = Math.min(moment.changesIn, 20_000) * share * 0.999;
          expect(momentOf(s as never, at + within).acts).toBe(moment.acts);
        },
      ),
    );
  });

  it('reads as a sentence', () => {
    expect(describeSchedule({ afterMs: 10_000, forMs: 500, rampMs: 180_000, onMs: 2000, offMs: 1000 })).toBe(
      'after 10 s, for 500 ms, growing over 3 min, 2 s on and 1 s off',
    );
    expect(describeSchedule(undefined)).toBe('');
  });
});
