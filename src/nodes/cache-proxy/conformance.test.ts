/**
 * What RFC 9111 (and 9110, 9211, 9213, 5861) asks of a shared cache, each rule with its section, against a
 * scripted origin.
 */
import { describe, expect, it } from 'vitest';
import { type Ask, CacheWorld, type Reply, type Script } from './testing/cache-world';

type Headers = [string, string | number][];

/** Asks twice; returns whether the second answer came from the store. */
async function reused(
  first: Script,
  second: Ask = {},
  { ask = {}, pause = 3 }: { ask?: Ask; pause?: number } = {},
): Promise<boolean> {
  const world = await CacheWorld.start();
  world.script(first);
  await world.ask(ask);
  await world.wait(pause);
  await world.ask(second);
  await world.stop();
  return world.seen.length === 1;
}

const fresh: Headers = [['Cache-Control', 'max-age=3600']];

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

describe('directives of replies (RFC 9111, section 5.2.2)', () => {
  it.each<[string, Headers, boolean]>([
    ['private', [['Cache-Control', 'private, max-age=3600']], false],
    [
      'no-store',
      [
        ['Cache-Control', 'no-store, max-age=3600'],
        ['Expires', 3600],
      ],
      false,
    ],
    ['no-store in any case', [['Cache-Control', 'No-StOrE, max-age=3600']], false],
    ['no-cache', [['Cache-Control', 'no-cache, max-age=3600']], false],
    ['no-cache in any case', [['Cache-Control', 'No-CaChE, max-age=3600']], false],
    [
      'must-revalidate while fresh',
      [
        ['Cache-Control', 'max-age=3600, must-revalidate'],
        ['ETag', '"a"'],
      ],
      true,
    ],
    ['Pragma of a reply means nothing (5.4)', [...fresh, ['Pragma', 'no-cache']], true],
    ['Set-Cookie does not prevent storing (7.3)', [...fresh, ['Set-Cookie', 'a=b']], true],
    ['Vary: * (4.1)', [...fresh, ['Vary', '*']], false],
  ])('%s', async (_rule, headers, expected) => {
    expect(await reused({ headers })).toBe(expected);
  });

  it.each(['', ', max-age=3600'])('no-cache is stored, and validated each time%s', async (more) => {
    const world = await CacheWorld.start();
    const headers: Headers = [
      ['Cache-Control', `no-cache${more}`],
      ['ETag', '"abcd"'],
    ];
    world.script({ headers, body: 'one' }, { headers, validate: true });
    await world.ask();
    const reply = await world.ask();
    expect(reply).toMatchObject({ status: 200, body: 'one' });
    expect(world.seen[1]?.head.fields.get('if-none-match')).toBe('"abcd"');
  });

  it('fields named by no-cache and private are not stored (5.2.2.4, 5.2.2.7)', async () => {
    const world = await CacheWorld.start();
    world.script({
      headers: [
        ['Cache-Control', 'max-age=60, no-cache="a, B", private="d"'],
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
        ['d', '4'],
      ],
    });
    expect((await world.ask()).headers.get('a')).toBe('1');
    const { headers } = await world.ask();
    expect([headers.get('a'), headers.get('b'), headers.get('c'), headers.get('d')]).toEqual([
      undefined,
      undefined,
      '3',
      undefined,
    ]);
    expect(world.seen).toHaveLength(1);
  });
});

