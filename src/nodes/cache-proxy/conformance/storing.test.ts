/** Which replies, and which of their fields, are stored (RFC 9111, section 3). */
import { describe, expect, it } from 'vitest';
import { type Ask, CacheWorld, type Script } from '../testing/cache-world';
import { fresh, type Headers, reused } from '../testing/reuse';

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

describe('what is stored at all (RFC 9111, section 3)', () => {
  it('3: a reply to a method that is not understood is not', async () => {
    const world = await CacheWorld.start();
    world.fallback = { headers: fresh };
    await world.ask({ method: 'SEARCH' });
    await world.ask({ method: 'SEARCH' });
    await world.ask();
    expect(world.seen).toHaveLength(3);
  });
  it('3: a reply to HEAD has no content that a GET could be answered with', async () => {
    const world = await CacheWorld.start();
    world.fallback = { headers: fresh };
    await world.ask({ method: 'HEAD' });
    expect((await world.ask()).body).toBe('body');
    expect(world.seen).toHaveLength(2);
  });
  it("3: nor has the 304 to a client's own condition", async () => {
    const world = await CacheWorld.start();
    world.script({ status: 304, headers: [...fresh, ['ETag', '"a"']] }, { headers: fresh });
    await world.ask({ headers: [['If-None-Match', '"a"']] });
    expect(await world.ask()).toMatchObject({ status: 200, body: 'body' });
    expect(world.seen).toHaveLength(2);
  });
  it.each<[string, number, Ask]>([
    ['conditions', 412, { headers: [['If-Match', '"x"']] }],
    ['Range', 416, { headers: [['Range', 'bytes=9-']] }],
    ['content', 200, { body: 'other' }],
  ])('3: nor has a reply to the %s of one request', async (_name, status, ask) => {
    const world = await CacheWorld.start();
    world.script({ status, headers: fresh, body: 'for one' }, { headers: fresh });
    expect((await world.ask(ask)).status).toBe(status);
    expect(await world.ask()).toMatchObject({ status: 200, body: 'body' });
  });
  it('3.3: a reply that broke off is not used for a whole one', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: fresh, body: '0123456789', cutAfter: 5 }, { headers: fresh, body: '0123456789' });
    expect(await world.ask()).toMatchObject({ broken: true });
    expect(await world.ask()).toMatchObject({ body: '0123456789', broken: false });
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
  it('is of the stored request: another one with credentials may have what is public', async () => {
    expect(await reused({ headers: fresh }, { headers: [['Authorization', 'Basic x']] })).toBe(true);
  });

  const credentials: Ask = { headers: [['Authorization', 'Basic x']] };
  const tag: [string, string] = ['ETag', '"a"'];
  const stored: Script = { headers: [['Cache-Control', 'max-age=2, public'], tag], body: 'of one' };

  it.each<[string, boolean]>([
    ['max-age=3600', false],
    ['max-age=3600, public', true],
    ['max-age=3600, must-revalidate', true],
    ['s-maxage=3600', true],
  ])('is looked at again when a 304 changes it to %s', async (control, expected) => {
    const world = await CacheWorld.start({ store: '/store' });
    world.script(stored);
    await world.ask(credentials);
    await world.stop();
    await world.startCache({ store: '/store' });
    await world.wait(3);
    world.script({ headers: [['Cache-Control', control], tag], validate: true });
    world.fallback = { headers: [['Cache-Control', 'no-store']], body: 'of another' };
    const bodies = [(await world.ask()).body, (await world.ask()).body];
    expect(bodies).toEqual(expected ? ['of one', 'of one'] : ['of another', 'of another']);
    expect(world.seen).toHaveLength(expected ? 2 : 4);
  });

  it('does not matter to a 304 for what was stored without', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [['Cache-Control', 'max-age=2'], tag] });
    world.script({ headers: [['Cache-Control', 'max-age=60'], tag], validate: true });
    await world.ask();
    await world.wait(3);
    await world.ask(credentials);
    await world.ask();
    expect(world.seen).toHaveLength(2);
  });

  it('is looked at when a part of what came for credentials is completed without public', async () => {
    const world = await CacheWorld.start();
    const part = (control: string, range: string, body: string): Script => ({
      status: 206,
      headers: [['Cache-Control', control], ['Content-Range', `bytes ${range}/10`], tag],
      body,
    });
    world.script(part('max-age=3600, public', '0-4', 'of on'), part('max-age=3600', '5-9', 'other'));
    world.fallback = { headers: fresh, body: 'of another' };
    await world.ask({
      headers: [
        ['Authorization', 'Basic x'],
        ['Range', 'bytes=0-4'],
      ],
    });
    expect((await world.ask()).body).toBe('of another');
  });
});
