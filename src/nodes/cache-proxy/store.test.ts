/** Tiers, bounds, restarts and crashes; collapsing, purging, the seed's rules, and the ways into the proxy. */
import { describe, expect, it } from 'vitest';
import { type PolicyName, policies } from '../../protocol/eviction/policies';
import type { CacheSnapshot, StoredView } from './manifest';
import { CacheWorld, type Script } from './testing/cache-world';

const fresh = (body: string, more: [string, string][] = []): Script => ({
  headers: [['Cache-Control', 'max-age=3600'], ...more],
  body,
});
const snapshot = (world: CacheWorld): CacheSnapshot => world.snapshot as unknown as CacheSnapshot;
const contents = (world: CacheWorld): StoredView[] =>
  (world.operate('contents', {}) as { rows: StoredView[] }).rows;

describe('memory', () => {
  it.each(Object.keys(policies) as PolicyName[])('is bounded exactly, with %s', async (eviction) => {
    const world = await CacheWorld.start({ memory: 100_000, eviction });
    world.fallback = fresh('x'.repeat(5000));
    for (let at = 0; at < 60; at++) {
      await world.ask({ path: `/${at % 40}` });
      const { memory } = snapshot(world);
      expect(memory.used).toBeLessThanOrEqual(100_000);
    }
    const { memory, evictions, objects } = snapshot(world);
    expect(evictions).toBeGreaterThan(0);
    expect(memory.objects).toBe(objects);
    expect(memory.used).toBeGreaterThan(60_000);
  });

  it('gives back everything when everything is purged', async () => {
    const world = await CacheWorld.start();
    world.fallback = fresh('content');
    for (const path of ['/a', '/b']) await world.ask({ path });
    world.operate('purge', { by: 'prefix', value: 'http://cache.example/' });
    expect(snapshot(world)).toMatchObject({ objects: 0, memory: { used: 0, objects: 0 } });
  });

  it('passes on what is too large, whether or not its length is known', async () => {
    const world = await CacheWorld.start({ memory: 50_000 });
    const large = 'x'.repeat(60_000);
    world.script(fresh(large), { ...fresh(large), trailers: [['T', 'x']] });
    for (const path of ['/a', '/b']) {
      const reply = await world.ask({ path });
      expect([reply.body.length, reply.broken]).toEqual([60_000, false]);
    }
    expect(snapshot(world)).toMatchObject({ objects: 0, memory: { used: 0 } });
  });

  it('does not keep a reply that broke off, and the client sees that it did', async () => {
    const world = await CacheWorld.start();
    world.script({ ...fresh('0123456789'), cutAfter: 4 }, fresh('whole'));
    expect((await world.ask()).broken).toBe(true);
    expect((await world.ask()).body).toBe('whole');
    expect(world.seen).toHaveLength(2);
  });
});