describe('stored fields (RFC 9111, section 3.1)', () => {
  it('none of the connection, or named by it', async () => {
    const world = await CacheWorld.start();
    world.script({
      headers: [
        ...fresh,
        ['Connection', 'a, b'],
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
        ['Keep-Alive', 'timeout=5'],
        ['Proxy-Connection', 'x'],
        ['Proxy-Authenticate', 'x'],
        ['Proxy-Authentication-Info', 'x'],
        ['TE', 'x'],
        ['Upgrade', 'x'],
      ],
    });
    await world.ask();
    const { headers } = await world.ask();
    expect(headers.get('c')).toBe('3');
    for (const name of [
      'a',
      'b',
      'keep-alive',
      'proxy-connection',
      'proxy-authenticate',
      'proxy-authentication-info',
      'te',
      'upgrade',
    ]) {
      expect(headers.has(name), name).toBe(false);
    }
    expect(world.seen).toHaveLength(1);
  });

  it.each([
    'Test-Header',
    'Content-Encoding',
    'Content-Location',
    'Content-MD5',
    'Content-Range',
    'Content-Security-Policy',
    'Content-Type',
    'Clear-Site-Data',
    'ETag',
    'Expires',
    'Set-Cookie',
    'X-Frame-Options',
  ])('everything else: %s', async (name) => {
    const world = await CacheWorld.start();
    world.script({ headers: [...fresh, [name, '"some value"']] });
    await world.ask();
    expect((await world.ask()).headers.get(name.toLowerCase())).toBe('"some value"');
    expect(world.seen).toHaveLength(1);
  });

  it('Date is not touched, and made where it is missing (RFC 9110, section 6.6.1)', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [...fresh, ['Date', -5]] }, { headers: [...fresh, ['-date', '']] });
    await world.ask();
    await world.wait(3);
    const date = Date.parse((await world.ask()).headers.get('date') ?? '');
    expect(date).toBe(world.simulation.clock.wallTime() - 8000);
    expect((await world.ask({ path: '/other' })).headers.get('date')).toBeDefined();
  });
});

describe('Vary (RFC 9111, section 4.1)', () => {
  const vary = (names: string, more: Headers = []): Script => ({
    headers: [...fresh, ['Vary', names], ...more],
  });
  it.each<[string, string, Headers, Headers, boolean]>([
    ['the same value', 'Foo', [['Foo', '1']], [['Foo', '1']], true],
    ['another value', 'Foo', [['Foo', '1']], [['Foo', '2']], false],
    ['absent now', 'Foo', [['Foo', '1']], [], false],
    ['absent then', 'Foo', [], [['Foo', '1']], false],
    ['absent both times', 'Foo, Bar', [['Foo', '1']], [['Foo', '1']], true],
    [
      'other fields do not count',
      'Foo',
      [
        ['Foo', '1'],
        ['Other', '2'],
      ],
      [
        ['Foo', '1'],
        ['Other', '3'],
      ],
      true,
    ],
    [
      'one of three differs',
      'Foo, Bar, Baz',
      [
        ['Foo', '1'],
        ['Bar', 'a'],
        ['Baz', '7'],
      ],
      [
        ['Foo', '1'],
        ['Baz', '7'],
        ['Bar', 'b'],
      ],
      false,
    ],
    [
      'three match in any order',
      'Foo, Bar, Baz',
      [
        ['Foo', '1'],
        ['Bar', 'a'],
        ['Baz', '7'],
      ],
      [
        ['Baz', '7'],
        ['Bar', 'a'],
        ['Foo', '1'],
      ],
      true,
    ],
    [
      'lines are combined',
      'Foo',
      [['Foo', '1, 2']],
      [
        ['Foo', '1'],
        ['Foo', '2'],
      ],
      true,
    ],
    ['whitespace is normalised', 'Foo', [['Foo', '1,2']], [['Foo', ' 1, 2 ']], true],
    [
      'languages in any order',
      'Accept-Language',
      [['Accept-Language', 'en, de']],
      [['Accept-Language', 'de, en']],
      true,
    ],
    [
      'languages in any case',
      'Accept-Language',
      [['Accept-Language', 'en, de']],
      [['Accept-Language', 'eN, De']],
      true,
    ],
    [
      'languages with spaces',
      'Accept-Language',
      [['Accept-Language', 'en, de']],
      [['Accept-Language', ' en ,   de']],
      true,
    ],
    ['*, *', '*, *', [], [], false],
    ['an empty member and *', ', *', [], [], false],
    ['* before a name', '*, Foo', [['Foo', '1']], [['Foo', '1']], false],
    ['* after a name', 'Foo, *', [['Foo', '1']], [['Foo', '1']], false],
  ])('%s', async (_rule, names, first, second, expected) => {
    expect(await reused(vary(names), { headers: second }, { ask: { headers: first } })).toBe(expected);
  });

  it('the language that is preferred to all others', async () => {
    const script = vary('Accept-Language', [['Content-Language', 'de']]);
    const first: Ask = { headers: [['Accept-Language', 'en, de']] };
    expect(
      await reused(script, { headers: [['Accept-Language', 'fr;q=0.5, de;q=1.0']] }, { ask: first }),
    ).toBe(true);
    expect(await reused(script, { headers: [['Accept-Language', 'fr, de;q=0.5']] }, { ask: first })).toBe(
      false,
    );
  });

  it('keeps several variants', async () => {
    const world = await CacheWorld.start();
    world.script({ ...vary('Foo'), body: 'one' }, { ...vary('Foo'), body: 'two' });
    await world.ask({ headers: [['Foo', '1']] });
    await world.ask({ headers: [['Foo', '2']] });
    expect((await world.ask({ headers: [['Foo', '1']] })).body).toBe('one');
    expect((await world.ask({ headers: [['Foo', '2']] })).body).toBe('two');
    expect(world.seen).toHaveLength(2);
  });
});

