import { describe, expect, it } from 'vitest';
import type { Priority } from '../../contract/priority';
import { content, P2pWorld, type StartedDownload } from '../p2p/testing/p2p-world';

const SIZE = 3_000_000;
const bytes = content(SIZE);

async function swarm(seeders: number, config = {}): Promise<P2pWorld> {
  const world = new P2pWorld();
  await world.index();
  for (let number = 1; number <= seeders; number++) {
    world.folder(number).put('big.bin', bytes);
    await world.peer(number, config);
  }
  await world.until(() =>
    Array.from({ length: seeders }, (_, at) => world.snapshot(at + 1)).every(
      ({ files, hashing }) => files === 1 && hashing === 0,
    ),
  );
  return world;
}

function saved(world: P2pWorld, number: number, name = 'big.bin'): Buffer {
  return Buffer.from(world.folder(number).bytesOf(name) ?? []);
}

describe('downloading from our own peers', () => {
  it('takes pieces from several at once, verifies them, and shares the file afterwards', async () => {
    const world = await swarm(3);
    await world.peer(9);
    const { result: pending, progress } = world.download(9, 'big.bin');
    const result = await world.inTime(pending);
    expect(saved(world, 9).equals(bytes)).toBe(true);
    expect([...new Set(progress.map(({ phase }) => phase))]).toEqual(['waiting', 'running', 'verifying']);
    expect(result).toMatchObject({
      path: '/peer9/big.bin',
      size: SIZE,
      verified: 'size and every piece (SHA-256)',
    });
    expect(result.segments.length).toBeGreaterThan(1);
    expect(result.segments.reduce((sum, segment) => sum + segment.bytes, 0)).toBe(SIZE + result.wasted);
    await world.until(() => world.indexSnapshot().peers.filter(({ files }) => files === 1).length === 4);
    expect(world.folder(9).names.filter((name) => name.includes('part') || name.includes('pieces'))).toEqual(
      [],
    );
    expect(await world.stop()).toEqual({ timers: 0, listeners: 0, sockets: 0 });
  });

  it('takes no more peers at once than the download is to use, whatever the peer is set to', async () => {
    const world = await swarm(3);
    await world.peer(9);
    const result = await world.inTime(world.download(9, 'big.bin', { sources: 1 }).result);
    expect(result.segments.map(({ bytes }) => bytes)).toEqual([SIZE]);
    expect(saved(world, 9).equals(bytes)).toBe(true);
    await world.stop();
  });

  it('goes on when one is killed, one hangs and one sends wrong bytes, and tells why', async () => {
    const world = await swarm(4, { uploadLimit: 400_000 });
    await world.peer(9);
    world.fault(3, 'corrupt', { every: 50_000 });
    const download = world.download(9, 'big.bin');
    await world.until(() => (download.progress.at(-1)?.bytes ?? 0) > 300_000);
    world.crash(1);
    world.fault(2, 'hang');
    const result = await world.inTime(download.result);
    expect(saved(world, 9).equals(bytes)).toBe(true);
    const blamed = (type: string) =>
      world.recorded(9).events.flatMap((event) => (event.type === type ? [event.subject] : []));
    expect(blamed('source-banned')).toEqual(['127.0.0.1:9003']);
    expect(blamed('source-lost')).toContain('127.0.0.1:9001');
    expect(blamed('source-stalled')).toContain('127.0.0.1:9002');
    expect(result.verified).toContain('SHA-256');
    await world.stop();
  });

  it('says clearly that nobody is left, and keeps what it has', async () => {
    const world = await swarm(1, { uploadLimit: 500_000 });
    await world.peer(9, { patienceMs: 2000 });
    const download = world.download(9, 'big.bin');
    await world.until(() => (download.progress.at(-1)?.bytes ?? 0) > 500_000);
    world.crash(1);
    await expect(world.inTime(download.result)).rejects.toMatchObject({ code: 'NO_SOURCE' });
    expect(world.folder(9).names).toContain('big.bin.part');
    expect(world.folder(9).names).not.toContain('big.bin');
    await world.stop();
  });

  it('says that nobody has a file, and that the index is away', async () => {
    const world = await swarm(1);
    await world.peer(9);
    await expect(world.fetch(9, 'nothing.bin')).rejects.toMatchObject({ code: 'NO_HOLDERS' });
    await expect(world.fetch(9, '../secret')).rejects.toMatchObject({ code: 'UNSAFE_NAME' });
    await world.stop();
    const alone = new P2pWorld();
    await alone.peer(1);
    expect(alone.snapshot(1).index).toBe('unreachable');
    await expect(alone.fetch(1, 'big.bin')).rejects.toMatchObject({ code: 'INDEX_UNREACHABLE' });
    await alone.stop();
  });

  it('resumes after kill -9 with what it had, and fetches only the rest', async () => {
    const world = await swarm(2, { uploadLimit: 300_000 });
    await world.peer(9);
    const download = world.download(9, 'big.bin');
    await world.until(() => world.folder(9).names.includes('.big.bin.pieces'));
    await world.until(() => (download.progress.at(-1)?.bytes ?? 0) > 1_500_000);
    await world.sim.advance(1100);
    world.crash(9);
    await world.sim.advance(100);
    await world.peer(9);
    const result = await world.fetch(9, 'big.bin');
    expect(saved(world, 9).equals(bytes)).toBe(true);
    expect(result.marks[0]?.text).toMatch(/^resumed: \d+ of 12 pieces/);
    const fetched = result.segments.reduce((sum, segment) => sum + segment.bytes, 0);
    expect(fetched).toBeLessThan(SIZE - 1_000_000);
    await world.stop();
  });

  it('ignores what is there of another file of the same name', async () => {
    const world = await swarm(1);
    world.folder(9).put('big.bin.part', content(SIZE, 7));
    world
      .folder(9)
      .put(
        '.big.bin.pieces',
        JSON.stringify({ identity: 'root:00', size: SIZE, pieceSize: 262144, pieces: '//A=' }),
      );
    await world.peer(9);
    await world.fetch(9, 'big.bin');
    expect(saved(world, 9).equals(bytes)).toBe(true);
    await world.stop();
  });

  it('never overwrites: a second download gets another name', async () => {
    const world = await swarm(1);
    await world.peer(9);
    world.folder(9).put('big.bin', 'mine');
    const result = await world.fetch(9, 'big.bin');
    expect(result.path).toBe('/peer9/big (2).bin');
    expect(saved(world, 9).toString()).toBe('mine');
    await world.stop();
  });

  it('serves what it already has while it downloads', async () => {
    const world = await swarm(1, { uploadLimit: 400_000 });
    await world.peer(8);
    await world.peer(9);
    const first = world.download(8, 'big.bin');
    await world.until(() => (first.progress.at(-1)?.bytes ?? 0) > 600_000);
    const second = world.download(9, 'big.bin');
    await world.inTime(second.result);
    await world.inTime(first.result);
    expect(saved(world, 8).equals(bytes) && saved(world, 9).equals(bytes)).toBe(true);
    expect((await second.result).segments.map(({ source }) => source)).toContain('127.0.0.1:9008');
    await world.stop();
  });

  it('is cancelled at once, resumes later, and pauses', async () => {
    const world = await swarm(1, { uploadLimit: 500_000 });
    await world.peer(9);
    const first = world.download(9, 'big.bin');
    await world.until(() => (first.progress.at(-1)?.bytes ?? 0) > 500_000);
    await world.operate(9, 'control', { name: 'big.bin', paused: true });
    await world.sim.advance(1000);
    const paused = first.progress.at(-1);
    await world.sim.advance(3000);
    expect(first.progress.at(-1)).toMatchObject({ phase: 'paused', bytes: paused?.bytes });
    await world.operate(9, 'control', { name: 'big.bin', paused: false });
    await world.until(() => (first.progress.at(-1)?.bytes ?? 0) > (paused?.bytes ?? 0));
    first.cancel();
    await expect(world.inTime(first.result)).rejects.toMatchObject({ name: 'AbortError' });
    const again = await world.fetch(9, 'big.bin');
    expect(again.marks[0]?.text).toMatch(/^resumed/);
    expect(saved(world, 9).equals(bytes)).toBe(true);
    await world.stop();
  });

  it('keeps to its limits', async () => {
    const world = await swarm(2);
    await world.peer(9, { downloadLimit: 1_000_000 });
    const before = world.sim.clock.now();
    await world.fetch(9, 'big.bin');
    expect(world.sim.clock.now() - before).toBeGreaterThan(2000);
    await world.stop();
    const slow = await swarm(1, { uploadLimit: 1_000_000 });
    await slow.peer(9);
    const start = slow.sim.clock.now();
    const download = slow.download(9, 'big.bin');
    await slow.until(() => (download.progress.at(-1)?.bytes ?? 0) > 2_000_000);
    // What people are shown is what really comes, and to whom it goes.
    expect(slow.snapshot(9).downloads[0]?.bytesPerSecond).toBeGreaterThan(700_000);
    expect(slow.snapshot(9).downloads[0]?.bytesPerSecond).toBeLessThan(1_300_000);
    expect(slow.snapshot(1).uploads).toMatchObject([{ address: '127.0.0.1:9009', file: 'big.bin' }]);
    await slow.inTime(download.result);
    expect(slow.sim.clock.now() - start).toBeGreaterThan(2000);
    await slow.stop();
  });

  describe('with a priority', () => {
    /** Bytes of each download so far. */
    const bytesOf = (downloads: StartedDownload[]): number[] =>
      downloads.map(({ progress }) => progress.at(-1)?.bytes ?? 0);
    const NAMES = ['a.bin', 'b.bin', 'c.bin'];

    async function seeded(seeders: number[]): Promise<P2pWorld> {
      const world = new P2pWorld();
      await world.index();
      for (const number of seeders) {
        for (const [at, name] of NAMES.entries()) world.folder(number).put(name, content(4 * SIZE, at + 1));
        await world.peer(number, { uploadLimit: 1_000_000 });
        await world.until(() => world.snapshot(number).files === 3 && world.snapshot(number).hashing === 0);
      }
      await world.peer(9);
      return world;
    }

    it('get 4 : 2 : 1 of peers that they use at once, and what they need of others', async () => {
      const world = await seeded([1, 2]);
      world.folder(3).put('d.bin', bytes);
      await world.peer(3, { uploadLimit: 1_000_000 });
      const [high, normal, low] = ['high', 'normal', 'low'].map((priority, at) =>
        world.download(9, NAMES[at] as string, { priority: priority as Priority }),
      ) as [StartedDownload, StartedDownload, StartedDownload];
      await world.until(() => (bytesOf([high])[0] as number) > 2 * SIZE);
      const [a, b, c] = bytesOf([high, normal, low]) as [number, number, number];
      expect(a / b).toBeGreaterThan(1.6);
      expect(a / b).toBeLessThan(2.5);
      expect(b / c).toBeGreaterThan(1.5);
      expect(b / c).toBeLessThan(2.6);
      expect(world.snapshot(9).downloads.map(({ priority }) => priority)).toEqual(['high', 'normal', 'low']);
      // A peer that no other download uses is not held back, whatever the priority.
      const before = world.sim.clock.now();
      await world.inTime(world.download(9, 'd.bin', { priority: 'low' }).result);
      expect(world.sim.clock.now() - before).toBeLessThan(4500);
      await world.stop();
    });

    it('follow a change, and leave everything to others while they are paused', async () => {
      const world = await seeded([1]);
      const first = world.download(9, 'a.bin');
      const second = world.download(9, 'b.bin', { priority: 'low' });
      await world.operate(9, 'control', { name: 'a.bin', priority: 'low' });
      await world.operate(9, 'control', { name: 'b.bin', priority: 'high' });
      await world.until(() => (bytesOf([second])[0] as number) > 2 * SIZE);
      const [a, b] = bytesOf([first, second]) as [number, number];
      expect(b / a).toBeGreaterThan(3);
      expect(b / a).toBeLessThan(5.5);
      await world.operate(9, 'control', { name: 'b.bin', paused: true });
      const before = bytesOf([first])[0] as number;
      await world.sim.advance(4000);
      expect((bytesOf([first])[0] as number) - before).toBeGreaterThan(3_000_000);
      await world.stop();
    });

    it('keep it over kill -9', async () => {
      const world = await seeded([1]);
      const download = world.download(9, 'a.bin', { priority: 'low' });
      await world.until(() => (bytesOf([download])[0] as number) > 500_000);
      await world.operate(9, 'control', { name: 'a.bin', priority: 'high' });
      await world.sim.advance(1100);
      world.crash(9);
      await world.peer(9);
      const again = world.download(9, 'a.bin');
      await world.until(() => again.progress.at(-1)?.phase === 'running');
      expect(again.progress.at(-1)?.priority).toBe('high');
      await world.stop();
    });
  });

  it('lets ten downloaders share two slots, and starves none', async () => {
    const world = await swarm(1, { slots: 2, uploadLimit: 3_000_000 });
    const downloads = [];
    for (let number = 10; number < 20; number++) {
      await world.peer(number, { patienceMs: 60_000 });
      downloads.push(world.download(number, 'big.bin'));
    }
    for (const { result } of downloads) await world.inTime(result);
    for (let number = 10; number < 20; number++) expect(saved(world, number).equals(bytes)).toBe(true);
    await world.stop();
  });

  it('takes an empty file', async () => {
    const world = new P2pWorld();
    await world.index();
    world.folder(1).put('empty.txt', '');
    await world.peer(1);
    await world.peer(9);
    await world.until(() => world.indexSnapshot().files === 1);
    expect(await world.fetch(9, 'empty.txt')).toMatchObject({ size: 0 });
    expect(world.folder(9).bytesOf('empty.txt')?.length).toBe(0);
    await world.stop();
  });
});

