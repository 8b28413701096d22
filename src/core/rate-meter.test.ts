import { expect, it } from 'vitest';
import { RateMeter } from './rate-meter';

it('finds a steady rate, whatever the spans', () => {
  const meter = new RateMeter();
  let rate = 0;
  for (const at of [0, 100, 150, 900, 1000, 2500]) rate = meter.sample(at * 2, at);
  expect(rate).toBeCloseTo(2000);
});

it('follows a change by half within a second', () => {
  const meter = new RateMeter();
  meter.sample(0, 0);
  expect(meter.sample(1000, 1000)).toBeCloseTo(1000);
  expect(meter.sample(1000, 2000)).toBeCloseTo(500);
  expect(meter.sample(1000, 3000)).toBeCloseTo(250);
});

it('begins anew when the total falls', () => {
  const meter = new RateMeter();
  meter.sample(0, 0);
  meter.sample(1000, 1000);
  expect(meter.sample(10, 2000)).toBe(0);
  expect(meter.sample(20, 3000)).toBeGreaterThan(0);
});
