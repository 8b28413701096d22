import type { Endpoint } from '../../../contract/endpoint';
import type { FaultSpec } from '../../../contract/fault';
import type { Fields } from '../../../contract/fields';
import type { Priority } from '../../../contract/priority';
import type { CreateNode, NodeProgram } from '../../../runtime/context';
import { createFaultyContext } from '../../../runtime/faulty-context';
import { type Recorded, Simulation } from '../../../runtime/testing/simulation';
import type { ClientConfig, DownloadProgress, DownloadResult } from '../../client/manifest';
import { manifest as clientManifest } from '../../client/manifest';
import { createNode as createClient } from '../../client/node';
import type { ContentConfig } from '../../content-server/manifest';
import { manifest as contentManifest } from '../../content-server/manifest';
import { createNode as createContent } from '../../content-server/node';
import type { Decision, IndexConfig, IndexOperations, IndexSnapshot } from '../../index-server/manifest';
import { manifest as indexManifest } from '../../index-server/manifest';
import { createNode as createIndex } from '../../index-server/node';
import type { MonitorConfig } from '../../monitor/manifest';
import { manifest as monitorManifest } from '../../monitor/manifest';
import { createNode as createMonitor } from '../../monitor/node';

export const HOST = '127.0.0.1';
export const INDEX: Endpoint = { host: HOST, port: 5050 };
export const MONITOR_UDP: Endpoint = { host: HOST, port: 6000 };
export const MONITOR_TCP: Endpoint = { host: HOST, port: 6001 };

/** Every field's default, as the core resolves it for a node that is linked to nothing. */
export function defaultsOf(fields: Fields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, field]) => [
      key,
      field.control === 'link' ? null : field.control === 'links' ? [] : field.default,
    ]),
  );
}

/** A Micro-CDN in memory, on the seed's ports, under a clock that stands still. */
export class World {
  readonly sim: Simulation;
  readonly programs = new Map<string, NodeProgram>();
  readonly #faults = new Map<string, FaultSpec[]>();
  readonly #setFaults = new Map<string, (faults: FaultSpec[]) => void>();

  constructor(seed = 1) {
    this.sim = new Simulation(seed);
  }

  index(config: Partial<IndexConfig> = {}, name = 'index'): Promise<NodeProgram> {
    const defaults = { ...defaultsOf(indexManifest.fields), monitor: MONITOR_TCP };
    return this.#start(name, createIndex, { ...defaults, ...config });
  }

  monitor(config: Partial<MonitorConfig> = {}): Promise<NodeProgram> {
    const defaults = { ...defaultsOf(monitorManifest.fields), index: INDEX };
    return this.#start('monitor', createMonitor, { ...defaults, ...config });
  }

