/**
 * Fifteen simulated minutes of random faults over a Micro-CDN of twenty nodes with downloads going on all the
 * time. Everything is seeded: a run that fails can be repeated.
 */
import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { FaultSpec } from '../contract/fault';
import type { Fields } from '../contract/fields';
import type { DownloadResult } from '../nodes/client/manifest';
import { manifest as clientManifest } from '../nodes/client/manifest';
import { createNode as createClient } from '../nodes/client/node';
import { manifest as contentManifest } from '../nodes/content-server/manifest';
import { createNode as createContent } from '../nodes/content-server/node';
import { manifest as indexManifest } from '../nodes/index-server/manifest';
import { createNode as createIndex } from '../nodes/index-server/node';
import { manifest as monitorManifest } from '../nodes/monitor/manifest';
import { createNode as createMonitor } from '../nodes/monitor/node';
import type { CreateNode, NodeProgram } from '../runtime/context';
import { createFaultyContext } from '../runtime/faulty-context';
import { seededRandom } from '../runtime/random';
import { Simulation } from '../runtime/testing/simulation';
import type { FaultDefinition } from './fault';
import { faults as registry } from './registry';
import { RecordingMachine } from './testing/worlds';

const HOST = '127.0.0.1';
const INDEX = { host: HOST, port: 5050 };
const SERVERS = 14;
const CLIENTS = 4;
const MINUTES = 15;
/** A node that was told to die is started again after this. */
const RESTART_MS = 5000;

interface Running {
  name: string;
  program: NodeProgram;
  setFaults(faults: FaultSpec[]): void;
  machine: RecordingMachine;
  crashesSeen: number;
}

class Soak {
  readonly sim: Simulation;
  readonly random: () => number;
  readonly nodes = new Map<string, Running>();
  readonly files = new Map<string, Uint8Array>();
  readonly faults = new Map<string, FaultSpec[]>();
  readonly down = new Map<string, number>();
  readonly failures: string[] = [];
  done = 0;
  failed = 0;
  hashed = 0;
  /** Wrong bytes that were found out before they were delivered. */
  caught = 0;
  deaths = 0;
  #stopping = false;
  #faultsSet = 0;

  constructor(readonly seed: number) {
    this.sim = new Simulation(seed);
    this.random = seededRandom(seed);
    for (let n = 0; n < 6; n++) {
      const bytes = new Uint8Array(1000 + Math.floor(this.random() * 60_000));
      for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(this.random() * 256);
      this.files.set(`file-${n}.bin`, bytes);
    }
  }