describe('validation (RFC 9111, section 4.3)', () => {
  const stale: Headers = [['Cache-Control', 'max-age=2']];

  it.each<[string, Headers]>([
    ['if-none-match', [['ETag', '"abcdef"']]],
    ['if-none-match', [['ETag', 'W/"abcdef"']]],
    ['if-modified-since', [['Last-Modified', 'Wed, 01 Jan 2020 00:00:00 GMT']]],
  ])('4.3.1: asks with %s, and the stored content answers', async (name, validator) => {
    const world = await CacheWorld.start();
    world.script({ headers: [...stale, ...validator, ['A', '1']], body: 'content' });
    world.script({ headers: [...stale, ...validator], validate: true });
    await world.ask({ headers: [['Abc', '123']] });
    await world.wait(3);
    const reply = await world.ask({ headers: [['Abc', '123']] });
    expect(reply).toMatchObject({ status: 200, body: 'content' });
    expect(reply.headers.get('a')).toBe('1');
    expect(world.seen[1]?.head.fields.get(name)).toBe(validator[0]?.[1]);
    expect(world.seen[1]?.head.fields.get('abc')).toBe('123');
    expect((await world.ask()).body).toBe('content');
    expect(world.seen).toHaveLength(2);
  });

  it('3.2: a 304 replaces stored fields, but not Content-Length, and resets the age', async () => {
    const world = await CacheWorld.start();
    const tag: Headers = [['ETag', '"a"']];
    world.script({
      headers: [...stale, ...tag, ['Test', 'A'], ['Age', '1'], ['Kept', 'yes']],
      body: 'content',
    });
    world.script({
      headers: [['Cache-Control', 'max-age=3600'], ...tag, ['Test', 'B'], ['Content-Length', '10']],
      validate: true,
    });
    await world.ask();
    await world.wait(3);
    for (const reply of [await world.ask(), await world.ask()]) {
      expect(reply.headers.all('test')).toEqual(['B']);
      expect(reply.headers.get('kept')).toBe('yes');
      expect(reply.headers.get('content-length')).toBe('7');
      expect(Number(reply.headers.get('age') ?? 0)).toBeLessThan(1);
    }
    expect(world.seen).toHaveLength(2);
  });

  it.each<[string, string, string]>([
    ['Content-Encoding', 'a', 'b'],
    ['Content-MD5', 'rL0Y20zC+Fzt72VPzMSk2A==', 'N7UdGUp1E+RbVvZSTy1R8g=='],
    ['Content-Type', 'text/plain', 'text/plain;charset=utf-8'],
    ['Content-Location', '/a', '/b'],
    ['Set-Cookie', 'a=b', 'a=c'],
  ])('3.2: a 304 replaces %s, since content is stored as it came', async (name, before, after) => {
    const world = await CacheWorld.start();
    const tag: Headers = [['ETag', '"a"']];
    world.script({ headers: [...stale, ...tag, [name, before]] });
    world.script({ headers: [...stale, ...tag, [name, after]], validate: true });
    await world.ask();
    await world.wait(3);
    for (const reply of [await world.ask(), await world.ask()])
      expect(reply.headers.all(name.toLowerCase())).toEqual([after]);
    expect(world.seen).toHaveLength(2);
  });

  it('4.3.4: a 304 about another representation is not used', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [...stale, ['ETag', '"a"']], body: 'old' });
    world.script({ status: 304, headers: [['ETag', '"b"']] }, { headers: fresh, body: 'new' });
    await world.ask();
    await world.wait(3);
    expect((await world.ask()).body).toBe('new');
    expect(world.seen[2]?.head.fields.has('if-none-match')).toBe(false);
  });

  it('4.3.3: a full reply replaces what is stored', async () => {
    const world = await CacheWorld.start();
    world.script(
      { headers: [...stale, ['ETag', '"a"']], body: 'old' },
      { headers: [...fresh, ['ETag', '"b"']], body: 'new' },
    );
    await world.ask();
    await world.wait(3);
    expect((await world.ask()).body).toBe('new');
    expect((await world.ask()).body).toBe('new');
    expect(world.seen).toHaveLength(2);
  });

  describe('4.3.2: conditions of clients', () => {
    const both: Headers = [
      ['ETag', '"abcdef"'],
      ['Last-Modified', -5000],
    ];
    it.each<[string, Headers, Headers, number]>([
      ['a matching tag', both, [['If-None-Match', '"abcdef"']], 304],
      ['a weak tag', [['ETag', 'W/"abcdef"']], [['If-None-Match', 'W/"abcdef"']], 304],
      ['one of several tags', both, [['If-None-Match', '"1", "abcdef", "2"']], 304],
      ['the last of several', both, [['If-None-Match', '"1", "abcdef"']], 304],
      ['*', both, [['If-None-Match', '*']], 304],
      ['another tag', both, [['If-None-Match', '"other"']], 200],
      [
        'the tag comes before the date',
        both,
        [
          ['If-None-Match', '"other"'],
          ['If-Modified-Since', -1],
        ],
        200,
      ],
      ['the same date', [['Last-Modified', -3000]], [['If-Modified-Since', -3000]], 304],
      ['a later date', [['Last-Modified', -3000]], [['If-Modified-Since', -2000]], 304],
      ['an earlier date', [['Last-Modified', -3000]], [['If-Modified-Since', -4000]], 200],
      ['no Last-Modified: Date counts', [], [['If-Modified-Since', 5]], 304],
      ['no Last-Modified, and an earlier date than Date', [], [['If-Modified-Since', -3000]], 200],
    ])('%s', async (_rule, stored, asked, status) => {
      const world = await CacheWorld.start();
      world.script({ headers: [...fresh, ...stored] });
      await world.ask();
      const reply = await world.ask({ headers: asked });
      expect(reply.status).toBe(status);
      if (status === 304)
        expect(reply.headers.get('etag')).toBe(stored.find(([name]) => name === 'ETag')?.[1]);
      expect(world.seen).toHaveLength(1);
    });

    it('a stale reply is validated first, and then the client gets its 304', async () => {
      const world = await CacheWorld.start();
      const lm: Headers = [['Last-Modified', 'Wed, 01 Jan 2020 00:00:00 GMT']];
      world.script({ headers: [...stale, ...lm] }, { headers: [...stale, ...lm], validate: true });
      await world.ask();
      await world.wait(3);
      const reply = await world.ask({
        headers: [['If-Modified-Since', 'Wednesday, 01-Jan-20 00:00:00 GMT']],
      });
      expect(reply.status).toBe(304);
      expect(world.seen).toHaveLength(2);
    });

    it('with nothing stored they are passed on', async () => {
      const world = await CacheWorld.start();
      world.script({ status: 304, headers: [] });
      expect((await world.ask({ headers: [['If-None-Match', '"x"']] })).status).toBe(304);
      expect(world.seen[0]?.head.fields.get('if-none-match')).toBe('"x"');
    });
  });

  it('4.3.5: a HEAD renews what is stored, or drops it', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [...stale, ['ETag', '"a"'], ['Test', 'A']], body: 'content' });
    world.script({ headers: [...fresh, ['ETag', '"a"'], ['Test', 'B'], ['Content-Length', '7']] });
    await world.ask();
    await world.wait(3);
    expect((await world.ask({ method: 'HEAD' })).status).toBe(200);
    const reply = await world.ask();
    expect([reply.body, reply.headers.get('test')]).toEqual(['content', 'B']);
    expect(world.seen.map(({ head }) => head.method)).toEqual(['GET', 'HEAD']);
  });

  it('a HEAD is answered from a stored GET', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: fresh, body: 'content' });
    await world.ask();
    const reply = await world.ask({ method: 'HEAD' });
    expect([reply.status, reply.headers.get('content-length'), reply.body]).toEqual([200, '7', '']);
    expect(world.seen).toHaveLength(1);
  });
});

