/** When a stored reply is fresh (RFC 9111, sections 4.2, 5.1 and 5.3). */
import { describe, expect, it } from 'vitest';
import { CacheWorld } from '../testing/cache-world';
import { fresh, type Headers, reused } from '../testing/reuse';

describe('freshness by Cache-Control (RFC 9111, section 4.2)', () => {
  it.each<[string, Headers, boolean]>([
    ['4.2.1: max-age', [['Cache-Control', 'max-age=3600']], true],
    ['4.2: stale after max-age', [['Cache-Control', 'max-age=2']], false],
    ['4.2.1: max-age=0', [['Cache-Control', 'max-age=0']], false],
    ['1.2.2: 2^31 - 1', [['Cache-Control', 'max-age=2147483647']], true],
    ['1.2.2: 2^31', [['Cache-Control', 'max-age=2147483648']], true],
    ['1.2.2: beyond 2^31', [['Cache-Control', 'max-age=99999999999']], true],
    ['5.2: leading zeros', [['Cache-Control', 'max-age=003600']], true],
    ['5.2: names in any case', [['Cache-Control', 'MaX-aGe=3600']], true],
    ['5.2.3: unknown directives are ignored', [['Cache-Control', 'foobar, max-age=3600']], true],
    ['5.2: a quoted argument', [['Cache-Control', 'max-age="3600"']], true],
    ['4.2.1: single quotes are no quotes', [['Cache-Control', "max-age='3600'"]], false],
    ['4.2.1: a negative number', [['Cache-Control', 'max-age=-3600']], false],
    ['4.2.1: a decimal', [['Cache-Control', 'max-age=3600.5']], false],
    ['4.2.1: letters', [['Cache-Control', 'max-age=3600a']], false],
    ['5.2: space before the equals sign', [['Cache-Control', 'max-age =3600']], false],
    ['5.2: space after the equals sign', [['Cache-Control', 'max-age= 3600']], false],
    ['4.2.1: of two the first, stale', [['Cache-Control', 'max-age=1, max-age=3600']], false],
    [
      '4.2.1: of two lines the first',
      [
        ['Cache-Control', 'max-age=3600'],
        ['Cache-Control', 'max-age=1'],
      ],
      true,
    ],
    ['5.2: not inside of a quoted string', [['Cache-Control', 'x="max-age=3600", max-age=1']], false],
    ['5.2: nor after it', [['Cache-Control', 'max-age=1, x="max-age=3600"']], false],
    ['5.3: max-age before Expires', [...fresh, ['Expires', -7200]], true],
    ['5.3: also before an invalid one', [...fresh, ['Expires', '0']], true],
    [
      '5.3: max-age=0 before Expires',
      [
        ['Cache-Control', 'max-age=0'],
        ['Expires', 3600],
      ],
      false,
    ],
    ['5.2.2.10: s-maxage', [['Cache-Control', 's-maxage=3600']], true],
    ['5.2.2.10: a short s-maxage before max-age', [['Cache-Control', 'max-age=3600, s-maxage=1']], false],
    ['5.2.2.10: whatever the order', [['Cache-Control', 's-maxage=1, max-age=3600']], false],
    ['5.2.2.10: a long s-maxage before max-age', [['Cache-Control', 'max-age=1, s-maxage=3600']], true],
    [
      '5.2.2.10: and before Expires',
      [
        ['Cache-Control', 'max-age=0, s-maxage=3600'],
        ['Expires', -10],
      ],
      true,
    ],
    ['4.2: nothing is said', [], false],
  ])('%s', async (_rule, headers, expected) => {
    expect(await reused({ headers })).toBe(expected);
  });
});

describe('Age (RFC 9111, sections 4.2.3 and 5.1)', () => {
  it.each<[string, Headers, boolean]>([
    ['an Age beyond the lifetime', [...fresh, ['Age', '7200']], false],
    ['the apparent age counts', [...fresh, ['Date', -7200]], false],
    ['no number: ignored', [...fresh, ['Age', 'abc']], true],
    ['negative: ignored', [...fresh, ['Age', '-7200']], true],
    ['a decimal: ignored', [...fresh, ['Age', '7200.0']], true],
    ['with a parameter: ignored', [...fresh, ['Age', '7200;a=b']], true],
    ['with a number as parameter: ignored', [...fresh, ['Age', '7200;a=1']], true],
    ['twice the same', [...fresh, ['Age', '0, 0']], true],
    ['twice the same, in two lines', [...fresh, ['Age', '0'], ['Age', '0']], true],
    ['twice the same, counted once', [...fresh, ['Age', '3000, 3000']], true],
    ['twice the same, too old', [...fresh, ['Age', '3600, 3600']], false],
    ['2^31 - 1', [...fresh, ['Age', '2147483647']], false],
    ['2^31', [...fresh, ['Age', '2147483648']], false],
    ['beyond 2^31', [...fresh, ['Age', '2147483649']], false],
    ['of a list the first', [...fresh, ['Age', '7200, 0']], false],
    ['of a list the first, young', [...fresh, ['Age', '0, 7200']], true],
    ['of two lines the first', [...fresh, ['Age', '7200'], ['Age', '0']], false],
    ['of two lines the first, young', [...fresh, ['Age', '0'], ['Age', '7200']], true],
  ])('%s', async (_rule, headers, expected) => {
    expect(await reused({ headers })).toBe(expected);
  });

  it('is sent with what is stored, one line, and grows (5.1)', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [...fresh, ['Age', '30'], ['Age', '10']] });
    await world.ask();
    await world.wait(3);
    expect((await world.ask()).headers.all('age')).toEqual(['33']);
  });

  it('counts the time that the reply took (4.2.3)', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [['Cache-Control', 'max-age=4']], delayMs: 3000 });
    await world.ask();
    await world.wait(2);
    await world.ask();
    expect(world.seen).toHaveLength(2);
  });
});

