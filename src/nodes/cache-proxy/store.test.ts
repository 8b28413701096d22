/** The tiers of the store: bounds, restarts and crashes. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { type PolicyName, policies } from '../../protocol/eviction/policies';
import type { CacheSnapshot, StoredView } from './manifest';
import { type Ask, CacheWorld, type Script } from './testing/cache-world';

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

  it('gives back everything when a reply of unknown length is purged while it arrives', async () => {
    const world = await CacheWorld.start();
    const head = 'HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nTransfer-Encoding: chunked\r\n\r\n';
    world.script({ raw: [head, '3\r\none\r\n', '3\r\ntwo\r\n0\r\n\r\n'].map((text) => Buffer.from(text)) });
    const reply = world.begin({});
    await world.wait(0.15);
    world.operate('purge', { by: 'url', value: 'http://cache.example/' });
    await world.wait(1);
    expect(await reply).toMatchObject({ body: 'onetwo', broken: false });
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
  const store = (world: CacheWorld) => world.simulation.files.at('/store/micro-cdn-cache');
  const files = (world: CacheWorld): string[] => store(world).names;
  const used = (world: CacheWorld): number =>
    files(world).reduce((sum, name) => sum + (store(world).bytesOf(name)?.length ?? 0), 0);

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
    const folder = store(world);
    for (const name of folder.names.filter((each) => each.endsWith('.body'))) {
      const text = Buffer.from(folder.bytesOf(name) ?? []).toString();
      folder.put(name, text === 'original' ? 'forgery!' : 'short');
    }
    await world.startCache(disk);
    world.fallback = fresh('from the origin');
    expect((await world.ask({ path: '/cut' })).body).toBe('from the origin');
    expect((await world.ask({ path: '/changed' })).body).toBe('from the origin');
    expect(snapshot(world)).toMatchObject({ requests: 2, hits: 0, misses: 2 });
  });

  it.each<[Ask]>([
    [{}],
    [{ headers: [['Range', 'bytes=0-0']] }],
    [{ headers: [['Range', 'bytes=0-0,9-9']] }],
  ])('asks the origin instead of a large file that is no longer there, for %j', async (ask) => {
    const world = await CacheWorld.start({ ...disk, memory: 10_000 });
    world.fallback = fresh('y'.repeat(50_000));
    await world.ask();
    const folder = store(world);
    for (const name of folder.names) if (name.endsWith('.body')) await folder.remove(name);
    expect((await world.ask({ method: 'HEAD' })).status).toBe(200);
    const reply = await world.ask(ask);
    expect([reply.broken, world.seen.length]).toEqual([false, 2]);
  });

  it('keeps to a folder of its own below the one that it is given, and does not walk what else is there', async () => {
    const world = await CacheWorld.start();
    await world.stop();
    const home = world.simulation.files.at('/store');
    const alike = `ab/${'a'.repeat(24)}-1.new`;
    home.put(alike, 'x');
    home.list = () => Promise.reject(new Error('It may be the home of somebody.'));
    world.fallback = fresh('content');
    for (let run = 0; run < 2; run++) {
      await world.startCache(disk);
      expect((await world.ask()).body).toBe('content');
      await world.stop();
    }
    expect(world.seen).toHaveLength(1);
    expect(home.names).toEqual([alike]);
  });

  it('leaves files of others in its folder alone, and clears away only what a crash left of its own', async () => {
    const others = [
      'letter.txt',
      'work/report.body',
      'notes.meta',
      'draft.new',
      `ab/${'x'.repeat(24)}-1.body`,
    ];
    const left = ['body', 'new', 'body.new', 'meta.new'].map(
      (end) => `ab/${'a'.repeat(24)}-1k${end.length}.${end}`,
    );
    const world = await CacheWorld.start();
    await world.stop();
    for (const name of [...others, ...left]) store(world).put(name, 'x'.repeat(1000));
    await world.startCache({ ...disk, disk: 4000 });
    expect(files(world).sort()).toEqual([...others].sort());
    expect(snapshot(world)).toMatchObject({ objects: 0, disk: { used: 0, objects: 0 } });
    world.script(fresh('content'));
    await world.ask();
    await world.simulation.settle();
    world.operate('purge', { by: 'prefix', value: 'http://cache.example/' });
    await world.simulation.settle();
    expect(files(world).sort()).toEqual([...others].sort());
  });

  /** Lets no file be renamed until the function that it returns is called. */
  const holdRenames = (world: CacheWorld): (() => void) => {
    const folder = store(world);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const rename = folder.rename.bind(folder);
    folder.rename = async (...names) => {
      await held;
      return rename(...names);
    };
    return release;
  };

  it('counts nothing for a large reply that is purged in the moment before it is stored', async () => {
    const world = await CacheWorld.start({ ...disk, memory: 10_000 });
    const release = holdRenames(world);
    world.script(fresh('y'.repeat(50_000)));
    const reply = world.begin({});
    await world.wait(1);
    world.operate('purge', { by: 'url', value: 'http://cache.example/' });
    release();
    await world.wait(1);
    expect(await reply).toMatchObject({ broken: false });
    expect([files(world), snapshot(world).disk.used, snapshot(world).disk.objects]).toEqual([[], 0, 0]);
  });

  it('counts nothing for a reply that left the disk before its renewed fields were written', async () => {
    const world = await CacheWorld.start({ ...disk, disk: 10_000, eviction: 'fifo' });
    const validated = { ...fresh('a'.repeat(6000), [['ETag', '"a"']]), validate: true };
    world.script(validated);
    await world.ask({ path: '/a' });
    await world.wait(1);
    const release = holdRenames(world);
    world.script(fresh('b'.repeat(1000)), fresh('c'.repeat(6000)), validated);
    await world.ask({ path: '/b' });
    await world.ask({ path: '/c' });
    await world.ask({ path: '/a', headers: [['Cache-Control', 'no-cache']] });
    release();
    await world.wait(1);
    expect(snapshot(world).disk.used).toBe(used(world));
    expect(files(world)).toHaveLength(4);
  });

  it('forgets a reply that has left memory, and was too large for the disk', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const world = await CacheWorld.start({ ...disk, disk: 1000, memory: 100_000_000 });
    for (let at = 0; at < 50; at++) {
      world.script(fresh(`${at}`.padEnd(2_000_000)));
      await world.ask({ headers: [['Cache-Control', 'no-cache']] });
    }
    await world.wait(1);
    expect(snapshot(world).memory.objects).toBe(1);
    await vi.waitFor(() => {
      collect();
      expect(process.memoryUsage().arrayBuffers).toBeLessThan(50_000_000);
    });
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
