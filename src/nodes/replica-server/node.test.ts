import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { configSchema } from '../../contract/schema';
import type { NodeProgram } from '../../runtime/context';
import { Simulation } from '../../runtime/testing/simulation';
import { fetchForeign } from '../shared/testing/foreign-replica-peers';
import { manifest, type ReplicaConfig, type ReplicaSnapshot } from './manifest';
import { createNode } from './node';

const AT = { host: '127.0.0.2', port: 33_000 };
const noise = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255));

async function replica(world: Simulation, config: Partial<ReplicaConfig>): Promise<NodeProgram> {
  const defaults = configSchema(manifest.fields).parse({}) as ReplicaConfig;
  const node = createNode({ ...defaults, ...AT, files: '/pages', ...config }, world.context('replica'));
  await node.start();
  return node;
}

const snapshot = (world: Simulation): ReplicaSnapshot =>
  world.recorded('replica').snapshot() as unknown as ReplicaSnapshot;

it.each([0, 1, 511, 512, 513, 5000, 100_000])(
  'serves a page of %i bytes to a foreign client',
  async (size) => {
    const world = new Simulation();
    world.files.at('/pages').put('index.html', noise(size));
    const node = await replica(world, {});
    const fetched = await fetchForeign(world.network.host('client', world.clock), AT);
    expect(fetched.page.equals(noise(size))).toBe(true);
    expect(fetched.headers[0]).toBe(`000000003a300000${size <= 512 ? '00000003' : '00000002'}`);
    await world.advance(100);
    expect(snapshot(world)).toMatchObject({ served: 1, load: 0 });
    await node.stop();
  },
);

it('serves from its file a page that is too large for memory', async () => {
  const world = new Simulation();
  const page = Buffer.alloc(9 * 1024 * 1024, 'large ');
  world.files.at('/pages').put('page.bin', page);
  await replica(world, { page: '/pages/page.bin' });
  const connection = await world.network.host('client', world.clock).connect(AT);
  const received: Buffer[] = [];
  // A packet with BULK in answer to the first part, as our own client sends once it knows.
  connection.handle({ data: (bytes) => void received.push(Buffer.from(bytes)) });
  connection.write(Buffer.from('393000000000000000000002', 'hex'));
  await world.settle();
  connection.write(Buffer.from('3a3000002102000000000104', 'hex'));
  await world.settle();
  const all = Buffer.concat(received);
  const body = Buffer.concat([all.subarray(12, 524), all.subarray(524 + 20, -32)]);
  expect(body.equals(page)).toBe(true);
  expect(all.subarray(-32).toString('hex')).toBe(createHash('sha256').update(page).digest('hex'));
});

it('answers packets that come byte by byte', async () => {
  const world = new Simulation();
  world.files.at('/pages').put('index.html', noise(700));
  await replica(world, {});
  const connection = await world.network.host('client', world.clock).connect(AT);
  const received: number[] = [];
  connection.handle({ data: (bytes) => void received.push(...bytes) });
  for (const byte of Buffer.from('393000000000000000000002', 'hex')) {
    connection.write(Uint8Array.of(byte));
    await world.settle();
  }
  expect(received.length).toBe(524);
});

it('serves the new page after a change, and the old one to who had begun', async () => {
  const world = new Simulation();
  world.files.at('/pages').put('index.html', 'old '.repeat(200));
  await replica(world, {});
  const net = world.network.host('client', world.clock);
  const early = await net.connect(AT);
  const parts: string[] = [];
  early.handle({ data: (bytes) => void parts.push(Buffer.from(bytes).toString('latin1', 12)) });
  early.write(Buffer.from('393000000000000000000002', 'hex'));
  await world.settle();
  await world.advance(10);
  world.files.at('/pages').put('index.html', 'new');
  expect((await fetchForeign(net, AT)).page.toString()).toBe('new');
  early.write(Buffer.from('3a3000002102000000000004', 'hex'));
  await world.settle();
  expect(parts.join('')).toBe('old '.repeat(200));
});

it('lists a folder without an index', async () => {
  const world = new Simulation();
  world.files.at('/pages').put('a<b.txt', 'x');
  world.files.at('/pages').put('c.txt', 'yy');
  await replica(world, { page: '/pages' });
  const { page } = await fetchForeign(world.network.host('client', world.clock), AT);
  expect(page.toString()).toContain('a&lt;b.txt (1 bytes)');
  expect(page.toString()).toContain('c.txt (2 bytes)');
});

it('says what is wrong with a page that is not there', async () => {
  const world = new Simulation();
  await expect(replica(world, { page: '/nowhere/page.html' })).rejects.toMatchObject({ code: 'NO_PAGE' });
});

it('finishes the present clients when it drains, and takes no new ones', async () => {
  const world = new Simulation();
  world.files.at('/pages').put('index.html', noise(700));
  const node = await replica(world, {});
  const net = world.network.host('client', world.clock);
  const connection = await net.connect(AT);
  connection.handle({ data: () => {} });
  connection.write(Buffer.from('393000000000000000000002', 'hex'));
  await world.settle();
  let drained = false;
  void node.drain().then(() => {
    drained = true;
  });
  await world.settle();
  expect(drained).toBe(false);
  expect(snapshot(world).clients).toHaveLength(1);
  expect(snapshot(world).drainingSince).toBeDefined();
  await expect(net.connect(AT)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  connection.write(Buffer.from('3a3000002102000000000004', 'hex'));
  await world.settle();
  connection.write(Buffer.from('3b300000fd02000000000005', 'hex'));
  connection.end();
  await world.settle();
  expect(drained).toBe(true);
});

it('does not count for long a client that has the page and keeps its side open', async () => {
  const world = new Simulation();
  world.files.at('/pages').put('index.html', noise(7));
  const node = await replica(world, {});
  const connection = await world.network.host('client', world.clock).connect(AT);
  connection.handle({ data: () => {}, end: () => {} });
  connection.write(Buffer.from('393000000000000000000002', 'hex'));
  await world.settle();
  connection.write(Buffer.from('3a3000002800000000000005', 'hex'));
  await world.advance(2500);
  expect(snapshot(world)).toMatchObject({ served: 1, load: 0 });
  await node.stop();
});

it('writes one line per event to its log file', async () => {
  const world = new Simulation();
  world.files.at('/pages').put('index.html', 'hello');
  const node = await replica(world, { logFile: '/logs/replica.log' });
  await fetchForeign(world.network.host('client', world.clock), AT);
  await world.settle();
  await node.stop();
  const log = Buffer.from(world.files.at('/logs').bytesOf('replica.log') ?? []).toString();
  expect(
    log
      .split('\n')
      .slice(0, -1)
      .map((line) => line.slice(25)),
  ).toEqual([
    'replica at 127.0.0.2:33000 serves /pages',
    expect.stringMatching(/^client 127\.0\.0\.1:\d+ asks \(sequence 12345\)$/),
    expect.stringMatching(/^client 127\.0\.0\.1:\d+ has the page: 5 B$/),
    'stopped',
  ]);
});