describe('disk', () => {
  const disk = { store: '/store', disk: 100_000 };
  const files = (world: CacheWorld): string[] => world.simulation.files.at('/store').names;
  const used = (world: CacheWorld): number =>
    files(world).reduce(
      (sum, name) => sum + (world.simulation.files.at('/store').bytesOf(name)?.length ?? 0),
      0,
    );

  it('is warm after a restart, with the age that passed meanwhile', async () => {
    const world = await CacheWorld.start(disk);
    world.script({
      headers: [
        ['Cache-Control', 'max-age=100'],
        ['ETag', '"a"'],
        ['A', 'é'],
      ],
      body: 'kept',
    });
    await world.ask();
    await world.stop();
    await world.wait(30);
    await world.startCache(disk);
    const reply = await world.ask();
    expect([reply.body, reply.headers.get('age'), reply.headers.get('a')]).toEqual(['kept', '30', 'é']);
    expect(world.seen).toHaveLength(1);
    await world.wait(80);
    await world.ask();
    expect(world.seen[1]?.head.fields.get('if-none-match')).toBe('"a"');
  });

  it('keeps what does not fit into memory, and serves it from there', async () => {
    const world = await CacheWorld.start({ ...disk, memory: 10_000 });
    const large = 'y'.repeat(50_000);
    world.script(fresh(large));
    expect((await world.ask()).body).toBe(large);
    expect((await world.ask()).body).toBe(large);
    expect((await world.ask({ headers: [['Range', 'bytes=49990-']] })).body).toBe('y'.repeat(10));
    expect(world.seen).toHaveLength(1);
    expect(contents(world)[0]).toMatchObject({ tier: 'disk', size: 50_000, hits: 2 });
  });

  it.each([400, 50_000])('what is removed while %i bytes of it are read is read to the end', async (size) => {
    const world = await CacheWorld.start({ ...disk, memory: 10_000 });
    const tag: [string, string] = ['ETag', '"a"'];
    const body = 'y'.repeat(size);
    world.script({ headers: [['Cache-Control', 'max-age=1'], tag], body });
    await world.ask();
    await world.stop();
    await world.startCache({ ...disk, memory: 10_000 });
    await world.wait(3);
    world.script({ headers: [['Cache-Control', 'no-store'], tag], validate: true });
    expect((await world.ask()).body).toBe(body);
    await world.simulation.settle();
    expect([contents(world), files(world)]).toEqual([[], []]);
  });

  it('goes on serving from disk what memory had to give up', async () => {
    const world = await CacheWorld.start({ ...disk, memory: 20_000 });
    world.fallback = fresh('z'.repeat(4000));
    for (let at = 0; at < 10; at++) await world.ask({ path: `/${at}` });
    await world.simulation.settle();
    for (let at = 0; at < 10; at++) expect((await world.ask({ path: `/${at}` })).body).toHaveLength(4000);
    expect(world.seen).toHaveLength(10);
    expect(snapshot(world).memory.used).toBeLessThanOrEqual(20_000);
  });

  it('is bounded exactly, at every moment', async () => {
    const world = await CacheWorld.start({ ...disk, disk: 30_000, memory: 1_000_000 });
    world.fallback = fresh('w'.repeat(4000));
    for (let at = 0; at < 20; at++) {
      await world.ask({ path: `/${at}` });
      expect(used(world)).toBeLessThanOrEqual(30_000);
      await world.simulation.settle();
      expect(used(world)).toBeLessThanOrEqual(30_000);
      expect(used(world)).toBe(snapshot(world).disk.used);
    }
    expect(snapshot(world).disk.objects).toBeGreaterThan(3);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 8, 10, 14, 20, 30])(
    'a crash %i turns after a store never serves a torn body',
    async (turns) => {
      const world = await CacheWorld.start({ ...disk, memory: 10_000 });
      const bodies = { '/small': 's'.repeat(3000), '/large': 'l'.repeat(40_000) };
      world.script(fresh(bodies['/small']), fresh(bodies['/large']));
      void world.begin({ path: '/small' });
      void world.begin({ path: '/large' });
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      world.crash();
      await world.startCache(disk);
      for (const name of files(world)) expect(name).toMatch(/\.(body|meta)$/);
      world.fallback = fresh('from the origin');
      for (const [path, body] of Object.entries(bodies)) {
        const reply = await world.ask({ path });
        expect([body, 'from the origin']).toContain(reply.body);
        expect(reply.broken).toBe(false);
      }
    },
  );

  it('does not serve a file that was changed or cut from outside', async () => {
    const world = await CacheWorld.start(disk);
    world.script(fresh('original'), fresh('shortened'));
    await world.ask({ path: '/changed' });
    await world.ask({ path: '/cut' });
    await world.stop();
    const folder = world.simulation.files.at('/store');
    for (const name of folder.names.filter((each) => each.endsWith('.body'))) {
      const text = Buffer.from(folder.bytesOf(name) ?? []).toString();
      folder.put(name, text === 'original' ? 'forgery!' : 'short');
    }
    await world.startCache(disk);
    world.fallback = fresh('from the origin');
    expect((await world.ask({ path: '/cut' })).body).toBe('from the origin');
    const changed = await world.ask({ path: '/changed' });
    expect(changed.body).not.toBe('forgery!');
    expect((await world.ask({ path: '/changed' })).body).toBe('from the origin');
  });

  it('a purge removes the files too', async () => {
    const world = await CacheWorld.start(disk);
    world.script(fresh('content'));
    await world.ask();
    await world.simulation.settle();
    expect(files(world)).toHaveLength(2);
    world.operate('purge', { by: 'url', value: 'http://cache.example/' });
    await world.simulation.settle();
    expect(files(world)).toEqual([]);
    expect(snapshot(world).disk.used).toBe(0);
  });
});

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