  /** CS1 on 7001, CS2 on 7101, … with a folder of its own name. */
  content(number: number, config: Partial<ContentConfig> = {}): Promise<NodeProgram> {
    const id = `CS${number}`;
    return this.#start(id, createContent, {
      ...defaultsOf(contentManifest.fields),
      serverId: id,
      tcpPort: 7001 + (number - 1) * 100,
      udpPort: 7002 + (number - 1) * 100,
      files: `/${id}`,
      index: INDEX,
      monitor: MONITOR_UDP,
      ...config,
    });
  }

  client(config: Partial<ClientConfig> = {}, name = 'client'): Promise<NodeProgram> {
    const defaults = { ...defaultsOf(clientManifest.fields), index: INDEX, out: '/downloads' };
    return this.#start(name, createClient, { ...defaults, ...config });
  }

  /** Index, monitor and `servers` content servers with the same file, all settled and heard of. */
  async sample(servers = 2, files: Record<string, string | Uint8Array> = { 'hello.txt': 'Hello, world!\n' }) {
    await this.index();
    await this.monitor();
    for (let number = 1; number <= servers; number++) {
      for (const [name, content] of Object.entries(files)) this.put(number, name, content);
      await this.content(number);
    }
    await this.client();
    await this.sim.advance(2000);
  }

  put(server: number, name: string, content: string | Uint8Array): void {
    this.sim.files.at(`/CS${server}`).put(name, content);
  }

  /** Replaces the faults of a node; they hold for its next processes, too. */
  setFaults(node: string, ...faults: (Pick<FaultSpec, 'kind'> & Partial<FaultSpec>)[]): void {
    const complete = faults.map((fault, at) => ({
      ...{ id: `${node} ${at}`, node, scope: {}, params: {}, enabled: true },
      ...fault,
    }));
    this.#faults.set(node, complete);
    this.#setFaults.get(node)?.(complete);
  }

  crash(name: string): void {
    this.sim.crash(name);
    this.programs.delete(name);
  }

  async stop(name: string): Promise<void> {
    const stopped = this.programs.get(name)?.stop();
    this.programs.delete(name);
    await this.sim.advance(300);
    await stopped;
  }

  /** Ends all nodes; afterwards no timer may be left. */
  async end(): Promise<void> {
    for (const name of [...this.programs.keys()]) await this.stop(name);
    await this.sim.advance(15_000);
  }

  recorded(name: string): Recorded {
    return this.sim.recorded(name);
  }

  events(name: string, type: string): string[] {
    return this.recorded(name)
      .events.filter((event) => event.type === type)
      .map((event) => event.text);
  }

  indexSnapshot(): IndexSnapshot {
    return this.recorded('index').snapshot() as unknown as IndexSnapshot;
  }

  statusOf(serverId: string): string | undefined {
    return this.indexSnapshot().servers.find((server) => server.serverId === serverId)?.status;
  }

  decisions(): Decision[] {
    return this.#operate('index', 'decisions', {}) as Decision[];
  }

  catalogue(query: Partial<IndexOperations['catalogue']['input']> = {}) {
    return this.#operate('index', 'catalogue', {
      ...{ search: '', sort: 'name', descending: false, offset: 0, limit: 100 },
      ...query,
    }) as Promise<IndexOperations['catalogue']['output']>;
  }

  /** Begins a download, which goes on while the clock is advanced. */
  download(
    name: string,
    options: { client?: string; folder?: string; keepPartial?: boolean; priority?: Priority } = {},
  ): RunningDownload {
    const { client = 'client', ...rest } = options;
    return new RunningDownload((scope) => this.#operate(client, 'download', { name, ...rest }, scope));
  }

  /** Of a download of the client that is under way. */
  prioritise(name: string, priority: Priority): void {
    this.#operate('client', 'control', { name, priority });
  }

  async #start<Config>(
    name: string,
    createNode: CreateNode<Config>,
    config: Record<string, unknown>,
  ): Promise<NodeProgram> {
    const { context, setFaults } = createFaultyContext(this.sim.context(name));
    this.#setFaults.set(name, setFaults);
    setFaults(this.#faults.get(name) ?? []);
    const program = createNode(config as Config, context);
    this.programs.set(name, program);
    await program.start();
    await this.sim.settle();
    return program;
  }

  #operate(node: string, operation: string, input: unknown, scope?: unknown): unknown {
    const run = this.programs.get(node)?.operations?.[operation];
    if (!run) throw new Error(`${node} has no operation ${operation}.`);
    return run(
      input as never,
      (scope ?? { signal: new AbortController().signal, progress: () => {} }) as never,
    );
  }
}

/** One download under way, and what it has reported. */
export class RunningDownload {
  readonly #controller = new AbortController();
  readonly progress: DownloadProgress[] = [];
  readonly result: Promise<DownloadResult>;
  outcome: DownloadResult | undefined;
  error: (Error & { code?: string }) | undefined;

  constructor(run: (scope: unknown) => unknown) {
    const scope = {
      signal: this.#controller.signal,
      progress: (value: DownloadProgress) => void this.progress.push(value),
    };
    this.result = run(scope) as Promise<DownloadResult>;
    this.result.then(
      (outcome) => {
        this.outcome = outcome;
      },
      (error: Error) => {
        this.error = error;
      },
    );
  }

  get over(): boolean {
    return this.outcome !== undefined || this.error !== undefined;
  }

  get marks(): string[] {
    return this.progress.at(-1)?.marks.map((mark) => mark.text) ?? [];
  }

  cancel(): void {
    this.#controller.abort();
  }
}
