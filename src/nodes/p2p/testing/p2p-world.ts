/** P2P networks in memory, under a clock that stands still, and foreign peers that know only the seed. */
import type { Endpoint } from '../../../contract/endpoint';
import type { FaultSpec } from '../../../contract/fault';
import type { Fields } from '../../../contract/fields';
import type { Connection, CreateNode, NodeProgram, OperationScope } from '../../../runtime/context';
import { createFaultyContext } from '../../../runtime/faulty-context';
import type { MemoryFolder } from '../../../runtime/testing/memory-files';
import { type Recorded, Simulation } from '../../../runtime/testing/simulation';
import {
  manifest as indexManifest,
  type P2pIndexConfig,
  type P2pIndexSnapshot,
} from '../../p2p-index/manifest';
import { createNode as createIndex } from '../../p2p-index/node';
import {
  type P2pPeerConfig,
  type P2pPeerOperations,
  type P2pPeerSnapshot,
  type PeerDownloadProgress,
  type PeerDownloadResult,
  manifest as peerManifest,
} from '../../p2p-peer/manifest';
import { createNode as createPeer } from '../../p2p-peer/node';

export const INDEX: Endpoint = { host: '127.0.0.1', port: 9000 };

function defaultsOf(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, field]) => [key, 'default' in field ? field.default : null]),
  );
}

/** The same bytes for the same seed; no two pieces alike. */
export function content(size: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(size);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < size; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

export interface StartedDownload {
  result: Promise<PeerDownloadResult>;
  progress: PeerDownloadProgress[];
  cancel(): void;
}

export class P2pWorld {
  readonly sim: Simulation;
  readonly #programs = new Map<string, NodeProgram>();
  readonly #faults = new Map<string, (faults: FaultSpec[]) => void>();

  constructor(seed = 1) {
    this.sim = new Simulation(seed);
  }

  async index(config: Partial<P2pIndexConfig> = {}): Promise<NodeProgram> {
    return this.#start('index', createIndex, {
      ...defaultsOf(indexManifest.fields),
      data: '/index',
      ...config,
    });
  }

  /** peer1 serves on port 9001 from folder /peer1, and so on. Waits until it has registered, if it wants to. */
  async peer(number: number, config: Partial<P2pPeerConfig> = {}): Promise<NodeProgram> {
    const name = `peer${number}`;
    const defaults = {
      ...defaultsOf(peerManifest.fields),
      index: INDEX,
      tcpPort: 9000 + number,
      files: `/${name}`,
    };
    const program = await this.#start(name, createPeer, { ...defaults, ...config });
    if (config.register !== false) await this.until(() => this.snapshot(number).index !== 'connecting');
    return program;
  }

  folder(number: number): MemoryFolder {
    return this.sim.files.at(`/peer${number}`);
  }

  snapshot(number: number): P2pPeerSnapshot {
    return this.sim.recorded(`peer${number}`).snapshot() as unknown as P2pPeerSnapshot;
  }

  indexSnapshot(): P2pIndexSnapshot {
    return this.sim.recorded('index').snapshot() as unknown as P2pIndexSnapshot;
  }

  recorded(number: number): Recorded {
    return this.sim.recorded(`peer${number}`);
  }

  eventsOf(number: number): string[] {
    return this.recorded(number).events.map(({ type }) => type);
  }

  operate<Name extends keyof P2pPeerOperations>(
    number: number,
    operation: Name,
    input: P2pPeerOperations[Name]['input'],
    scope: OperationScope = { signal: new AbortController().signal, progress: () => {} },
  ): Promise<P2pPeerOperations[Name]['output']> {
    const run = this.#programs.get(`peer${number}`)?.operations?.[operation];
    if (!run) throw new Error(`There is no operation ${operation}.`);
    return this.inTime(
      Promise.resolve(run(input as never, scope)) as Promise<P2pPeerOperations[Name]['output']>,
    );
  }

  /** Begins a download without waiting for it. */
  download(
    number: number,
    name: string,
    more: Partial<P2pPeerOperations['download']['input']> = {},
  ): StartedDownload {
    const controller = new AbortController();
    const progress: PeerDownloadProgress[] = [];
    const run = this.#programs.get(`peer${number}`)?.operations?.download;
    const scope = {
      signal: controller.signal,
      progress: (value: unknown) => progress.push(value as PeerDownloadProgress),
    };
    const result = Promise.resolve(run?.({ name, ...more } as never, scope)) as Promise<PeerDownloadResult>;
    result.catch(() => {});
    return { result, progress, cancel: () => controller.abort() };
  }

  async fetch(number: number, name: string): Promise<PeerDownloadResult> {
    return this.inTime(this.download(number, name).result);
  }

  /** Lets simulated time pass until `promise` settles; two minutes of it at most. */
  async inTime<Value>(promise: Promise<Value>): Promise<Value> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    await this.until(() => settled);
    return promise;
  }

  async until(condition: () => boolean): Promise<void> {
    for (let waited = 0; !condition() && waited < 120_000; waited += 20) {
      await this.sim.advance(20);
      // Hashing a password takes real time, off the main thread: simulated time must not run away from it.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    if (!condition()) throw new Error('It did not happen within two minutes.');
  }

  /** Breaks what a peer sends, or all of it, with one of the studio's faults. */
  fault(number: number, kind: string, params: Record<string, unknown> = {}): void {
    const node = `peer${number}`;
    this.#faults.get(node)?.([{ id: 'f', kind, node, scope: { direction: 'out' }, params, enabled: true }]);
  }

  /** kill -9 */
  crash(number: number): void {
    this.sim.crash(`peer${number}`);
    this.#programs.delete(`peer${number}`);
  }

  /** Stops everything; what is left of timers and sockets would be a leak. */
  async stop(): Promise<{ timers: number; listeners: number; sockets: number }> {
    for (const heal of this.#faults.values()) heal([]);
    for (const program of this.#programs.values()) await this.inTime(program.stop());
    await this.sim.advance(100);
    return {
      timers: this.sim.clock.pending,
      listeners: this.sim.network.listeners.size,
      sockets: this.sim.network.sockets.size,
    };
  }

  async #start(
    name: string,
    create: CreateNode<never>,
    config: Record<string, unknown>,
  ): Promise<NodeProgram> {
    const { context, setFaults } = createFaultyContext(this.sim.context(name));
    this.#faults.set(name, setFaults);
    const program = create(config as never, context);
    this.#programs.set(name, program);
    await this.inTime(program.start());
    return program;
  }
}

/** A foreign program's connection: what each receive brought, as text. */
export class ForeignConnection {
  readonly received: Buffer[] = [];
  closed = false;
  error: Error | undefined;

  constructor(
    readonly world: P2pWorld,
    readonly connection: Connection,
  ) {
    connection.handle({
      data: (bytes) => this.received.push(Buffer.from(bytes)),
      close: (error) => {
        this.closed = true;
        this.error = error;
      },
    });
  }

  static async to(world: P2pWorld, port: number, as = 'foreign'): Promise<ForeignConnection> {
    const connect = world.sim.network.host(as).connect({ host: '127.0.0.1', port });
    return new ForeignConnection(world, await world.inTime(connect));
  }

  get text(): string {
    return Buffer.concat(this.received).toString();
  }

  /** Sends, and returns what comes within half a second. */
  async say(text: string): Promise<string> {
    this.received.length = 0;
    this.connection.write(text);
    await this.world.sim.advance(500);
    return this.text;
  }
}
