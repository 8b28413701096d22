import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOST, MONITOR_TCP, World } from './testing/micro-cdn-world';
import { RawPeer } from './testing/raw-peer';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  await world.end();
  expect(world.sim.clock.pending).toBe(0);
});

const text = (name: string) =>
  Buffer.from(world.sim.files.at('/downloads').bytesOf(name) ?? 'missing').toString();

/** Downloads and resolves to the server it came from, or the code of the error. */
async function sourceOf(name: string): Promise<string | undefined> {
  const download = world.download(name);
  await world.sim.advance(100);
  return download.outcome?.source?.serverId ?? download.error?.code;
}

describe('the seed’s test scenario', () => {
  it('downloads, loses a server, downloads from the other, and routes to the first again when it is back', async () => {
    await world.sample();
    const first = world.download('hello.txt');
    await world.sim.advance(100);
    expect(first.error).toBeUndefined();
    expect(first.outcome).toMatchObject({
      size: 14,
      verified: 'size and hash',
      path: '/downloads/hello.txt',
    });
    expect(text('hello.txt')).toBe('Hello, world!\n');

    world.crash('CS1');
    await world.sim.advance(5000);
    expect(world.statusOf('CS1')).toBe('alive');
    await world.sim.advance(4100);
    expect(world.statusOf('CS1')).toBe('dead');
    expect(world.events('index', 'server-down')).toHaveLength(1);
    expect(await sourceOf('hello.txt')).toBe('CS2');
    expect(world.decisions()[0]).toMatchObject({
      winner: 'CS2',
      candidates: [
        { serverId: 'CS1', alive: false, score: null, note: 'declared dead' },
        { serverId: 'CS2', alive: true },
      ],
    });

    await world.content(1);
    await world.sim.advance(1000);
    expect(world.statusOf('CS1')).toBe('alive');
    world.crash('CS2');
    expect(await sourceOf('hello.txt')).toBe('CS1');
  });

  it('finds a killed server within 300 ms with the fast profile', async () => {
    await world.index({ pollMs: 50 });
    await world.monitor({ timeoutMs: 250, checkMs: 0 });
    for (const number of [1, 2]) await world.content(number, { heartbeatMs: 50 });
    await world.sim.advance(1000);
    expect([world.statusOf('CS1'), world.statusOf('CS2')]).toEqual(['alive', 'alive']);
    world.crash('CS1');
    await world.sim.advance(300);
    expect([world.statusOf('CS1'), world.statusOf('CS2')]).toEqual(['dead', 'alive']);
  });

  it('runs with nothing but the seed protocol on every side', async () => {
    await world.index({ strict: true });
    await world.monitor({ strict: true });
    world.put(1, 'hello.txt', 'Hello!');
    world.put(2, 'hello.txt', 'Hello!');
    for (const number of [1, 2]) await world.content(number, { strict: true });
    await world.client({ strict: true });
    await world.sim.advance(2000);
    expect(['CS1', 'CS2']).toContain(await sourceOf('hello.txt'));
    world.crash('CS1');
    await world.sim.advance(9100);
    expect(world.statusOf('CS1')).toBe('dead');
    expect(await sourceOf('hello.txt')).toBe('CS2');
    await world.content(1, { strict: true });
    await world.sim.advance(1000);
    expect(world.statusOf('CS1')).toBe('alive');
    const seedWords =
      /^[<>] (HELLO|WELCOME MICRO-CDN|GET \S+|SERVER \S+ \S+ \S+ \S+( \S+)?|OK( \S+)?|REGISTER \S+ \d+ \d+|ADD_FILE \S+ \S+ \d+|DONE_FILES|LIST_SERVERS|END|SERVER_DOWN \S+ \d+|HEARTBEAT( \S+){5}|ERROR \S+|REGISTER_INDEX \S+ \d+)$/;
    for (const name of ['index', 'monitor', 'CS1', 'CS2', 'client']) {
      const lines = world
        .recorded(name)
        .traces.flatMap((trace) =>
          trace.split('\n').map((line) => (/^[<>] /.test(line) ? line : `> ${line}`)),
        );
      expect(lines.filter((line) => !seedWords.test(line))).toEqual([]);
      expect(lines.length).toBeGreaterThan(2);
    }
  });
});