describe('Expires (RFC 9111, section 5.3)', () => {
  it.each<[string, Headers, boolean]>([
    ['in the future', [['Expires', 3600]], true],
    ['in the past', [['Expires', -3600]], false],
    [
      'now',
      [
        ['Expires', 0],
        ['Date', 0],
      ],
      false,
    ],
    [
      'before Date, both ahead',
      [
        ['Expires', 300],
        ['Date', 400],
      ],
      false,
    ],
    ['0', [['Expires', '0']], false],
    [
      'without a valid Date',
      [
        ['Expires', 10],
        ['Date', 'foo'],
      ],
      true,
    ],
    [
      'without Date',
      [
        ['Expires', 10],
        ['-date', ''],
      ],
      true,
    ],
    [
      'Age beyond it, Date slow',
      [
        ['Date', -10],
        ['Expires', 10],
        ['Age', '25'],
      ],
      false,
    ],
    [
      'Age beyond it, Date fast',
      [
        ['Date', 10],
        ['Expires', 20],
        ['Age', '15'],
      ],
      false,
    ],
    ['RFC 850', [['Expires', 'Thursday, 18-Aug-50 02:01:18 GMT']], true],
    ['asctime', [['Expires', 'Thu Aug  8 02:01:18 2050']], true],
    ['weekday in capitals', [['Expires', 'THU, 18 Aug 2050 02:01:18 GMT']], true],
    ['month in capitals', [['Expires', 'Thu, 18 AUG 2050 02:01:18 GMT']], true],
    ['zone in mixed case', [['Expires', 'Thu, 18 Aug 2050 02:01:18 gMT']], true],
    ['beyond 32 bits', [['Expires', 'Sun, 21 Nov 2286 04:46:39 GMT']], true],
    ['another zone', [['Expires', 'Thu, 18 Aug 2050 02:01:18 UTC']], false],
    ['a year of two digits', [['Expires', 'Thu, 18 Aug 50 02:01:18 GMT']], false],
    ['no comma', [['Expires', 'Thu 18 Aug 2050 02:01:18 GMT']], false],
    ['two spaces', [['Expires', 'Thu, 18  Aug  2050 02:01:18 GMT']], false],
    ['dashes', [['Expires', 'Thu, 18-Aug-2050 02:01:18 GMT']], false],
    ['points in the time', [['Expires', 'Thu, 18 Aug 2050 02.01.18 GMT']], false],
    ['an hour of one digit', [['Expires', 'Thu, 18 Aug 2050 2:01:18 GMT']], false],
  ])('%s', async (_rule, headers, expected) => {
    expect(await reused({ headers })).toBe(expected);
  });
});

describe('heuristics (RFC 9111, section 4.2.2) and statuses (RFC 9110, section 15.1)', () => {
  const modified: Headers = [['Last-Modified', -86_400]];

  it.each([200, 203, 204, 404, 405, 410, 414, 501])('%i may be fresh by heuristics', async (status) => {
    expect(await reused({ status, headers: modified })).toBe(true);
  });
  it.each([201, 202, 403, 502, 503, 504, 599])('%i may not', async (status) => {
    expect(await reused({ status, headers: modified })).toBe(false);
  });
  it('any status may with public', async () => {
    expect(await reused({ status: 599, headers: [...modified, ['Cache-Control', 'public']] })).toBe(true);
  });
  it.each([200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599])(
    '%i is reused with an explicit lifetime, and not when that has passed',
    async (status) => {
      expect(await reused({ status, headers: [...fresh, ...modified] })).toBe(true);
      expect(
        await reused({
          status,
          headers: [
            ['Expires', -5000],
            ['Last-Modified', -100_000],
          ],
        }),
      ).toBe(false);
    },
  );
  it('must-understand: not for an unknown status (5.2.2.3)', async () => {
    expect(
      await reused({ status: 599, headers: [['Cache-Control', 'max-age=3600, no-store, must-understand']] }),
    ).toBe(false);
  });
  it('must-understand: in place of no-store for a known one', async () => {
    expect(await reused({ headers: [['Cache-Control', 'max-age=3600, no-store, must-understand']] })).toBe(
      true,
    );
  });
});