describe('stale replies (RFC 9111, section 4.2.4; RFC 5861)', () => {
  const becomesStale = async (
    control: string,
    ...next: Script[]
  ): Promise<{ world: CacheWorld; reply: Reply }> => {
    const world = await CacheWorld.start();
    world.script(
      {
        headers: [
          ['Cache-Control', control],
          ['ETag', '"a"'],
        ],
        body: 'old',
      },
      ...next,
    );
    await world.ask();
    await world.wait(3);
    return { world, reply: await world.ask() };
  };

  it('is served when the origin is gone', async () => {
    const { reply } = await becomesStale('max-age=2', { disconnect: true }, { disconnect: true });
    expect([reply.status, reply.body]).toEqual([200, 'old']);
  });
  it.each(['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=2'])(
    'but not with %s',
    async (directive) => {
      const { reply } = await becomesStale(
        `max-age=2, ${directive}`,
        { disconnect: true },
        { disconnect: true },
      );
      expect(reply.status).toBe(502);
    },
  );
  it('stale-if-error: instead of a 503, within the window', async () => {
    const { reply } = await becomesStale('max-age=2, stale-if-error=60', { status: 503, headers: [] });
    expect([reply.status, reply.body]).toEqual([200, 'old']);
  });
  it('stale-if-error: not after it', async () => {
    const { reply } = await becomesStale('max-age=0, stale-if-error=1', { status: 500, headers: [] });
    expect(reply.status).toBe(500);
  });
  it('a 503 is passed on without it', async () => {
    const { reply } = await becomesStale('max-age=2', { status: 503, headers: [] });
    expect(reply.status).toBe(503);
  });
  it('stale-while-revalidate: at once, and asked in the background', async () => {
    const { world, reply } = await becomesStale('max-age=1, stale-while-revalidate=60', {
      headers: [...fresh, ['ETag', '"b"']],
      body: 'new',
    });
    expect(reply.body).toBe('old');
    await world.simulation.settle();
    expect(world.seen).toHaveLength(2);
    expect((await world.ask()).body).toBe('new');
  });
  it('stale-while-revalidate: not after the window', async () => {
    const { world, reply } = await becomesStale('max-age=1, stale-while-revalidate=1', {
      headers: fresh,
      body: 'new',
    });
    expect(reply.body).toBe('new');
    expect(world.seen).toHaveLength(2);
  });
});