describe('what comes back', () => {
  it('a server that was away for a while without ending: the monitor tells at once', async () => {
    await world.sample();
    // Heartbeats of CS1 do not get through.
    const udp = world.sim.network.sockets;
    const monitorSocket = udp.get('127.0.0.1:6000');
    udp.delete('127.0.0.1:6000');
    await world.sim.advance(9000);
    expect(world.events('monitor', 'server-down')).toHaveLength(2);
    if (monitorSocket) udp.set('127.0.0.1:6000', monitorSocket);
    await world.sim.advance(3000);
    expect(world.events('monitor', 'server-up')).toHaveLength(2);
    expect(world.statusOf('CS1')).toBe('alive');
  });

  it('an index: files and statuses are there again, and so is the monitor’s subscription', async () => {
    await world.sample();
    world.crash('index');
    await world.sim.advance(500);
    await world.index();
    await world.sim.advance(2500);
    expect((await world.catalogue()).rows[0]?.holders).toHaveLength(2);
    expect(world.indexSnapshot().monitor).toBe('connected');
    world.crash('CS1');
    await world.sim.advance(9100);
    expect(world.statusOf('CS1')).toBe('dead');
  });

  it('a monitor: nobody is taken for dead meanwhile, and it watches again', async () => {
    await world.sample();
    world.crash('monitor');
    await world.sim.advance(30_000);
    expect(world.indexSnapshot().monitor).toBe('unreachable');
    expect(await sourceOf('hello.txt')).toMatch(/^CS/);
    await world.monitor();
    await world.sim.advance(6000);
    expect(world.indexSnapshot().monitor).toBe('connected');
    world.crash('CS2');
    await world.sim.advance(9100);
    expect([world.statusOf('CS1'), world.statusOf('CS2')]).toEqual(['alive', 'dead']);
  });

  it('everything, in any order', async () => {
    const order = ['client', 'content-2', 'monitor', 'content-1', 'index'];
    for (const what of order) {
      if (what === 'client') await world.client();
      if (what === 'monitor') await world.monitor();
      if (what === 'index') await world.index();
      if (what.startsWith('content')) {
        const number = Number(what.at(-1));
        world.put(number, 'hello.txt', 'Hello!');
        await world.content(number);
      }
      await world.sim.advance(4000);
    }
    expect(await sourceOf('hello.txt')).toMatch(/^CS/);
    expect(world.indexSnapshot().servers.map(({ status }) => status)).toEqual(['alive', 'alive']);
  });
});

describe('draining a content server', () => {
  it('sends new clients elsewhere, finishes those it has, and takes clients again after a restart', async () => {
    await world.sample(2, { 'large.bin': Buffer.alloc(4_000_000, 'x') });
    const reader = new RawPeer(await world.sim.network.host('peer').connect({ host: HOST, port: 7001 }), {
      read: false,
    });
    reader.send('GET large.bin\n');
    await world.sim.settle();
    let drained = false;
    void world.programs
      .get('CS1')
      ?.drain()
      .then(() => {
        drained = true;
      });
    await world.sim.advance(100);
    expect(world.statusOf('CS1')).toBe('draining');
    for (let round = 0; round < 5; round++) expect(await sourceOf('large.bin')).toBe('CS2');
    expect(drained).toBe(false);
    // Still sending heartbeats, it is not called dead while it works.
    await world.sim.advance(9000);
    const list = await RawPeer.connect(world.sim.network.host('peer'), MONITOR_TCP);
    list.send('LIST_SERVERS\n');
    await world.sim.settle();
    expect(list.lines[0]).toBe('SERVER CS1 127.0.0.1 7001 1 alive');
    reader.connection.resume();
    await world.sim.settle();
    reader.connection.end();
    await world.sim.settle();
    expect(reader.bytes).toHaveLength('OK 4000000\n'.length + 4_000_000);
    expect(drained).toBe(true);
    await world.stop('CS1');
    await world.content(1);
    await world.sim.advance(1000);
    expect(world.statusOf('CS1')).toBe('alive');
  });
});

describe('load', () => {
  it('reported by heartbeats decides who gets the next client', async () => {
    await world.sample(2, { 'large.bin': Buffer.alloc(4_000_000, 'x'), a: 'x' });
    const busy: RawPeer[] = [];
    for (let count = 0; count < 3; count++) {
      const peer = new RawPeer(await world.sim.network.host('peer').connect({ host: HOST, port: 7001 }), {
        read: false,
      });
      busy.push(peer.send('GET large.bin\n'));
    }
    await world.sim.advance(4200);
    expect(world.indexSnapshot().servers.map(({ load }) => load)).toEqual([3, 0]);
    for (let round = 0; round < 5; round++) expect(await sourceOf('a')).toBe('CS2');
    for (const peer of busy) peer.connection.reset();
    await world.sim.advance(4200);
    expect(world.indexSnapshot().servers.map(({ load }) => load)).toEqual([0, 0]);
  });
});
