import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { configSchema } from '../../contract/schema';
import type { Connection } from '../../runtime/context';
import { Simulation } from '../../runtime/testing/simulation';
import { manifest as replicaManifest } from '../replica-server/manifest';
import { createNode as createReplica } from '../replica-server/node';
import { foreignBalancer, foreignReplica } from '../shared/testing/foreign-replica-peers';
import { type FetchResult, manifest, type ReplicaClientConfig } from './manifest';
import { createNode } from './node';

const BALANCER = { host: '127.0.0.1', port: 33_000 };
const REPLICA = { host: '127.0.0.2', port: 33_000 };
const noise = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255));

interface Fetch {
  outcome: Promise<FetchResult>;
  progress: Record<string, unknown>[];
  cancel(): void;
  cancelAll(): void;
}

async function begin(world: Simulation, config: Partial<ReplicaClientConfig> = {}): Promise<Fetch> {
  const defaults = configSchema(manifest.fields).parse({}) as ReplicaClientConfig;
  const node = createNode(
    { ...defaults, balancer: BALANCER, out: '/out', ...config },
    world.context('client'),
  );
  await node.start();
  const controller = new AbortController();
  const progress: Record<string, unknown>[] = [];
  const operations = node.operations as unknown as {
    fetch(input: undefined, scope: unknown): Promise<FetchResult>;
    cancel(): void;
  };
  const outcome = operations.fetch(undefined, {
    signal: controller.signal,
    progress: (value: never) => void progress.push(value),
  });
  outcome.catch(() => {});
  return { outcome, progress, cancel: () => controller.abort(), cancelAll: operations.cancel };
}

async function fetched(world: Simulation, config: Partial<ReplicaClientConfig> = {}): Promise<FetchResult> {
  const { outcome } = await begin(world, config);
  for (let waited = 0; waited < 100; waited++) await world.advance(100);
  return outcome;
}

const saved = (world: Simulation, name = 'page.html'): Buffer =>
  Buffer.from(world.files.at('/out').bytesOf(name) ?? []);

it.each(['close', 'reset', 'never'] as const)('gets a page from foreign programs that %s', async (ending) => {
  const world = new Simulation();
  const others = world.network.host('foreign', world.clock);
  await foreignBalancer(others, BALANCER, '127.0.0.2', { ending: ending === 'reset' ? 'close' : ending });
  const { received } = await foreignReplica(others, REPLICA, noise(1300), { ending });
  const result = await fetched(world);
  expect(result).toMatchObject({
    bytes: 1300,
    bulk: false,
    verified: 'end mark',
    replica: '127.0.0.2:33000',
  });
  expect(saved(world).equals(noise(1300))).toBe(true);
  expect(received[0]).toEqual([
    '393000000000000000000002',
    '3a3000002102000000000004', // 0 + 33 + 512
    '3b3000004204000000000004', // 545 + 33 + 512
    '3c3000007705000000000005', // 1090 + 33 + 276
  ]);
});

it.each([1, 7, 523])('puts packets together that come in segments of %i bytes', async (segmentSize) => {
  const world = new Simulation();
  world.network.segmentSize = segmentSize;
  const others = world.network.host('foreign', world.clock);
  await foreignBalancer(others, BALANCER, '127.0.0.2');
  await foreignReplica(others, REPLICA, noise(1300));
  await fetched(world);
  expect(saved(world).equals(noise(1300))).toBe(true);
});

it('takes parts that are neither full nor last', async () => {
  const world = new Simulation();
  const others = world.network.host('foreign', world.clock);
  await foreignBalancer(others, BALANCER, '127.0.0.2');
  await foreignReplica(others, REPLICA, noise(1000), { partSize: 300 });
  await fetched(world);
  expect(saved(world).equals(noise(1000))).toBe(true);
});

async function ourReplica(world: Simulation, page: Buffer): Promise<void> {
  world.files.at('/pages').put('index.html', page);
  const defaults = configSchema(replicaManifest.fields).parse({});
  await createReplica(
    { ...defaults, ...REPLICA, files: '/pages' } as never,
    world.context('replica'),
  ).start();
}

it('gets a page from a replica of ours in one piece, verified by its hash', async () => {
  const world = new Simulation();
  await foreignBalancer(world.network.host('foreign', world.clock), BALANCER, '127.0.0.2');
  await ourReplica(world, noise(300_000));
  const result = await fetched(world);
  expect(result).toMatchObject({ bytes: 300_000, bulk: true, verified: 'size and hash' });
  expect(result.sha256).toBe(createHash('sha256').update(noise(300_000)).digest('hex'));
  expect(saved(world).equals(noise(300_000))).toBe(true);
});

it('stays with stop-and-wait when told to be strict', async () => {
  const world = new Simulation();
  await foreignBalancer(world.network.host('foreign', world.clock), BALANCER, '127.0.0.2');
  await ourReplica(world, noise(3000));
  expect(await fetched(world, { strict: true })).toMatchObject({
    bytes: 3000,
    bulk: false,
    verified: 'end mark',
  });
});

