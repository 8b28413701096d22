/** Collapsing, purging, the seed's rules, the ways into the proxy, and what it shows. */
import { describe, expect, it } from 'vitest';
import type { Connection } from '../../runtime/context';
import type { CacheSnapshot, StoredView } from './manifest';
import { CacheWorld, receive, type Script } from './testing/cache-world';

const fresh = (body: string, more: [string, string][] = []): Script => ({
  headers: [['Cache-Control', 'max-age=3600'], ...more],
  body,
});
const snapshot = (world: CacheWorld): CacheSnapshot => world.snapshot as unknown as CacheSnapshot;
const contents = (world: CacheWorld): StoredView[] =>
  (world.operate('contents', {}) as { rows: StoredView[] }).rows;

describe('collapsing', () => {
  it('asks once for many', async () => {
    const world = await CacheWorld.start();
    world.script({ ...fresh('content'), delayMs: 1000 });
    const replies = Array.from({ length: 20 }, () => world.begin({}));
    await world.wait(2);
    for (const reply of await Promise.all(replies)) expect(reply.body).toBe('content');
    expect(world.seen).toHaveLength(1);
    expect(snapshot(world).collapsed).toBe(19);
    expect(
      (await Promise.all(replies)).filter(({ headers }) =>
        headers.get('cache-status')?.includes('collapsed'),
      ),
    ).toHaveLength(19);
  });

  it('lets each ask for itself what turns out to be private', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [['Cache-Control', 'private']], body: '1', delayMs: 500 });
    world.script(
      { headers: [['Cache-Control', 'private']], body: '2' },
      { headers: [['Cache-Control', 'private']], body: '3' },
    );
    const replies = [world.begin({}), world.begin({}), world.begin({})];
    await world.wait(2);
    expect((await Promise.all(replies)).map(({ body }) => body).sort()).toEqual(['1', '2', '3']);
  });

  it('and what varies', async () => {
    const world = await CacheWorld.start();
    world.script({ ...fresh('one', [['Vary', 'Foo']]), delayMs: 500 }, fresh('two', [['Vary', 'Foo']]));
    const replies = [
      world.begin({ headers: [['Foo', '1']] }),
      world.begin({ headers: [['Foo', '2']] }),
      world.begin({ headers: [['Foo', '1']] }),
    ];
    await world.wait(2);
    expect((await Promise.all(replies)).map(({ body }) => body)).toEqual(['one', 'two', 'one']);
  });

  it('one validation for many', async () => {
    const world = await CacheWorld.start();
    world.script({
      headers: [
        ['Cache-Control', 'max-age=1'],
        ['ETag', '"a"'],
      ],
      body: 'content',
    });
    world.script({
      headers: [
        ['ETag', '"a"'],
        ['Cache-Control', 'max-age=60'],
      ],
      validate: true,
      delayMs: 500,
    });
    await world.ask();
    await world.wait(2);
    const replies = Array.from({ length: 5 }, () => world.begin({}));
    await world.wait(2);
    for (const reply of await Promise.all(replies)) expect(reply.body).toBe('content');
    expect(world.seen).toHaveLength(2);
  });

  it('tells all of them when the origin fails', async () => {
    const world = await CacheWorld.start();
    world.stopOrigin();
    const replies = await Promise.all([world.ask({}), world.ask({})]);
    expect(replies.map(({ status }) => status)).toEqual([523, 523]);
  });
});

describe('purging', () => {
  it('by URL, prefix and tag, and the list shows it', async () => {
    const world = await CacheWorld.start();
    world.fallback = fresh('x', [['Cache-Tag', 'red, blue']]);
    for (const path of ['/a/1', '/a/2', '/b/1', '/b/2']) await world.ask({ path });
    const purge = (by: string, value: string): unknown => world.operate('purge', { by, value });
    expect(purge('url', 'http://cache.example/a/1')).toEqual({ removed: 1 });
    expect(purge('prefix', 'http://cache.example/b/')).toEqual({ removed: 2 });
    expect(purge('tag', 'red')).toEqual({ removed: 1 });
    expect(snapshot(world).purges.map(({ by, removed }) => [by, removed])).toEqual([
      ['tag', 1],
      ['prefix', 2],
      ['url', 1],
    ]);
    expect(() => purge('url', 'ftp://x/')).toThrow(/no http URL/);
  });

  it('by the method PURGE from this machine', async () => {
    const world = await CacheWorld.start();
    world.fallback = fresh('x');
    await world.ask({ path: '/a' });
    expect((await world.ask({ method: 'PURGE', path: '/a' })).status).toBe(200);
    expect((await world.ask({ method: 'PURGE', path: '/a' })).status).toBe(404);
    const malformed = { method: 'PURGE', path: '/%zz', headers: [['Purge', 'tag']] as [string, string][] };
    expect((await world.ask(malformed)).status).toBe(400);
    await world.ask({ path: '/a' });
    expect(world.seen).toHaveLength(2);
  });

  it('what was asked for before is not stored after', async () => {
    const world = await CacheWorld.start();
    world.script({ ...fresh('old'), delayMs: 1000 }, fresh('new'));
    const old = world.begin({});
    await world.wait(0.5);
    world.operate('purge', { by: 'url', value: 'http://cache.example/' });
    await world.wait(1);
    expect((await old).body).toBe('old');
    expect((await world.ask()).body).toBe('new');
  });
});