describe('directives of requests (RFC 9111, section 5.2.1)', () => {
  const stored = (headers: Headers, asked: Headers, pause = 0): Promise<boolean> =>
    reused({ headers }, { headers: asked }, { pause });
  it('max-age', async () => {
    expect(await stored([...fresh, ['Age', '1800']], [['Cache-Control', 'max-age=600']])).toBe(false);
    expect(await stored([...fresh, ['Age', '100']], [['Cache-Control', 'max-age=600']])).toBe(true);
  });
  it('min-fresh', async () => {
    expect(await stored([['Cache-Control', 'max-age=1500']], [['Cache-Control', 'min-fresh=2000']])).toBe(
      false,
    );
    expect(await stored([['Cache-Control', 'max-age=1500']], [['Cache-Control', 'min-fresh=1000']])).toBe(
      true,
    );
  });
  it('max-stale', async () => {
    const headers: Headers = [
      ['Cache-Control', 'max-age=1'],
      ['ETag', '"a"'],
    ];
    expect(await stored(headers, [['Cache-Control', 'max-stale=1000']], 3)).toBe(true);
    expect(await stored(headers, [['Cache-Control', 'max-stale']], 3)).toBe(true);
    expect(await stored(headers, [['Cache-Control', 'max-stale=1']], 3)).toBe(false);
  });
  it('no-cache, and Pragma where there is no Cache-Control (5.4)', async () => {
    expect(await stored(fresh, [['Cache-Control', 'no-cache']])).toBe(false);
    expect(await stored(fresh, [['Pragma', 'no-cache']])).toBe(false);
    expect(
      await stored(fresh, [
        ['Pragma', 'no-cache'],
        ['Cache-Control', 'x'],
      ]),
    ).toBe(true);
  });
  it('no-store: the reply is not kept', async () => {
    expect(await reused({ headers: fresh }, {}, { ask: { headers: [['Cache-Control', 'no-store']] } })).toBe(
      false,
    );
  });
  it('only-if-cached: 504 when it is not', async () => {
    const world = await CacheWorld.start();
    expect((await world.ask({ headers: [['Cache-Control', 'only-if-cached']] })).status).toBe(504);
    expect(world.seen).toHaveLength(0);
  });
});

