import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HOST, INDEX, MONITOR_TCP, MONITOR_UDP, World } from '../shared/testing/micro-cdn-world';
import { ForeignServer, RawPeer } from '../shared/testing/raw-peer';
import type { MonitorSnapshot } from './manifest';

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(async () => {
  await world.end();
  expect(world.sim.clock.pending).toBe(0);
});

const net = () => world.sim.network.host('peer');
const snapshot = () => world.recorded('monitor').snapshot() as unknown as MonitorSnapshot;
const seconds = () => Math.floor(world.sim.clock.wallTime() / 1000);

async function datagram(text: string | Uint8Array): Promise<void> {
  const socket = await net().bind({ host: HOST, port: 0 }, () => {});
  socket.send(text, MONITOR_UDP);
  await world.sim.settle();
  await socket.close();
}

async function asked(text: string): Promise<RawPeer> {
  const peer = await RawPeer.connect(net(), MONITOR_TCP);
  peer.send(text);
  await world.sim.settle();
  return peer;
}

const beat = (id = 'CS1', load = 0) => datagram(`HEARTBEAT ${id} 127.0.0.1 7001 ${load} 3\n`);

describe('heartbeats', () => {
  it('lists who is alive, with the newest load, and who is dead', async () => {
    await world.monitor({ index: null, strict: true });
    await beat('CS1', 2);
    await datagram('HEARTBEAT CS2 localhost 7101 0 3\n');
    expect((await asked('LIST_SERVERS\n')).lines).toEqual([
      'SERVER CS1 127.0.0.1 7001 2 alive',
      'SERVER CS2 localhost 7101 0 alive',
      'END',
    ]);
    await world.sim.advance(5000);
    await beat('CS1', 5);
    await world.sim.advance(5000);
    const list = await asked('LIST_SERVERS\n');
    expect(list.lines).toEqual([
      'SERVER CS1 127.0.0.1 7001 5 alive',
      'SERVER CS2 localhost 7101 0 dead',
      'END',
    ]);
    list.clear().send('LIST_SERVERS\n');
    await world.sim.settle();
    expect(list.lines).toHaveLength(3);
  });

  it.each([
    ['with a line end', 'HEARTBEAT CS1 127.0.0.1 7001 0 3\n'],
    ['without', 'HEARTBEAT CS1 127.0.0.1 7001 0 3'],
    ['with CRLF', 'HEARTBEAT CS1 127.0.0.1 7001 0 3\r\n'],
    ['with more words', 'HEARTBEAT CS1 127.0.0.1 7001 0 3 1700000000 v1'],
    ['with NULs behind', `HEARTBEAT CS1 127.0.0.1 7001 0 3${'\0'.repeat(200)}`],
    ['two in one', 'HEARTBEAT CS1 127.0.0.1 7001 0 3\nHEARTBEAT CS2 127.0.0.1 7101 0 3\n'],
  ])('are taken %s', async (_form, text) => {
    await world.monitor({ index: null });
    await datagram(text);
    expect(snapshot().servers[0]).toMatchObject({ serverId: 'CS1', status: 'alive', heartbeats: 1 });
    expect(snapshot().malformed).toBe(0);
  });

  it('that do not parse are counted and dropped, and end nothing', async () => {
    await world.monitor({ index: null });
    await beat();
    const junk: (string | Uint8Array)[] = [
      '',
      'HEARTBEAT',
      'HEARTBEAT CS1 127.0.0.1 port 0 3',
      Uint8Array.of(0xff, 0xfe, 0, 1, 2),
      'x'.repeat(60_000),
      'GET hello.txt\n',
    ];
    for (const text of junk) await datagram(text);
    expect(snapshot().malformed).toBe(junk.length);
    await world.sim.advance(3000);
    await beat();
    await world.sim.advance(7000);
    expect(snapshot().servers).toMatchObject([{ serverId: 'CS1', status: 'alive', heartbeats: 2 }]);
  });

  it('of invented servers fill no memory', async () => {
    await world.monitor({ index: null });
    const socket = await net().bind({ host: HOST, port: 0 }, () => {});
    for (let number = 0; number < 10_050; number++) socket.send(`HEARTBEAT X${number} h 1 0 0`, MONITOR_UDP);
    await world.sim.settle();
    expect(snapshot().servers).toHaveLength(10_000);
    expect(world.recorded('monitor').counters.ignoredServers).toBe(50);
    await world.sim.advance(9000);
    await beat('CS1');
    expect(snapshot().servers.filter(({ status }) => status === 'alive')).toMatchObject([
      { serverId: 'CS1' },
    ]);
  });
});