describe("the seed's rules", () => {
  const seed = { mode: 'seed', expiry: 10 } as const;

  it('validates what is fresh, and fetches again what has expired', async () => {
    const world = await CacheWorld.start(seed);
    const headers: [string, string][] = [['Last-Modified', 'Wed, 01 Jan 2020 00:00:00 GMT']];
    world.script(
      { headers, body: 'one' },
      { headers, validate: true },
      { headers, body: 'two', validate: true },
    );
    await world.ask();
    await world.wait(5);
    expect((await world.ask()).body).toBe('one');
    expect(world.seen[1]?.head.fields.has('if-modified-since')).toBe(true);
    await world.wait(11);
    expect((await world.ask()).body).toBe('two');
    expect(world.seen[2]?.head.fields.has('if-modified-since')).toBe(false);
  });

  it.each([404, 501, 505])('%i is passed on', async (status) => {
    const world = await CacheWorld.start(seed);
    world.fallback = { status, headers: [['Cache-Control', 'max-age=60']], body: 'no' };
    for (let times = 0; times < 2; times++) expect((await world.ask()).status).toBe(status);
    expect(world.seen).toHaveLength(2);
  });

  it('523 when the origin cannot be reached', async () => {
    const world = await CacheWorld.start(seed);
    world.script({ headers: [['Last-Modified', 'Wed, 01 Jan 2020 00:00:00 GMT']], body: 'one' });
    await world.ask();
    world.stopOrigin();
    expect((await world.ask()).status).toBe(523);
  });
});