  get names(): string[] {
    const many = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, n) => `${prefix}${n + 1}`);
    return ['index', 'monitor', ...many('CS', SERVERS), ...many('client', CLIENTS)];
  }

  async start(name: string): Promise<void> {
    const number = Number(/\d+$/.exec(name)?.[0] ?? 0);
    if (name === 'index') {
      return this.#start(name, createIndex, indexManifest.fields, { monitor: { host: HOST, port: 6001 } });
    }
    if (name === 'monitor') return this.#start(name, createMonitor, monitorManifest.fields, { index: INDEX });
    if (name.startsWith('client')) {
      return this.#start(name, createClient, clientManifest.fields, { index: INDEX, out: `/${name}` });
    }
    const tcpPort = 7001 + (number - 1) * 100;
    const ports = { tcpPort, udpPort: tcpPort + 1 };
    const links = { index: INDEX, monitor: { host: HOST, port: 6000 } };
    return this.#start(name, createContent, contentManifest.fields, {
      ...{ serverId: name, files: `/${name}` },
      ...ports,
      ...links,
    });
  }

  async #start<Config>(
    name: string,
    createNode: CreateNode<Config>,
    fields: Fields,
    config: Record<string, unknown>,
  ): Promise<void> {
    const machine = new RecordingMachine(() => this.sim.clock.now());
    const { context, setFaults } = createFaultyContext(this.sim.context(name), machine);
    setFaults(this.faults.get(name) ?? []);
    const defaults = Object.fromEntries(
      Object.entries(fields).map(([key, field]) => [key, 'default' in field ? field.default : null]),
    );
    const program = createNode({ ...defaults, ...config } as Config, context);
    this.nodes.set(name, { name, program, setFaults, machine, crashesSeen: 0 });
    // A start may take long, or never end, when the node's faults say so.
    program.start().catch((error: Error) => {
      if (!this.#stopping) this.failures.push(`${name} did not start: ${error.message}`);
    });
  }

  /** Puts a random fault on a random node, or on what it has with another. */
  disturb(): void {
    const name = this.#pick(this.names);
    const node = this.nodes.get(name);
    if (!node || this.down.has(name)) return;
    const definition = this.#pick(registry.filter(({ byCore }) => !byCore));
    const fault: FaultSpec = {
      id: `f${this.#faultsSet++}`,
      kind: definition.kind,
      node: name,
      scope:
        definition.targets.includes('node') || this.random() < 0.5 ? {} : { endpoints: [this.#somePeer()] },
      params: this.#params(definition),
      seed: Math.floor(this.random() * 2 ** 32),
      enabled: true,
      ...(this.random() < 0.3 ? { schedule: { forMs: 3000, onMs: 700, offMs: 300 } } : {}),
      ...(this.random() < 0.3 ? { pick: { probability: 0.5 } } : {}),
    };
    this.#set(node, [...(this.faults.get(name) ?? []), fault]);
  }

  /** Takes a random fault away. */
  heal(): void {
    const name = this.#pick(this.names);
    const node = this.nodes.get(name);
    const [, ...rest] = this.faults.get(name) ?? [];
    if (node) this.#set(node, rest);
  }

  healAll(): void {
    for (const node of this.nodes.values()) this.#set(node, []);
  }

  /** Carries out deaths that faults have asked for, and starts the dead again. */
  async reap(): Promise<void> {
    const now = this.sim.clock.now();
    for (const node of [...this.nodes.values()]) {
      if (node.machine.crashes === 0 || this.down.has(node.name)) continue;
      this.deaths++;
      this.sim.crash(node.name);
      this.nodes.delete(node.name);
      this.down.set(node.name, now + RESTART_MS);
      const kept = (this.faults.get(node.name) ?? []).filter(({ kind }) => !endsWithProcess(kind));
      this.faults.set(node.name, kept);
    }
    for (const [name, at] of [...this.down]) {
      if (at > now) continue;
      this.down.delete(name);
      await this.start(name);
    }
  }

  /** What the simulation has written down is not the nodes' memory. */
  forgetRecords(): void {
    for (const name of this.nodes.keys()) {
      const { events, logs, traces } = this.sim.recorded(name);
      for (const list of [events, logs, traces]) list.length = 0;
    }
  }

  /** Downloads random files one after the other, until the end. */
  async shop(client: string): Promise<void> {
    while (!this.#stopping) {
      const running = this.nodes.get(client);
      if (!running) {
        await this.sim.clock.sleep(1000);
        continue;
      }
      await this.fetch(running, this.#pick([...this.files.keys()]));
      await this.sim.clock.sleep(500);
    }
  }

  /** One download, checked; true when the file arrived whole. */
  async fetch(client: Running, name: string): Promise<boolean> {
    const scope = { signal: new AbortController().signal, progress: () => {} };
    // A client that is killed never answers: whoever waits for it gives up.
    const givenUp = this.sim.clock.sleep(120_000).then(() => null);
    try {
      const asked = client.program.operations?.download?.({ name } as never, scope);
      const result = (await Promise.race([asked, givenUp])) as DownloadResult | null;
      if (!result) return false;
      this.done++;
      this.caught += result.marks.filter(({ text }) => text.startsWith('From ')).length;
      const expected = sha256(this.files.get(name) as Uint8Array);
      const saved = this.sim.files.at(`/${client.name}`).bytesOf(result.path.split('/').at(-1) as string);
      const right = saved !== undefined && sha256(saved) === expected;
      if (result.verified === 'size and hash') {
        this.hashed++;
        if (!right) this.failures.push(`${client.name} calls a wrong ${name} verified`);
      }
      await this.sim.files.at(`/${client.name}`).remove(result.path.split('/').at(-1) as string);
      return right;
    } catch (error) {
      this.failed++;
      const { code } = error as { code?: string };
      if (code === undefined) this.failures.push(`${client.name}, ${name}: ${(error as Error).stack}`);
      return false;
    }
  }

  stopShopping(): void {
    this.#stopping = true;
  }

  #set(node: Running, faults: FaultSpec[]): void {
    this.faults.set(node.name, faults);
    node.setFaults(faults);
  }

  #somePeer() {
    const ports = [5050, 6000, 6001, ...Array.from({ length: SERVERS }, (_, n) => 7001 + n * 100)];
    return { host: HOST, port: this.#pick(ports) };
  }

  #params({ fields }: FaultDefinition): Record<string, unknown> {
    const params: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(fields)) {
      if (field.control !== 'number' || this.random() < 0.5) continue;
      // Near the default, where faults hurt and yet let something through.
      params[name] = Math.max(field.min, Math.min(field.max, field.default * (0.2 + 2 * this.random())));
      if (Number.isInteger(field.default))
        params[name] = Math.max(field.min, Math.round(params[name] as number));
    }
    return params;
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }
}