describe('the verdict', () => {
  it('comes after 8 s of silence, looked at every second', async () => {
    const index = await ForeignServer.byLine(net(), INDEX, () => 'OK SERVER_MARKED_DEAD\n');
    await world.monitor();
    await beat();
    await world.sim.advance(7900);
    expect(index.received).toEqual([]);
    expect(snapshot().servers[0]?.deadAt).toBe(world.sim.clock.epochMs + 8000);
    await world.sim.advance(200);
    expect(index.received).toEqual([`SERVER_DOWN CS1 ${seconds()}`]);
    expect(world.events('monitor', 'heartbeat-late')).toHaveLength(1);
    expect(world.events('monitor', 'server-down')).toHaveLength(1);
  });

  it('comes exactly on time where ages are not looked at by interval', async () => {
    const index = await ForeignServer.byLine(net(), INDEX, () => '');
    await world.monitor({ timeoutMs: 250, checkMs: 0 });
    await beat();
    await world.sim.advance(50);
    await beat();
    await world.sim.advance(249);
    expect(index.received).toEqual([]);
    await world.sim.advance(1);
    expect(index.received).toHaveLength(1);
  });

  it('is noted with the silence before it and the moment at which somebody was told', async () => {
    await world.monitor({ timeoutMs: 250, checkMs: 0 });
    const began = world.sim.clock.wallTime();
    await beat();
    await world.sim.advance(250);
    const death = { serverId: 'CS1', lastHeartbeat: began, declaredAt: began + 250 };
    expect(snapshot().detections).toEqual([death]);
    const index = await ForeignServer.byLine(net(), INDEX, () => 'OK\n');
    await world.sim.advance(5000);
    expect(index.received).toHaveLength(1);
    const [told] = snapshot().detections;
    expect(told).toMatchObject(death);
    expect(told?.toldAt).toBeGreaterThan(death.declaredAt);
  });

  it('is delivered in all three ways', async () => {
    const dialled = await ForeignServer.byLine(net(), INDEX, () => 'OK\n');
    const named = await ForeignServer.byLine(net(), { host: HOST, port: 5999 }, () => null);
    await world.monitor();
    const registered = await asked('REGISTER_INDEX localhost 5999\n');
    expect(registered.text).toBe('OK INDEX_REGISTERED\n');
    const listener = await asked('');
    await beat();
    await world.sim.advance(9000);
    expect(dialled.received).toHaveLength(1);
    expect(named.received).toHaveLength(1);
    expect(listener.text).toMatch(/^SERVER_DOWN CS1 \d+\n$/);
    expect(registered.lines[1]).toMatch(/^SERVER_DOWN CS1 \d+$/);
    expect(snapshot().subscribers).toEqual(expect.arrayContaining(['127.0.0.1:5050', '127.0.0.1:5999']));
  });

  it('reaches an index that registers every address of its machine', async () => {
    const named = await ForeignServer.byLine(net(), { host: HOST, port: 5999 }, () => '');
    await world.monitor({ index: null });
    await asked('REGISTER_INDEX 0.0.0.0 5999\n');
    await beat();
    await world.sim.advance(9000);
    expect(named.received).toHaveLength(1);
  });

  it('is taken back by SERVER_UP, on a connection of its own only', async () => {
    const index = await ForeignServer.byLine(net(), INDEX, (line) =>
      line.startsWith('SERVER_DOWN') ? 'OK SERVER_MARKED_DEAD\n' : 'ERROR UNKNOWN_COMMAND\n',
    );
    await world.monitor();
    const listener = await asked('');
    await beat();
    await world.sim.advance(9000);
    await beat();
    await world.sim.advance(100);
    expect(index.received.map((line) => line.split(' ')[0])).toEqual(['SERVER_DOWN', 'SERVER_UP']);
    expect(listener.lines).toHaveLength(1);
    expect(world.events('monitor', 'server-up')).toHaveLength(1);
  });

  it('is not taken back in words that the seed does not have, when strict', async () => {
    const index = await ForeignServer.byLine(net(), INDEX, () => '');
    await world.monitor({ strict: true });
    await beat();
    await world.sim.advance(9000);
    await beat();
    await world.sim.advance(5000);
    expect(index.received).toHaveLength(1);
  });

  it('waits for an index that is away, and tells only the newest', async () => {
    await world.monitor();
    await beat('CS1');
    await beat('CS2');
    await world.sim.advance(8050);
    await beat('CS2');
    await world.sim.settle();
    const index = await ForeignServer.byLine(net(), INDEX, () => 'OK\n');
    await world.sim.advance(5000);
    expect(index.received.map((line) => line.split(' ', 2).join(' ')).sort()).toEqual([
      'SERVER_DOWN CS1',
      'SERVER_UP CS2',
    ]);
  });

  it('reaches an index that never answers for many servers at once', async () => {
    const index = await ForeignServer.byLine(net(), INDEX, () => '');
    await world.monitor();
    for (let number = 1; number <= 40; number++) await beat(`CS${number}`);
    await world.sim.advance(10_000);
    expect(new Set(index.received.map((line) => line.split(' ')[1])).size).toBe(40);
  });

  it('spares everybody when it was this process that stood still', async () => {
    const index = await ForeignServer.byLine(net(), INDEX, () => '');
    await world.monitor({ timeoutMs: 250, checkMs: 0 });
    await beat();
    // The clock jumps past the deadline before the timer can run, as after SIGSTOP; the heartbeats are queued.
    const late = world.sim.clock.now.bind(world.sim.clock);
    world.sim.clock.now = () => late() + 5000;
    const socket = await net().bind({ host: HOST, port: 0 }, () => {});
    world.sim.clock.after(126, () => socket.send('HEARTBEAT CS1 127.0.0.1 7001 0 3', MONITOR_UDP));
    await world.sim.advance(200);
    expect(index.received).toEqual([]);
    expect(snapshot().servers).toMatchObject([{ status: 'alive' }]);
  });
});