describe('Authorization (RFC 9111, section 3.5)', () => {
  it.each<[string, boolean]>([
    ['max-age=3600', false],
    ['max-age=3600, public', true],
    ['max-age=3600, must-revalidate', true],
    ['s-maxage=3600', true],
  ])('%s', async (control, expected) => {
    const ask: Ask = { headers: [['Authorization', 'Basic x']] };
    expect(await reused({ headers: [['Cache-Control', control]] }, {}, { ask })).toBe(expected);
  });
});

describe('methods (RFC 9111, section 4.4; RFC 9110, section 9.3.3)', () => {
  it.each(['POST', 'PUT', 'DELETE', 'M-SEARCH'])(
    '%s invalidates after success, not after failure',
    async (method) => {
      for (const [status, requests] of [
        [200, 3],
        [302, 3],
        [500, 2],
      ] as const) {
        const world = await CacheWorld.start();
        world.script({ headers: fresh }, { status, headers: [] });
        await world.ask();
        await world.ask({ method, body: 'abc' });
        expect(world.seen[1]).toMatchObject({ body: 'abc' });
        await world.ask();
        expect(world.seen).toHaveLength(requests);
      }
    },
  );
  it('Location and Content-Location of the same origin too', async () => {
    const world = await CacheWorld.start();
    world.fallback = { headers: fresh };
    for (const path of ['/x/a', '/x/b', '/c']) await world.ask({ path });
    world.script({
      headers: [
        ['Location', 'a'],
        ['Content-Location', 'http://cache.example/x/b'],
      ],
    });
    await world.ask({ method: 'POST', path: '/x/', body: '1' });
    for (const path of ['/x/a', '/x/b', '/c']) await world.ask({ path });
    expect(world.seen.slice(4).map(({ head }) => head.target)).toEqual(['/x/a', '/x/b']);
  });
  it('a POST that describes its own URI is stored for GET', async () => {
    const world = await CacheWorld.start();
    world.script({
      headers: [
        ['Expires', 3600],
        ['Content-Location', '/p'],
      ],
      body: 'posted',
    });
    await world.ask({ method: 'POST', path: '/p', body: '1' });
    expect((await world.ask({ path: '/p' })).body).toBe('posted');
    expect(world.seen).toHaveLength(1);
  });
  it('different queries are different keys', async () => {
    const world = await CacheWorld.start();
    world.fallback = { headers: fresh };
    for (const path of ['/?a=1', '/?a=2', '/?a=1']) await world.ask({ path });
    expect(world.seen).toHaveLength(2);
  });
});