it('asks again when a replica fails, and saves nothing of the broken page', async () => {
  const world = new Simulation();
  const others = world.network.host('foreign', world.clock);
  await foreignBalancer(others, BALANCER, '127.0.0.2');
  let connections = 0;
  const first = await others.listen(REPLICA, (connection) => {
    connections++;
    connection.handle({ data: () => connection.reset() });
  });
  const { outcome, progress } = await begin(world);
  await world.advance(150);
  expect(connections).toBeGreaterThan(0);
  expect(world.files.at('/out').names.filter((name) => !name.startsWith('.'))).toEqual([]);
  await first.close();
  await foreignReplica(others, REPLICA, noise(600));
  for (let waited = 0; waited < 50; waited++) await world.advance(100);
  expect((await outcome).marks.length).toBeGreaterThan(0);
  expect(progress.length).toBeGreaterThan(1);
  expect(world.files.at('/out').names).toEqual(['page.html']);
});

it('gives up after its attempts, with the reason', async () => {
  const world = new Simulation();
  await foreignBalancer(world.network.host('foreign', world.clock), BALANCER, '127.0.0.2');
  await expect(fetched(world, { attempts: 2 })).rejects.toMatchObject({ code: 'REPLICAS_FAILED' });
  expect(world.files.at('/out').names).toEqual([]);
});

it('says so when there is no balancer', async () => {
  await expect(fetched(new Simulation())).rejects.toMatchObject({ code: 'BALANCER_UNREACHABLE' });
});

it('never overwrites a file', async () => {
  const world = new Simulation();
  world.files.at('/out').put('page.html', 'mine');
  const others = world.network.host('foreign', world.clock);
  await foreignBalancer(others, BALANCER, '127.0.0.2');
  await foreignReplica(others, REPLICA, noise(10));
  await fetched(world);
  expect(saved(world).toString()).toBe('mine');
  expect(saved(world, 'page (2).html').equals(noise(10))).toBe(true);
});

it.each(['cancel', 'cancelAll'] as const)(
  'can be ended by %s while it waits, and leaves nothing behind',
  async (how) => {
    const world = new Simulation();
    await world.network
      .host('foreign', world.clock)
      .listen(BALANCER, (connection) => connection.handle({ data: () => {} }));
    const fetch = await begin(world);
    await world.advance(60_000);
    fetch[how]();
    await expect(fetch.outcome).rejects.toThrow();
    expect(world.files.at('/out').names).toEqual([]);
  },
);

it('keeps both of two pages that arrive at the same time', async () => {
  const world = new Simulation();
  const others = world.network.host('foreign', world.clock);
  await foreignBalancer(others, BALANCER, '127.0.0.2');
  await foreignReplica(others, REPLICA, noise(1300));
  const out = world.files.at('/out');
  const rename = out.rename.bind(out);
  out.rename = async (...names) => {
    await world.clock.sleep(1000);
    return rename(...names);
  };
  const defaults = configSchema(manifest.fields).parse({}) as ReplicaClientConfig;
  const node = createNode({ ...defaults, balancer: BALANCER, out: '/out' }, world.context('client'));
  const { fetch } = node.operations as unknown as {
    fetch(input: undefined, scope: unknown): Promise<FetchResult>;
  };
  const scope = { signal: new AbortController().signal, progress: () => {} };
  const pages = Promise.all([fetch(undefined, scope), fetch(undefined, scope)]);
  pages.catch(() => {});
  for (let waited = 0; waited < 100; waited++) await world.advance(100);
  expect((await pages).map(({ path }) => path).sort()).toEqual(['/out/page (2).html', '/out/page.html']);
  for (const name of ['page.html', 'page (2).html'])
    expect(saved(world, name).equals(noise(1300))).toBe(true);
});

it('tells that no replica is up once the balancer lets it wait, and when there is one', async () => {
  const world = new Simulation();
  const others = world.network.host('foreign', world.clock);
  const waiting: Connection[] = [];
  await others.listen(BALANCER, (connection) => void waiting.push(connection));
  await foreignReplica(others, REPLICA, noise(1300));
  const { outcome, progress } = await begin(world);
  await world.advance(900);
  expect(progress).toEqual([]);
  await world.advance(60_000);
  expect(progress).toMatchObject([{ phase: 'waiting', noReplica: true }]);
  // It is asked again after it has sent the client away.
  waiting[0]?.end();
  await world.advance(5000);
  expect(progress).toHaveLength(1);
  waiting[1]?.end(Buffer.from('010000000100000000000002', 'hex').toString('latin1') + REPLICA.host);
  for (let waited = 0; waited < 20; waited++) await world.advance(100);
  expect(await outcome).toMatchObject({ bytes: 1300, noReplica: false });
  expect(progress[1]).toMatchObject({ phase: 'running', noReplica: false, replica: '127.0.0.2:33000' });
  expect(world.clock.pending).toBe(0);
});
