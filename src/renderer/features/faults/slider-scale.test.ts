import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextValue, positionOf, steps, valueAt } from './slider-scale';

const range = fc
  .tuple(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: 1, max: 1e9 }))
  .map(([min, width]) => ({ min, max: min + width }));

describe('a slider over many magnitudes', () => {
  it('reaches both ends, and never leaves the range', () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 0, max: steps }), (limits, position) => {
        expect(valueAt(0, limits)).toBe(limits.min);
        expect(valueAt(steps, limits)).toBe(limits.max);
        const value = valueAt(position, limits);
        expect(value).toBeGreaterThanOrEqual(limits.min);
        expect(value).toBeLessThanOrEqual(limits.max);
      }),
    );
  });

  it('rises', () => {
    const limits = { min: 0, max: 60_000 };
    let last = -1;
    for (let position = 0; position <= steps; position += 10) {
      const value = valueAt(position, limits);
      expect(value).toBeGreaterThanOrEqual(last);
      last = value;
    }
  });

  it('moves with every key, all the way to its ends', () => {
    fc.assert(
      fc.property(range, fc.constantFrom<1 | -1>(1, -1), fc.nat(steps), (limits, direction, from) => {
        const end = direction > 0 ? limits.max : limits.min;
        let value = valueAt(from, limits);
        for (let presses = 0; value !== end; presses++) {
          const next = nextValue(value, direction, limits);
          expect((next - value) * direction).toBeGreaterThan(0);
          expect(presses).toBeLessThanOrEqual(110);
          value = next;
        }
      }),
    );
  });

  it('comes back near to where it was', () => {
    for (const value of [0, 1, 20, 200, 3000, 60_000]) {
      const back = valueAt(positionOf(value, { min: 0, max: 60_000 }), { min: 0, max: 60_000 });
      expect(Math.abs(back - value)).toBeLessThanOrEqual(0.06 * value + 0.1);
    }
  });
});
