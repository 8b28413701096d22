/** Targeted cache control (RFC 9213). */
import { describe, expect, it } from 'vitest';
import { type Headers, reused } from '../testing/reuse';

describe('CDN-Cache-Control (RFC 9213)', () => {
  it.each<[string, Headers, boolean]>([
    ['max-age', [['CDN-Cache-Control', 'max-age=3600']], true],
    ['2^31', [['CDN-Cache-Control', 'max-age=2147483648']], true],
    ['beyond', [['CDN-Cache-Control', 'max-age=99999999999']], true],
    [
      'Age beyond it',
      [
        ['CDN-Cache-Control', 'max-age=3600'],
        ['Age', '7200'],
      ],
      false,
    ],
    [
      'max-age=0',
      [
        ['CDN-Cache-Control', 'max-age=0'],
        ['Expires', 10_000],
      ],
      false,
    ],
    ['an extension', [['CDN-Cache-Control', 'foobar, max-age=3600']], true],
    [
      'before Expires',
      [
        ['CDN-Cache-Control', 'max-age=3600'],
        ['Expires', -10_000],
      ],
      true,
    ],
    [
      'long before a short max-age',
      [
        ['Cache-Control', 'max-age=1'],
        ['CDN-Cache-Control', 'max-age=3600'],
      ],
      true,
    ],
    [
      'short before a long max-age',
      [
        ['Cache-Control', 'max-age=3600'],
        ['CDN-Cache-Control', 'max-age=1'],
      ],
      false,
    ],
    [
      'private',
      [
        ['Cache-Control', 'max-age=3600'],
        ['CDN-Cache-Control', 'private'],
      ],
      false,
    ],
    [
      'no-cache',
      [
        ['Cache-Control', 'max-age=3600'],
        ['CDN-Cache-Control', 'no-cache'],
      ],
      false,
    ],
    [
      'no-store',
      [
        ['Cache-Control', 'max-age=3600'],
        ['CDN-Cache-Control', 'no-store'],
      ],
      false,
    ],
    [
      'before no-store of Cache-Control',
      [
        ['Cache-Control', 'no-store'],
        ['CDN-Cache-Control', 'max-age=3600'],
      ],
      true,
    ],
    [
      'empty: Cache-Control counts',
      [
        ['Cache-Control', 'max-age=3600'],
        ['CDN-Cache-Control', ''],
      ],
      true,
    ],
    [
      'Cache-Control is ignored altogether',
      [
        ['Cache-Control', 's-maxage=1, must-revalidate, private'],
        ['CDN-Cache-Control', 'max-age=3600'],
      ],
      true,
    ],
    [
      'malformed: Cache-Control counts',
      [
        ['Cache-Control', 'no-store'],
        ['CDN-Cache-Control', 'max-age=3600, &&&'],
      ],
      false,
    ],
    [
      'of the wrong type: Cache-Control counts',
      [
        ['Cache-Control', 'no-store'],
        ['CDN-Cache-Control', 'max-age="3600"'],
      ],
      false,
    ],
  ])('%s', async (_rule, headers, expected) => {
    expect(await reused({ headers })).toBe(expected);
  });
});