describe('sharing', () => {
  it('follows the folder: added, changed, renamed, deleted', async () => {
    const world = new P2pWorld();
    await world.index();
    await world.peer(1);
    await world.peer(2);
    const names = async () => (await world.operate(2, 'list', undefined)).map(({ name }) => name);
    world.folder(1).put('a.txt', 'one');
    await world.until(() => world.indexSnapshot().files === 1);
    await world.folder(1).rename('a.txt', 'b.txt');
    await world.sim.advance(500);
    expect(await names()).toEqual(['b.txt']);
    await world.sim.advance(1000);
    world.folder(1).put('b.txt', 'longer than before');
    await world.sim.advance(1000);
    expect(await world.operate(2, 'list', undefined)).toEqual([{ name: 'b.txt', size: 18, holders: 1 }]);
    await world.folder(1).remove('b.txt');
    await world.sim.advance(500);
    expect(await names()).toEqual([]);
    await world.stop();
  });

  it('does not announce a file that is still being written', async () => {
    const world = new P2pWorld();
    await world.index();
    await world.peer(1);
    for (let part = 1; part <= 10; part++) {
      world.folder(1).put('growing.bin', content(part * 1000));
      await world.sim.advance(150);
      expect(world.indexSnapshot().files).toBe(0);
    }
    await world.until(() => world.indexSnapshot().files === 1);
    await world.stop();
  });

  it('takes a deleted file out of the index at once and ends its uploads', async () => {
    const world = await swarm(1, { uploadLimit: 300_000 });
    await world.peer(9, { patienceMs: 500 });
    const download = world.download(9, 'big.bin');
    await world.until(() => (download.progress.at(-1)?.bytes ?? 0) > 300_000);
    await world.operate(1, 'delete', { name: 'big.bin' });
    await world.until(() => world.snapshot(1).uploads.length === 0);
    await expect(world.inTime(download.result)).rejects.toMatchObject({ code: 'NO_SOURCE' });
    expect(world.folder(1).names).not.toContain('big.bin');
    expect((await world.operate(9, 'list', undefined)).length).toBe(0);
    await world.stop();
  });

  it('hashes nothing again after a restart', async () => {
    const world = await swarm(1);
    await world.sim.advance(1000);
    world.crash(1);
    const { folder } = { folder: world.folder(1) };
    let opened = 0;
    const open = folder.open.bind(folder);
    folder.open = (name) => {
      if (name === 'big.bin') opened++;
      return open(name);
    };
    await world.peer(1);
    await world.sim.advance(1000);
    expect(world.snapshot(1)).toMatchObject({ files: 1, hashing: 0 });
    expect(opened).toBe(0);
    await world.stop();
  });

  it('registers and unregisters on command, and comes back to an index that was away', async () => {
    const world = await swarm(1);
    await world.operate(1, 'unregister', undefined);
    await world.until(() => world.indexSnapshot().files === 0);
    expect(await world.operate(1, 'register', undefined)).toEqual({ files: 1 });
    await world.until(() => world.indexSnapshot().files === 1);
    world.sim.crash('index');
    await world.until(() => world.snapshot(1).index === 'unreachable');
    await world.index();
    await world.until(() => world.indexSnapshot().files === 1);
    await world.stop();
  });
});

