import { expect, it } from 'vitest';
import type { Endpoint } from '../../contract/endpoint';
import { configSchema } from '../../contract/schema';
import type { Network, NodeProgram } from '../../runtime/context';
import { Simulation } from '../../runtime/testing/simulation';
import { manifest as replicaManifest } from '../replica-server/manifest';
import { createNode as createReplica } from '../replica-server/node';
import { askForeign, fetchForeign, foreignReplica } from '../shared/testing/foreign-replica-peers';
import { type BalancerConfig, type BalancerDecision, type BalancerSnapshot, manifest } from './manifest';
import { createNode } from './node';
import { parseServers } from './servers-file';

const BALANCER = { host: '127.0.0.1', port: 33_000 };
const at = (n: number): Endpoint => ({ host: `127.0.0.${n}`, port: 33_000 });
const answer = (address: string): string => `010000000100000000000002${Buffer.from(address).toString('hex')}`;

async function balancer(
  world: Simulation,
  config: Partial<BalancerConfig>,
  around: (net: Network) => Network = (net) => net,
): Promise<NodeProgram> {
  const defaults = configSchema(manifest.fields).parse({}) as BalancerConfig;
  const context = world.context('balancer');
  const node = createNode({ ...defaults, ...config } as never, { ...context, net: around(context.net) });
  await node.start();
  await world.settle();
  return node;
}

async function replica(world: Simulation, n: number, port = 33_000): Promise<NodeProgram> {
  world.files.at(`/pages${n}`).put('index.html', `page of ${n}`);
  const defaults = configSchema(replicaManifest.fields).parse({});
  const config = { ...defaults, host: at(n).host, port, files: `/pages${n}` };
  const node = createReplica(config as never, world.context(`replica${n}`));
  await node.start();
  return node;
}

const snapshot = (world: Simulation): BalancerSnapshot =>
  world.recorded('balancer').snapshot() as unknown as BalancerSnapshot;
const states = (world: Simulation): string[] => snapshot(world).replicas.map(({ state }) => state);
const client = (world: Simulation) => world.network.host('client', world.clock);

it('tells a foreign client, unasked, the address of a replica, byte for byte', async () => {
  const world = new Simulation();
  await replica(world, 2);
  await balancer(world, { replicas: [at(2)] });
  expect(await askForeign(client(world), BALANCER)).toBe(answer('127.0.0.2'));
  expect((await fetchForeign(client(world), at(2))).page.toString()).toBe('page of 2');
});

it('names the port only where it is another one than its own', async () => {
  const world = new Simulation();
  await replica(world, 1, 33_001);
  await balancer(world, { replicas: [{ host: '127.0.0.1', port: 33_001 }] });
  expect(await askForeign(client(world), BALANCER)).toBe(answer('127.0.0.1:33001'));
  expect(snapshot(world).replicas[0]?.forForeignClients).toBe(false);
});

it('tells its own replicas from foreign ones, and watches only its own', async () => {
  const world = new Simulation();
  await replica(world, 2);
  const { received } = await foreignReplica(
    world.network.host('foreign', world.clock),
    at(3),
    Buffer.from('x'),
  );
  await balancer(world, { replicas: [at(2), at(3)] });
  await world.advance(30_000);
  expect(snapshot(world).replicas.map(({ ours, state }) => [ours, state])).toEqual([
    [true, 'up'],
    [false, 'up'],
  ]);
  expect(received.flat()).toEqual([]);
  expect(world.recorded('replica2').snapshot()).toMatchObject({ watchers: 1 });
});

it('notices the death of its own replica without time passing', async () => {
  const world = new Simulation();
  await replica(world, 2);
  await replica(world, 3);
  await balancer(world, { replicas: [at(2), at(3)] });
  await world.advance(1000);
  world.crash('replica2');
  await world.settle();
  expect(states(world)).toEqual(['down', 'up']);
  expect(await askForeign(client(world), BALANCER)).toBe(answer('127.0.0.3'));
});