describe('parts (RFC 9111, sections 3.3 and 3.4; RFC 9110, section 14)', () => {
  const whole: Script = { headers: [...fresh, ['ETag', '"a"'], ['A', '1']], body: '0123456789A' };
  it.each<[string, string, string]>([
    ['bytes=0-1', '01', 'bytes 0-1/11'],
    ['bytes=1-', '123456789A', 'bytes 1-10/11'],
    ['bytes=-1', 'A', 'bytes 10-10/11'],
  ])('%s of a whole reply', async (range, body, contentRange) => {
    const world = await CacheWorld.start();
    world.script(whole);
    await world.ask();
    const reply = await world.ask({ headers: [['Range', range]] });
    expect([reply.status, reply.body, reply.headers.get('content-range')]).toEqual([206, body, contentRange]);
    expect(reply.headers.get('a')).toBe('1');
    expect(world.seen).toHaveLength(1);
  });
  it('several ranges, none that exists, and If-Range', async () => {
    const world = await CacheWorld.start();
    world.script(whole);
    await world.ask();
    const many = await world.ask({ headers: [['Range', 'bytes=0-1, 5-6']] });
    expect(many.headers.get('content-type')).toMatch(/^multipart\/byteranges; boundary=/);
    expect(many.body).toMatch(/bytes 0-1\/11\r\n\r\n01\r\n.*bytes 5-6\/11\r\n\r\n56\r\n--/s);
    expect((await world.ask({ headers: [['Range', 'bytes=99-']] })).status).toBe(416);
    expect(
      (
        await world.ask({
          headers: [
            ['Range', 'bytes=0-1'],
            ['If-Range', '"b"'],
          ],
        })
      ).status,
    ).toBe(200);
    expect(
      (
        await world.ask({
          headers: [
            ['Range', 'bytes=0-1'],
            ['If-Range', '"a"'],
          ],
        })
      ).status,
    ).toBe(206);
    expect(world.seen).toHaveLength(1);
  });
  const part: Script = {
    status: 206,
    headers: [...fresh, ['ETag', '"a"'], ['Content-Range', 'bytes 5-9/10']],
    body: '56789',
  };
  it.each<[string, string]>([
    ['bytes=-5', '56789'],
    ['bytes=6-8', '678'],
    ['bytes=6-', '6789'],
    ['bytes=-1', '9'],
  ])('%s of a stored part', async (range, body) => {
    const world = await CacheWorld.start();
    world.script(part);
    expect((await world.ask({ headers: [['Range', 'bytes=-5']] })).body).toBe('56789');
    const reply = await world.ask({ headers: [['Range', range]] });
    expect([reply.status, reply.body]).toEqual([206, body]);
    expect(world.seen).toHaveLength(1);
  });
  it('the missing rest is fetched, and the whole is stored', async () => {
    const world = await CacheWorld.start();
    world.script(
      { ...part, headers: [...fresh, ['ETag', '"a"'], ['Content-Range', 'bytes 0-4/10']], body: '01234' },
      part,
    );
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    const reply = await world.ask();
    expect([reply.status, reply.body, reply.headers.get('content-range')]).toEqual([
      200,
      '0123456789',
      undefined,
    ]);
    expect(world.seen[1]?.head.fields.get('range')).toBe('bytes=5-');
    expect(world.seen[1]?.head.fields.get('if-range')).toBe('"a"');
    expect((await world.ask()).body).toBe('0123456789');
    expect(world.seen).toHaveLength(2);
  });
  it('3.3: short content answers only what is wholly within it', async () => {
    const world = await CacheWorld.start();
    const short: Script = { ...part, body: '567' };
    world.script(short, part);
    await world.ask({ headers: [['Range', 'bytes=-5']] });
    expect((await world.ask({ headers: [['Range', 'bytes=6-7']] })).body).toBe('67');
    expect(world.seen).toHaveLength(1);
    await world.ask({ headers: [['Range', 'bytes=-1']] });
    expect(world.seen[1]?.head.fields.get('range')).toBe('bytes=-1');
  });
  it('3.4: without a strong validator the rest is not asked for on its own', async () => {
    const world = await CacheWorld.start();
    world.script(
      { status: 206, headers: [...fresh, ['Content-Range', 'bytes 0-4/10']], body: '01234' },
      { headers: fresh, body: '0123456789' },
    );
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    expect((await world.ask()).body).toBe('0123456789');
    expect(world.seen[1]?.head.fields.has('range')).toBe(false);
  });
  const first: Script = {
    status: 206,
    headers: [...fresh, ['ETag', '"a"'], ['Content-Range', 'bytes 0-4/10']],
    body: '01234',
  };
  it.each<[string, Script]>([
    [
      'fewer bytes',
      {
        ...part,
        headers: [
          ['ETag', '"a"'],
          ['Content-Range', 'bytes 5-7/10'],
        ],
        body: '567',
      },
    ],
    ['less content than it says', { ...part, body: '567' }],
    ['more content than it says', { ...part, body: '56789ABC' }],
    ['content of unknown length', { ...part, trailers: [['A', '1']] }],
    [
      'another representation',
      {
        ...part,
        headers: [
          ['ETag', '"b"'],
          ['Content-Range', 'bytes 5-9/10'],
        ],
      },
    ],
    ['no validator', { ...part, headers: [['Content-Range', 'bytes 5-9/10']] }],
    ['no Content-Range', { ...part, headers: [['ETag', '"a"']] }],
  ])('3.4: %s for the rest: the whole is asked for, once', async (_what, rest) => {
    const world = await CacheWorld.start();
    world.script(first, rest, { headers: fresh, body: 'the whole' });
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    const reply = await world.ask();
    expect([reply.status, reply.body]).toEqual([200, 'the whole']);
    expect(world.seen).toHaveLength(3);
    expect(world.seen[2]?.head.fields.has('range')).toBe(false);
  });
  it('the rest of what is too large for the memory is not gathered there', async () => {
    const world = await CacheWorld.start();
    const huge: Headers = [...fresh, ['ETag', '"a"'], ['Content-Range', 'bytes 0-4/99999999999']];
    world.script({ ...first, headers: huge }, { headers: fresh, body: 'the whole' });
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    expect((await world.ask()).body).toBe('the whole');
    expect(world.seen[1]?.head.fields.has('range')).toBe(false);
  });
  it('content longer than its Content-Range is not kept (RFC 9110, section 14.4)', async () => {
    const world = await CacheWorld.start();
    world.script({ ...first, body: '0123456789' }, first);
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    expect((await world.ask({ headers: [['Range', 'bytes=0-4']] })).body).toBe('01234');
    expect(world.seen).toHaveLength(2);
  });
  it('parts of different representations are not combined', async () => {
    const world = await CacheWorld.start();
    world.script(
      { ...part, headers: [...fresh, ['ETag', '"x"'], ['Content-Range', 'bytes 0-4/10']], body: 'xxxxx' },
      part,
      { headers: fresh, body: 'whole' },
    );
    await world.ask({ headers: [['Range', 'bytes=0-4']] });
    await world.ask({ headers: [['Range', 'bytes=5-9']] });
    expect((await world.ask()).body).toBe('whole');
  });
});

