import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccrualDetector, type AccrualOptions, phiOfQuantile, quantileOfPhi } from './accrual-detector';

const options: AccrualOptions = {
  threshold: 8,
  suspectThreshold: 1,
  window: 100,
  minDeviationMs: 100,
  firstIntervalMs: 3000,
  pauseMs: 0,
};

/** Heartbeats at these intervals, from 0 on; the time of the last. */
function beat(detector: AccrualDetector, intervals: readonly number[], from = 0): number {
  let now = from;
  detector.observe('CS1', now);
  for (const interval of intervals) {
    now += interval;
    detector.observe('CS1', now);
  }
  return now;
}

const regular = (count: number): number[] => new Array<number>(count).fill(3000);

describe('φ', () => {
  it('is the order of magnitude of the chance to be wrong', () => {
    // The normal tail beyond 2.326 σ is 1 %, beyond 3.090 σ 0.1 %, beyond 5.612 σ 10⁻⁸.
    expect(quantileOfPhi(2)).toBeCloseTo(2.326, 1);
    expect(quantileOfPhi(3)).toBeCloseTo(3.09, 1);
    expect(Math.abs(quantileOfPhi(8) - 5.612)).toBeLessThan(0.4);
  });

  it('and its quantile are each other’s inverse', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 16, noNaN: true }), (phi) => {
        expect(phiOfQuantile(quantileOfPhi(phi))).toBeCloseTo(phi, 6);
      }),
    );
  });
});

describe('an accrual detector', () => {
  it('waits little for a regular server, and longer for one that is not', () => {
    const steady = new AccrualDetector(options);
    const shaky = new AccrualDetector(options);
    const steadyEnd = beat(steady, regular(100));
    const shakyEnd = beat(
      shaky,
      regular(100).map((interval, n) => (n % 5 === 0 ? interval * 2 : interval)),
    );
    const patience = (detector: AccrualDetector, since: number) => (detector.deadAt('CS1') ?? 0) - since;
    expect(patience(steady, steadyEnd)).toBeLessThan(4000);
    expect(patience(shaky, shakyEnd)).toBeGreaterThan(9000);
  });

  it('suspects first, then declares dead, each once and at its time', () => {
    const detector = new AccrualDetector(options);
    const last = beat(detector, regular(50));
    const suspectAt = detector.nextDeadline() as number;
    expect(detector.check(suspectAt - 1)).toEqual([]);
    expect(detector.check(suspectAt)).toEqual([
      { id: 'CS1', from: 'alive', to: 'suspect', silentMs: suspectAt - last },
    ]);
    const deadAt = detector.nextDeadline() as number;
    expect(deadAt).toBe(detector.deadAt('CS1'));
    expect(detector.check(deadAt)).toMatchObject([{ from: 'suspect', to: 'dead' }]);
    expect(detector.check(deadAt + 1e6)).toEqual([]);
    expect(detector.nextDeadline()).toBeNull();
    expect(detector.deadAt('CS1')).toBeNull();
  });

  it('takes back a server that is heard again, and learns nothing from its death', () => {
    const detector = new AccrualDetector(options);
    const last = beat(detector, regular(50));
    detector.check(last + 100_000);
    expect(detector.liveness('CS1')).toBe('dead');
    expect(detector.observe('CS1', last + 200_000)).toMatchObject({ from: 'dead', to: 'alive' });
    expect((detector.deadAt('CS1') ?? 0) - (last + 200_000)).toBeLessThan(4000);
  });

  it('forgets old intervals', () => {
    const detector = new AccrualDetector({ ...options, window: 10 });
    const shaky = beat(detector, [3000, 9000, 3000, 9000, 3000, 9000]);
    const before = (detector.deadAt('CS1') as number) - shaky;
    const last = beat(detector, regular(12), shaky + 3000);
    expect((detector.deadAt('CS1') as number) - last).toBeLessThan(before / 3);
  });

  it('knows nothing of strangers', () => {
    const detector = new AccrualDetector(options);
    expect(detector.liveness('CS9')).toBeUndefined();
    expect(detector.deadAt('CS9')).toBeNull();
    expect(detector.nextDeadline()).toBeNull();
    beat(detector, regular(3));
    detector.forget('CS1');
    expect(detector.liveness('CS1')).toBeUndefined();
  });

  it('never finds a change before its next deadline', () => {
    const intervals = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(intervals, fc.double({ min: 0, max: 0.999, noNaN: true }), (list, share) => {
        const detector = new AccrualDetector(options);
        const last = beat(detector, list);
        const next = detector.nextDeadline() as number;
        expect(next).toBeGreaterThan(last);
        expect(detector.check(last + (next - last) * share)).toEqual([]);
        expect(detector.check(next)).toHaveLength(1);
      }),
    );
  });
});