it('never sends a client to a foreign replica that has died', async () => {
  const world = new Simulation();
  const doomed = world.network.host('doomed', world.clock);
  await foreignReplica(doomed, at(2), Buffer.from('x'));
  await foreignReplica(world.network.host('foreign', world.clock), at(3), Buffer.from('x'));
  await balancer(world, { replicas: [at(2), at(3)] });
  await world.advance(1500);
  doomed.crash();
  expect(await askForeign(client(world), BALANCER)).toBe(answer('127.0.0.3'));
});

it('lets clients wait while nothing is up, and serves them the moment a replica appears', async () => {
  const world = new Simulation();
  await balancer(world, { replicas: [at(2)] });
  const answers: string[] = [];
  for (let n = 0; n < 3; n++) void askForeign(client(world), BALANCER).then((bytes) => answers.push(bytes));
  await world.advance(60_000);
  expect(answers).toEqual([]);
  expect(snapshot(world).waiting).toBe(3);
  await replica(world, 2);
  await world.advance(600);
  expect(answers).toEqual([answer('127.0.0.2'), answer('127.0.0.2'), answer('127.0.0.2')]);
});

it('takes a replica that hangs for down, and for up when it answers again', async () => {
  const world = new Simulation();
  await replica(world, 2);
  await replica(world, 3);
  await balancer(world, { replicas: [at(2), at(3)] });
  await world.advance(2000);
  const frozen = freeze(world, at(2));
  await world.advance(5000);
  expect(states(world)).toEqual(['down', 'up']);
  frozen.thaw();
  await world.advance(5000);
  expect(states(world)).toEqual(['up', 'up']);
});

it('sends nobody to a replica that drains', async () => {
  const world = new Simulation();
  const node = await replica(world, 2);
  await replica(world, 3);
  await balancer(world, { replicas: [at(2), at(3)] });
  await world.advance(1000);
  const chosen = snapshot(world).replicas.findIndex(({ chosen }) => chosen);
  expect(chosen).toBe(-1);
  await node.drain();
  await world.settle();
  expect(states(world)).toEqual(['draining', 'up']);
  expect(await askForeign(client(world), BALANCER)).toBe(answer('127.0.0.3'));
});

it('stays with one of two equals, and spreads clients by load', async () => {
  const world = new Simulation();
  await replica(world, 2);
  await replica(world, 3);
  const node = await balancer(world, { replicas: [at(2), at(3)] });
  const seen = new Set<string>();
  for (let n = 0; n < 5; n++) {
    await world.advance(2000);
    seen.add(await askForeign(client(world), BALANCER));
  }
  expect(seen.size).toBe(1);
  const burst = await Promise.all(Array.from({ length: 10 }, () => askForeign(client(world), BALANCER)));
  const first = burst.filter((bytes) => bytes === answer('127.0.0.2')).length;
  expect(first).toBeGreaterThanOrEqual(4);
  expect(first).toBeLessThanOrEqual(6);
  const decisions = (node.operations as unknown as { decisions(): BalancerDecision[] }).decisions();
  expect(decisions).toHaveLength(15);
  expect(decisions[0]?.ranking).toHaveLength(2);
});

it('does not take the clients of a foreign replica, which says nothing of its load, for ones that stay', async () => {
  const world = new Simulation();
  await foreignReplica(world.network.host('foreign', world.clock), at(2), Buffer.from('x'));
  await balancer(world, { replicas: [at(2)] });
  for (let n = 0; n < 10; n++) await askForeign(client(world), BALANCER);
  expect(snapshot(world).replicas[0]).toMatchObject({ load: 10, assigned: 10 });
  await world.advance(5000);
  expect(snapshot(world).replicas[0]).toMatchObject({ load: 0, assigned: 10 });
});

it('sends nobody to a replica that leaves its servers file while a client is about to be sent there', async () => {
  const world = new Simulation();
  const doomed = world.network.host('doomed', world.clock);
  await foreignReplica(doomed, at(2), Buffer.from('x'));
  await replica(world, 3);
  world.files.at('/etc').put('servers', '127.0.0.2\n');
  const { around, cut } = cutOff(world, at(2));
  await balancer(world, { serversFile: '/etc/servers', probeTimeoutMs: 1000, probeMs: 60_000 }, around);
  await world.advance(5000);
  cut();
  const asked = askForeign(client(world), BALANCER);
  world.files.at('/etc').put('servers', '127.0.0.3\n');
  await world.advance(2000);
  expect(await asked).toBe(answer('127.0.0.3'));
});

