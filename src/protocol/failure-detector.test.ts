import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimeoutDetector } from './failure-detector';

const seed = () => new TimeoutDetector({ deadAfterMs: 8000, suspectAfterMs: 4000 });

describe('TimeoutDetector', () => {
  it('declares dead when the last heartbeat is as old as the limit, and not before', () => {
    const detector = seed();
    detector.observe('CS1', 1000);
    expect(detector.check(8999).map(({ to }) => to)).toEqual(['suspect']);
    expect(detector.check(9000)).toEqual([{ id: 'CS1', from: 'suspect', to: 'dead', silentMs: 8000 }]);
    expect(detector.check(20_000)).toEqual([]);
  });

  it('tells of a new peer, of one that was late, and of one that is back', () => {
    const detector = seed();
    expect(detector.observe('CS1', 0)).toEqual({ id: 'CS1', from: undefined, to: 'alive', silentMs: 0 });
    expect(detector.observe('CS1', 3000)).toBeNull();
    detector.check(7000);
    expect(detector.observe('CS1', 7500)).toEqual({
      id: 'CS1',
      from: 'suspect',
      to: 'alive',
      silentMs: 4500,
    });
    detector.check(15_500);
    expect(detector.observe('CS1', 16_000)).toMatchObject({ from: 'dead', to: 'alive', silentMs: 8500 });
  });

  it('knows when to look next: never too late, and never when nothing can change', () => {
    const detector = seed();
    expect(detector.nextDeadline()).toBeNull();
    detector.observe('CS1', 0);
    detector.observe('CS2', 1000);
    expect(detector.nextDeadline()).toBe(4000);
    detector.check(4000);
    expect(detector.nextDeadline()).toBe(5000);
    expect(detector.deadAt('CS1')).toBe(8000);
    detector.check(9000);
    expect(detector.nextDeadline()).toBeNull();
    expect(detector.deadAt('CS1')).toBeNull();
  });

  it('forgets', () => {
    const detector = seed();
    detector.observe('CS1', 0);
    detector.forget('CS1');
    expect(detector.liveness('CS1')).toBeUndefined();
    expect(detector.check(100_000)).toEqual([]);
  });

  it('agrees with the rule written down plainly', () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 6000 }),
      heartbeat: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: null }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const detector = seed();
        const last = new Map<string, number>();
        let now = 0;
        for (const { wait, heartbeat } of steps) {
          now += wait;
          const deadline = detector.nextDeadline();
          const changes = detector.check(now);
          if (changes.length > 0) expect(deadline).toBeLessThanOrEqual(now);
          expect(changes.map(({ silentMs }) => silentMs)).toEqual(
            changes.map(({ silentMs }) => silentMs).sort((a, b) => b - a),
          );
          if (heartbeat) {
            detector.observe(heartbeat, now);
            last.set(heartbeat, now);
          }
          for (const [id, at] of last) {
            const expected = now - at >= 8000 ? 'dead' : now - at >= 4000 ? 'suspect' : 'alive';
            expect(detector.liveness(id)).toBe(expected);
          }
        }
      }),
    );
  });
});
