/**
 * What every node kind must hold, whatever it does: it binds the ports its manifest names, survives anything
 * that anybody sends, drains, stops, and leaves nothing behind. A new kind is in this suite by being registered.
 */
import { describe, expect, it } from 'vitest';
import type { NodeManifest } from '../contract/manifest';
import { configSchema } from '../contract/schema';
import type { Connection, CreateNode, NodeProgram } from '../runtime/context';
import { seededRandom } from '../runtime/random';
import { Simulation } from '../runtime/testing/simulation';
import { manifests } from './manifests';

const programs = import.meta.glob<{ createNode: CreateNode<never> }>('./*/node.ts');

/**
 * Kinds whose protocol pushes on every connection that is open, so that a silent one is somebody who listens:
 * they bound the number of connections instead of the time.
 */
const pushesToTheSilent = new Set(['monitor']);

interface Ports {
  tcp: number[];
  udp: number[];
}

function portsOf(manifest: NodeManifest): Record<string, { transport: 'tcp' | 'udp'; port: number }> {
  const ports: Record<string, { transport: 'tcp' | 'udp'; port: number }> = {};
  for (const field of Object.values(manifest.fields)) {
    if (field.control === 'port') ports[field.port] = { transport: field.transport, port: field.default };
  }
  return ports;
}

/** A configuration as the core resolves it: defaults, no links, a folder in memory. */
function defaultConfig(manifest: NodeManifest): Record<string, unknown> {
  const config = configSchema(manifest.fields).parse({});
  for (const [key, field] of Object.entries(manifest.fields)) {
    if (field.control === 'folder') config[key] = `/${manifest.id}/${key}`;
    if (field.control === 'text' && field.defaultFromName) config[key] = `${manifest.namePrefix}1`;
  }
  return config;
}

async function start(
  manifest: NodeManifest,
): Promise<{ world: Simulation; node: NodeProgram; ports: Ports }> {
  const world = new Simulation();
  const load = programs[`./${manifest.id}/node.ts`];
  if (!load) throw new Error(`There is no src/nodes/${manifest.id}/node.ts.`);
  const node = (await load()).createNode(defaultConfig(manifest) as never, world.context('node'));
  const bound = await inTime(world, node.start());
  const expected = portsOf(manifest);
  expect(bound).toEqual(Object.fromEntries(Object.entries(expected).map(([name, { port }]) => [name, port])));
  const numbers = (transport: 'tcp' | 'udp'): number[] =>
    Object.values(expected)
      .filter((port) => port.transport === transport)
      .map(({ port }) => port);
  return { world, node, ports: { tcp: numbers('tcp'), udp: numbers('udp') } };
}

/** Lets simulated time pass until `promise` settles; a minute of it is enough for anything here. */
async function inTime<Value>(world: Simulation, promise: Promise<Value>): Promise<Value> {
  let settled = false;
  void promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  for (let waited = 0; !settled && waited < 60_000; waited += 250) await world.advance(250);
  if (!settled) throw new Error('It did not happen within a minute.');
  return promise;
}

async function connect(
  world: Simulation,
  port: number,
): Promise<{ connection: Connection; closed: () => boolean }> {
  const connection = await world.network.host('tester', world.clock).connect({ host: '127.0.0.1', port });
  let closed = false;
  connection.handle({
    data: () => {},
    close: () => {
      closed = true;
    },
  });
  return { connection, closed: () => closed };
}

function junk(seed: number, length: number): Uint8Array {
  const random = seededRandom(seed);
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

describe.each(manifests.map((manifest) => [manifest.id, manifest] as const))('%s', (_id, manifest) => {
  it('binds the ports of its manifest and gives them back when it stops', async () => {
    const { world, node } = await start(manifest);
    await inTime(world, node.stop());
    await world.settle();
    expect([...world.network.listeners.keys(), ...world.network.sockets.keys()]).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  it('fails to start with the reason when a port is taken', async () => {
    const world = new Simulation();
    const taken = Object.values(portsOf(manifest))[0];
    if (!taken) return;
    const at = { host: '127.0.0.1', port: taken.port };
    const other = world.network.host('other', world.clock);
    if (taken.transport === 'tcp') await other.listen(at, () => {});
    else await other.bind(at, () => {});
    const load = programs[`./${manifest.id}/node.ts`];
    const node = (await load?.())?.createNode(defaultConfig(manifest) as never, world.context('node'));
    await expect(node && inTime(world, node.start())).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('survives junk on every port, whole and byte by byte, and goes on serving', async () => {
    const { world, node, ports } = await start(manifest);
    for (const segmentSize of [Number.POSITIVE_INFINITY, 1]) {
      world.network.segmentSize = segmentSize;
      for (const port of ports.tcp) {
        for (const bytes of [junk(port, 3000), Buffer.from('\0\n\r\n\n \n'), Buffer.alloc(5000, 'A')]) {
          const { connection } = await connect(world, port);
          connection.write(bytes);
          await world.advance(100);
          connection.end();
          await world.advance(100);
        }
      }
    }
    const sender = await world.network.host('tester').bind({ host: '127.0.0.1', port: 0 }, () => {});
    for (const port of ports.udp) {
      for (let length = 0; length < 200; length += 7) {
        sender.send(junk(length, length), { host: '127.0.0.1', port });
      }
    }
    await world.advance(1000);
    for (const port of ports.tcp) expect((await connect(world, port)).closed()).toBe(false);
    await inTime(world, node.stop());
  });

  it('does not let a silent peer or an endless line hold a connection for ever', async () => {
    const { world, node, ports } = await start(manifest);
    for (const port of ports.tcp) {
      const silent = await connect(world, port);
      const endless = await connect(world, port);
      for (let sent = 0; sent < 64 && !endless.closed(); sent++) {
        endless.connection.write(Buffer.alloc(64 * 1024, 'A'));
        await world.settle();
      }
      await world.advance(10 * 60_000);
      expect(endless.closed()).toBe(true);
      expect(silent.closed()).toBe(!pushesToTheSilent.has(manifest.id));
    }
    await inTime(world, node.stop());
  });

  it('drains at once when it has no clients, and takes no new ones', async () => {
    const { world, node, ports } = await start(manifest);
    await inTime(world, node.drain());
    for (const port of ports.tcp) {
      const attempt = connect(world, port).then(async ({ connection, closed }) => {
        connection.write('GET hello.txt\n');
        await world.advance(1000);
        if (!closed()) throw new Error('served while draining');
      });
      await attempt.catch((error: Error & { code?: string }) => expect(error.code).toBe('ECONNREFUSED'));
    }
    await inTime(world, node.stop());
    await world.settle();
    expect(world.clock.pending).toBe(0);
  });
});