it('follows its servers file while running', async () => {
  const world = new Simulation();
  await replica(world, 2);
  await replica(world, 3);
  world.files.at('/etc').put('servers', '127.0.0.2\n');
  await balancer(world, { serversFile: '/etc/servers' });
  expect(await askForeign(client(world), BALANCER)).toBe(answer('127.0.0.2'));
  world.files.at('/etc').put('servers', '# the other one\r\n127.0.0.3\r\n');
  await world.advance(1000);
  expect(snapshot(world).replicas.map(({ address }) => address)).toEqual(['127.0.0.3:33000']);
  expect(await askForeign(client(world), BALANCER)).toBe(answer('127.0.0.3'));
  world.files.at('/etc').put('servers', 'not an address\n127.0.0.3\n');
  await world.advance(1000);
  expect(snapshot(world).serversFileError).toContain('not an address');
  await world.files.at('/etc').remove('servers');
  await world.advance(1000);
  expect(snapshot(world).serversFileError).toContain('There is no file');
  expect(states(world)).toEqual(['up']);
});

it('reads addresses with and without a port', () => {
  expect(parseServers('127.0.0.2\n127.0.0.3:5\n[::1]:7\n\n# no\n127.0.0.2\nbad one', 33_000)).toEqual({
    servers: [at(2), { host: '127.0.0.3', port: 5 }, { host: '::1', port: 7 }],
    wrongLines: ['bad one'],
  });
});

it('drains when the last waiting client is served', async () => {
  const world = new Simulation();
  const node = await balancer(world, { replicas: [at(2)] });
  const waiting = askForeign(client(world), BALANCER);
  await world.settle();
  let drained = false;
  void node.drain().then(() => {
    drained = true;
  });
  await world.advance(1000);
  expect(drained).toBe(false);
  await replica(world, 2);
  await world.advance(1000);
  expect(await waiting).toBe(answer('127.0.0.2'));
  await world.settle();
  expect(drained).toBe(true);
});

/** What SIGSTOP does: connections are still taken by the system, and nothing is answered. */
function freeze(world: Simulation, endpoint: Endpoint): { thaw(): void } {
  const key = `${endpoint.host}:${endpoint.port}`;
  const { listeners, sockets } = world.network;
  const listener = listeners.get(key);
  const socket = sockets.get(key);
  if (!listener || !socket) throw new Error(`Nobody listens at ${key}.`);
  const accept = listener.accept;
  const receive = socket.receive;
  const held: Parameters<typeof accept>[0][] = [];
  Object.assign(listener, { accept: (connection: (typeof held)[number]) => void held.push(connection) });
  Object.assign(socket, { receive: () => {} });
  for (const owned of listener.owner.owned) if ('pause' in owned) (owned.pause as () => void)();
  return {
    thaw() {
      Object.assign(listener, { accept });
      Object.assign(socket, { receive });
      for (const owned of listener.owner.owned) if ('resume' in owned) (owned.resume as () => void)();
      for (const connection of held) accept(connection);
    },
  };
}

/** From `cut` on, what is sent to this address vanishes: connecting takes its whole patience, and fails. */
function cutOff(world: Simulation, endpoint: Endpoint): { around(net: Network): Network; cut(): void } {
  let vanishes = false;
  return {
    around: (net) => ({
      listen: (at, accept) => net.listen(at, accept),
      bind: (at, receive) => net.bind(at, receive),
      async connect(to, options) {
        if (!vanishes || to.host !== endpoint.host) return net.connect(to, options);
        await world.clock.sleep(options?.timeoutMs ?? 0);
        throw Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT' });
      },
    }),
    cut() {
      vanishes = true;
    },
  };
}