describe('ways in', () => {
  it('a forward proxy: by URI, and by host:port/path as the seed sends it', async () => {
    const world = await CacheWorld.start({ origins: [] });
    world.fallback = fresh('content');
    expect((await world.ask({ path: 'http://127.0.0.1:8000/a' })).body).toBe('content');
    expect((await world.ask({ path: '127.0.0.1:8000/a' })).body).toBe('content');
    expect(world.seen.map(({ head }) => [head.target, head.fields.get('host')])).toEqual([
      ['/a', '127.0.0.1:8000'],
    ]);
  });

  it.each(['CONNECT', 'GET'] as const)('tunnels %s where that is asked for', async (method) => {
    const world = await CacheWorld.start({ upgrade: 'tunnel' });
    const network = world.simulation.network.host('echo', world.simulation.clock);
    let asked = '';
    await network.listen({ host: '127.0.0.1', port: method === 'CONNECT' ? 7000 : 7001 }, (connection) =>
      connection.handle({
        data: (bytes) => {
          const text = Buffer.from(bytes).toString();
          if (!text.startsWith('GET')) return connection.write(`echo ${text}`);
          asked = text;
          connection.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
        },
      }),
    );
    const client = await world.simulation.network
      .host('client', world.simulation.clock)
      .connect({ host: '127.0.0.1', port: 9000 });
    let received = '';
    client.handle({
      data: (bytes) => {
        received += Buffer.from(bytes).toString();
      },
    });
    if (method === 'CONNECT')
      client.write('CONNECT 127.0.0.1:7000 HTTP/1.1\r\nHost: 127.0.0.1:7000\r\n\r\none');
    else
      client.write(
        'GET http://127.0.0.1:7001/chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n',
      );
    await world.simulation.settle();
    client.write('two');
    await world.simulation.settle();
    expect(received).toMatch(
      method === 'CONNECT'
        ? /^HTTP\/1\.1 200 .*echo onetwo$|echo oneecho two$/s
        : /^HTTP\/1\.1 101 .*echo two$/s,
    );
    if (method === 'GET') expect(asked).toContain('Upgrade: chat');
    client.end();
    await world.simulation.settle();
    expect(client.closed).toBe(true);
  });

  it.each([
    [
      'passes a reset on through a tunnel',
      'ECONNRESET',
      (_: CacheWorld, server?: Connection) => server?.reset(),
    ],
    ['closes a tunnel that nobody uses', undefined, (world: CacheWorld) => world.wait(1300)],
  ])('%s', async (_, code, pass) => {
    const world = await CacheWorld.start({ upgrade: 'tunnel' });
    const { network, clock } = world.simulation;
    let server: Connection | undefined;
    await network.host('server', clock).listen({ host: '127.0.0.1', port: 7000 }, (connection) => {
      server = connection;
      connection.handle({ data: () => {}, end: () => {} });
    });
    const client = await network.host('client', clock).connect({ host: '127.0.0.1', port: 9000 });
    let error: Error | undefined;
    client.handle({
      data: () => {},
      end: () => {},
      close: (reason) => {
        error = reason;
      },
    });
    client.write('CONNECT 127.0.0.1:7000 HTTP/1.1\r\nHost: 127.0.0.1:7000\r\n\r\n');
    await world.simulation.settle();
    await pass(world, server);
    await world.simulation.settle();
    expect([client.closed, server?.closed, (error as { code?: string } | undefined)?.code]).toEqual([
      true,
      true,
      code,
    ]);
  });

  it('refuses what would come back to it, and tunnels', async () => {
    const world = await CacheWorld.start({ origins: [] });
    expect((await world.ask({ path: 'http://127.0.0.1:9000/a' })).status).toBe(421);
    expect((await world.ask({ method: 'CONNECT', path: 'a:443' })).status).toBe(501);
  });

  it('goes to the next origin when one cannot be reached', async () => {
    const world = await CacheWorld.start({
      origins: [
        { host: '127.0.0.1', port: 7999 },
        { host: '127.0.0.1', port: 8000 },
      ],
    });
    world.fallback = fresh('content');
    expect((await world.ask()).body).toBe('content');
    expect(snapshot(world).origins).toEqual([
      { address: '127.0.0.1:7999', reachable: false },
      { address: '127.0.0.1:8000', reachable: true },
    ]);
  });

  it('passes content through, in both directions', async () => {
    const world = await CacheWorld.start();
    world.script({ headers: [], body: 'x'.repeat(200_000) });
    const reply = await world.ask({ method: 'PUT', body: 'y'.repeat(200_000) });
    expect([reply.body.length, world.seen[0]?.body.length]).toEqual([200_000, 200_000]);
  });

  it('refuses a malformed trailer that has come before the origin was reached', async () => {
    const world = await CacheWorld.start();
    const connection = await world.simulation.network
      .host('client', world.simulation.clock)
      .connect({ host: '127.0.0.1', port: 9000 });
    const reply = receive(connection, 'POST');
    connection.write(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nnonsense\r\n\r\n',
    );
    await world.wait(1);
    expect(await reply).toMatchObject({ status: 400 });
  });

  it('takes what node:http sends around a wrong Content-Length, and drops the connection', async () => {
    const world = await CacheWorld.start();
    world.script({
      headers: [
        ['Cache-Control', 'max-age=60'],
        ['Content-Length', '4'],
      ],
      body: '0123456789',
    });
    expect((await world.ask()).body).toBe('0123');
    expect((await world.ask()).body).toBe('0123');
    expect(world.seen).toHaveLength(1);
  });
});

describe('what is shown', () => {
  it('contents, ratios and reasons', async () => {
    const world = await CacheWorld.start();
    world.fallback = {
      headers: [
        ['Cache-Control', 'max-age=10'],
        ['ETag', '"a"'],
        ['Cache-Tag', 't'],
      ],
      body: 'content',
      validate: true,
    };
    await world.ask({ path: '/a' });
    await world.ask({ path: '/a' });
    await world.ask({ path: '/b' });
    await world.wait(3);
    expect(contents(world)).toMatchObject([
      {
        key: 'http://cache.example/a',
        size: 7,
        ageSeconds: 3,
        freshSeconds: 7,
        hits: 1,
        tier: 'memory',
        validator: 'etag',
        tags: ['t'],
        why: 'fresh for 7 s more by max-age',
      },
      { key: 'http://cache.example/b', hits: 0 },
    ]);
    expect(snapshot(world)).toMatchObject({
      requests: 3,
      hits: 1,
      misses: 2,
      clientBytes: 21,
      originBytes: 14,
    });
    expect(snapshot(world).hitRatio).toBeCloseTo(1 / 3);
    expect(snapshot(world).byteHitRatio).toBeCloseTo(1 / 3);
    expect(snapshot(world).originOffload).toBeCloseTo(1 / 3);
    expect(snapshot(world).recent[1]).toMatchObject({
      outcome: 'hit',
      status: 200,
      reason: 'fresh for 10 s more',
    });
  });
});
