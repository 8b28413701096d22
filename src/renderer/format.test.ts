import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatElapsed,
  formatPercent,
  formatSpan,
  remainingMs,
} from './format';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [100 * 1024, '100 KiB'],
    [1024 ** 2 * 1.25, '1.3 MiB'],
    [1024 ** 3, '1.0 GiB'],
    [1024 ** 5, '1024 TiB'],
  ])('%d → %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('never needs more than four digits below a pebibyte', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1024 ** 4 * 999, noNaN: true }), (bytes) => {
        expect(formatBytes(bytes)).toMatch(/^\d{1,3}(\.\d)? [KMGT]?i?B$/);
      }),
    );
  });
});

describe('formatElapsed', () => {
  it.each([
    [-5, '0:00'],
    [7_999, '0:07'],
    [754_000, '12:34'],
    [3_723_000, '1:02:03'],
  ])('%d → %s', (ms, text) => expect(formatElapsed(ms)).toBe(text));
});

describe('formatPercent', () => {
  it('says 100 only when all is done', () => {
    expect(formatPercent(999_999, 1_000_000)).toBe('99 %');
    expect(formatPercent(5, 5)).toBe('100 %');
    expect(formatPercent(0, 0)).toBe('100 %');
    expect(formatPercent(0, 5)).toBe('0 %');
  });
});

describe('spans', () => {
  it.each([
    [400, '0.4 s'],
    [9960, '10 s'],
    [59_400, '59 s'],
    [60_000, '1 min 0 s'],
    [3_900_000, '1 h 5 min'],
    [Number.POSITIVE_INFINITY, '–'],
  ])('%d ms → %s', (ms, text) => expect(formatSpan(ms)).toBe(text));

  it('knows what is left only while something moves', () => {
    expect(remainingMs(50, 100, 25)).toBe(2000);
    expect(remainingMs(50, 100, 0)).toBeUndefined();
    expect(remainingMs(50, undefined, 25)).toBeUndefined();
  });

  it('reads as a person speaks', () => {
    expect(formatAgo(10_000, 10_500)).toBe('now');
    expect(formatAgo(0, 65_000)).toBe('1 min ago');
    expect(formatCount(1, 'file')).toBe('1 file');
    expect(formatCount(2, 'copy', 'copies')).toBe('2 copies');
  });
});
