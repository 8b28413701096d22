import { configSchema } from '../../../contract/schema';
import type { NodeProgram, OperationScope } from '../../../runtime/context';
import { Simulation } from '../../../runtime/testing/simulation';
import { type Reply, receive } from '../../cache-proxy/testing/cache-world';
import {
  manifest as clientManifest,
  type DownloadResult,
  type HttpClientConfig,
} from '../../http-client/manifest';
import { createNode as createClient } from '../../http-client/node';
import { type OriginConfig, manifest as originManifest } from '../../http-origin/manifest';
import { createNode as createOrigin } from '../../http-origin/node';
import { type HttpBalancerConfig, type HttpBalancerSnapshot, type HttpDecision, manifest } from '../manifest';
import { createNode } from '../node';

const PORT = 8500;
/** An address on this machine. */
export const server = (port: number) => ({ host: '127.0.0.1', port });

/** A balancer, origins and clients of ours, on a network in memory. */
export class World {
  readonly simulation = new Simulation();
  #balancer!: NodeProgram;

  static async start(ports: number[], config: Partial<HttpBalancerConfig> = {}): Promise<World> {
    const world = new World();
    for (const port of ports) await world.origin(port);
    const defaults = configSchema(manifest.fields).parse({}) as unknown as HttpBalancerConfig;
    const full = { ...defaults, servers: ports.map(server), ...config };
    world.#balancer = createNode(full, world.simulation.context('balancer'));
    await world.#balancer.start();
    await world.simulation.settle();
    return world;
  }

  async origin(port: number): Promise<void> {
    const files = `/files-${port}`;
    const folder = this.simulation.files.at(files);
    folder.put('name.txt', `origin ${port}`);
    folder.put('big.bin', Buffer.alloc(300_000, port % 251));
    const config = {
      ...configSchema(originManifest.fields).parse({}),
      port,
      files,
    } as unknown as OriginConfig;
    await createOrigin(config, this.simulation.context(`origin ${port}`)).start();
  }

  kill(port: number): void {
    this.simulation.crash(`origin ${port}`);
  }

  get snapshot(): HttpBalancerSnapshot {
    return this.simulation.recorded('balancer').snapshot() as unknown as HttpBalancerSnapshot;
  }

  decisions(): HttpDecision[] {
    return (this.#balancer.operations as { decisions(input: object): HttpDecision[] }).decisions({});
  }

  async stop(): Promise<void> {
    await this.#balancer.stop();
  }

  async drain(): Promise<void> {
    await this.#balancer.drain();
  }

  async ask(path = '/name.txt', lines = '', method = 'GET'): Promise<Reply> {
    const connection = await this.simulation.network
      .host('user', this.simulation.clock)
      .connect(server(PORT));
    const reply = receive(connection, method);
    connection.write(`${method} ${path} HTTP/1.1\r\nHost: balancer\r\n${lines}\r\n`);
    await this.simulation.settle();
    return reply;
  }

  /** Asks a server itself. */
  async askAt(port: number): Promise<Reply> {
    const connection = await this.simulation.network
      .host('user', this.simulation.clock)
      .connect(server(port));
    const reply = receive(connection, 'GET');
    connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await this.simulation.settle();
    return reply;
  }

  /** The port that a client is redirected to. */
  async redirect(lines = ''): Promise<number> {
    const { headers } = await this.ask('/name.txt', lines);
    return Number(/:(\d+)\//.exec(headers.get('location') ?? '')?.[1]);
  }

  async download(name: string, config: Partial<HttpClientConfig> = {}): Promise<DownloadResult> {
    const defaults = configSchema(clientManifest.fields).parse({}) as unknown as HttpClientConfig;
    const client = createClient(
      { ...defaults, out: '/downloads', ...config },
      this.simulation.context('client'),
    );
    await client.start();
    const scope: OperationScope = { signal: new AbortController().signal, progress: () => {} };
    const operations = client.operations as {
      download(input: object, scope: OperationScope): Promise<DownloadResult>;
    };
    const result = operations.download({ name }, scope);
    try {
      return await this.inTime(result, 100);
    } finally {
      await client.stop();
    }
  }

  /** Lets time pass, step by step, until something has happened. */
  async inTime<Value>(happens: Promise<Value>, stepMs = 10): Promise<Value> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    void happens.then(settle, settle);
    for (let turn = 0; turn < 300 && !settled; turn++) await this.simulation.advance(stepMs);
    return happens;
  }
}