describe('its TCP port', () => {
  it('refuses what it does not know, and closes', async () => {
    await world.monitor({ index: null });
    const refused = await asked('HELLO\nLIST_SERVERS\n');
    expect(refused.text).toBe('ERROR UNKNOWN_COMMAND\n');
    expect(refused.ended).toBe(true);
    expect((await asked('REGISTER_INDEX x\n')).text).toBe('ERROR MALFORMED_COMMAND\n');
    expect((await asked('z'.repeat(9000))).text).toBe('ERROR LINE_TOO_LONG\n');
  });

  it('takes bytes one at a time', async () => {
    await world.monitor({ index: null });
    await beat();
    world.sim.network.segmentSize = 1;
    expect((await asked('LIST_SERVERS\r\nLIST_SERVERS\r\n')).lines).toHaveLength(4);
  });

  it('keeps silent connections, and makes room when there are too many', async () => {
    await world.monitor({ index: null });
    const registered = await asked('REGISTER_INDEX 127.0.0.1 5999\n');
    const first = await asked('');
    const others: RawPeer[] = [];
    for (let count = 0; count < 520; count++) others.push(await RawPeer.connect(net(), MONITOR_TCP));
    await world.sim.advance(60_000);
    expect(first.closed).toBe(true);
    expect(registered.closed).toBe(false);
    expect(others.filter((peer) => !peer.closed).length).toBeGreaterThan(500);
  });

  it('drops a subscriber that does not read', async () => {
    await world.monitor({ index: null, timeoutMs: 100, checkMs: 0 });
    const deaf = new RawPeer(await net().connect(MONITOR_TCP), { read: false });
    const socket = await net().bind({ host: HOST, port: 0 }, () => {});
    for (let round = 0; round < 8; round++) {
      for (let number = 0; number < 500; number++) {
        socket.send(`HEARTBEAT server-number-${number} h 1 0 0`, MONITOR_UDP);
      }
      await world.sim.advance(200);
    }
    expect(deaf.closed).toBe(true);
  });
});