describe('login', () => {
  const login = { login: true, accounts: 'alice:correct horse' };

  it('lets those in who know the password', async () => {
    const world = new P2pWorld();
    await world.index(login);
    await world.peer(1, { user: 'alice', password: 'correct horse' });
    expect(world.snapshot(1).index).toBe('registered');
    expect(world.indexSnapshot().peers[0]).toMatchObject({ user: 'alice', dialect: 'frames' });
    const traces = world.recorded(1).traces.join('\n');
    expect(traces).not.toContain('correct horse');
    await world.stop();
  });

  it('refuses those who do not, and those who do not try, with the reason', async () => {
    const world = new P2pWorld();
    await world.index(login);
    await world.peer(1);
    expect(world.snapshot(1)).toMatchObject({ index: 'refused' });
    expect(world.snapshot(1).indexDetail).toContain('log in');
    await world.peer(2, { user: 'alice', password: 'wrong' });
    expect(world.snapshot(2)).toMatchObject({ index: 'refused' });
    expect(world.snapshot(2).indexDetail).toContain('password is wrong');
    await world.stop();
  });

  it('locks out who guesses, and says for how long', async () => {
    const world = new P2pWorld();
    await world.index(login);
    await world.peer(1, { user: 'alice', password: 'wrong', register: true });
    for (let guess = 0; guess < 5; guess++) {
      await world.operate(1, 'register', undefined).catch(() => {});
    }
    expect(world.snapshot(1).indexDetail).toMatch(/Try again in \d+ s/);
    expect(world.indexSnapshot().lockedOut.map(({ key }) => key)).toContain('account alice');
    await world.stop();
  });
});