function endsWithProcess(kind: string): boolean {
  return registry.find((each) => each.kind === kind)?.endsWithProcess === true;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Bytes of the heap after a full collection. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** `SOAK_SEEDS=1-200` runs many; without it, few enough for every build. */
function seeds(): number[] {
  const [first, last] = (process.env.SOAK_SEEDS ?? '').split('-').map(Number);
  if (!first) return [20_261_121, 777];
  return Array.from({ length: (last ?? first) - first + 1 }, (_, n) => first + n);
}

let caught = 0;

it.each(seeds())(
  'survives everything, delivers nothing wrong as verified, and heals (seed %i)',
  {
    timeout: 300_000,
  },
  async (seed) => {
    const soak = new Soak(seed);
    const names = [...soak.files.keys()];
    for (let server = 1; server <= SERVERS; server++) {
      // Each file is on seven servers.
      for (let n = 0; n < 3; n++) {
        const name = names[(server + n) % names.length] as string;
        soak.sim.files.at(`/CS${server}`).put(name, soak.files.get(name) as Uint8Array);
      }
    }
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    try {
      for (const name of soak.names) await soak.start(name);
      await soak.sim.advance(5000);
      for (let client = 1; client <= CLIENTS; client++) void soak.shop(`client${client}`);

      let early = 0;
      for (let second = 0; second < MINUTES * 60; second++) {
        if (soak.random() < 0.15) soak.disturb();
        if (soak.random() < 0.15) soak.heal();
        if (second % 60 === 59) soak.healAll();
        await soak.sim.advance(1000);
        await soak.reap();
        soak.forgetRecords();
        if (second === 180) early = heap();
      }
      soak.stopShopping();
      soak.healAll();
      // The dead are started, time-outs end, servers register again.
      for (let second = 0; second < 180; second++) {
        await soak.sim.advance(1000);
        await soak.reap();
        soak.forgetRecords();
      }
      const late = heap();

      expect(soak.failures).toEqual([]);
      expect(unhandled).toEqual([]);
      // It was a soak: much went right, something went wrong, somebody died.
      expect(soak.hashed).toBeGreaterThan(200);
      expect(soak.failed + soak.deaths).toBeGreaterThan(0);
      caught += soak.caught;
      expect(late - early).toBeLessThan(20_000_000);

      for (let n = 1; n <= CLIENTS; n++) {
        const client = soak.nodes.get(`client${n}`) as Running;
        for (const name of names) {
          let arrived: boolean | undefined;
          void soak.fetch(client, name).then((whole) => {
            arrived = whole;
          });
          for (let second = 0; second < 60 && arrived === undefined; second++) await soak.sim.advance(1000);
          expect([client.name, name, arrived]).toEqual([client.name, name, true]);
        }
      }
    } finally {
      process.off('unhandledRejection', onUnhandled);
    }
  },
);

it('found wrong bytes out, so that the above was no luck', () => {
  expect(caught).toBeGreaterThan(0);
});

it('asks an index that resets every connection again and again, but not without a pause', async () => {
  const soak = new Soak(1);
  await soak.start('index');
  await soak.start('CS1');
  await soak.sim.advance(1000);
  const server = soak.nodes.get('CS1') as Running;
  server.setFaults([
    { id: 'reset', kind: 'reset', node: 'CS1', scope: {}, params: { after: 0 }, enabled: true },
  ]);
  await soak.sim.advance(10_000);
  const asked = soak.sim.recorded('CS1').traces.filter((trace) => trace.startsWith('> '));
  expect(asked.length).toBeGreaterThan(2);
  expect(asked.length).toBeLessThan(200);
});