describe('interim replies and trailers (RFC 9110, sections 15.2 and 6.5)', () => {
  it.each([102, 103])('%i is passed through, and not stored', async (status) => {
    const world = await CacheWorld.start();
    world.script({ interim: [[status, [['Link', '</style.css>']]]], headers: fresh });
    expect(await world.ask()).toMatchObject({ status: 200, interim: [status] });
    const reply = await world.ask();
    expect(reply.interim).toEqual([]);
    expect(reply.headers.has('link')).toBe(false);
    expect(world.seen).toHaveLength(1);
  });
  it('trailers are passed on', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [], trailers: [['Checksum', 'abc']] });
    expect((await world.ask()).trailers?.get('checksum')).toBe('abc');
  });
});

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

describe('Cache-Status (RFC 9211) and Via (RFC 9110, section 7.6.3)', () => {
  it('tells what was done', async () => {
    const world = await CacheWorld.start();
    world.script({
      headers: [
        ['Cache-Control', 'max-age=10'],
        ['ETag', '"a"'],
        ['Cache-Status', 'other; hit'],
      ],
    });
    world.script({ headers: [['ETag', '"a"']], validate: true });
    const miss = await world.ask();
    expect(miss.headers.get('cache-status')).toBe(
      'other; hit, micro-cdn; fwd=uri-miss; fwd-status=200; stored',
    );
    expect(miss.headers.get('via')).toBe('1.1 micro-cdn');
    expect(world.seen[0]?.head.fields.get('via')).toBe('1.1 micro-cdn');
    await world.wait(4);
    expect((await world.ask()).headers.get('cache-status')).toBe('other; hit, micro-cdn; hit; ttl=6');
    await world.wait(10);
    expect((await world.ask()).headers.get('cache-status')).toContain('micro-cdn; fwd=stale; fwd-status=304');
    const requests = world.operate('requests', {}) as { reason: string }[];
    expect(requests[0]?.reason).toBe('stale by 4 s, revalidated, 304');
  });
});
