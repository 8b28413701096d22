/** A world of ring members for tests: joins, deaths, hangs and partitions on the in-memory network. */
import { configSchema } from '../../../contract/schema';
import type {
  Connection,
  ConnectOptions,
  Endpoint,
  Listener,
  Network,
  NodeProgram,
} from '../../../runtime/context';
import { Simulation } from '../../../runtime/testing/simulation';
import { manifest, type RingConfig, type RingSnapshot } from '../manifest';
import { createNode } from '../node';

export interface TestMember {
  port: number;
  address: string;
  /** Name of its process: another one after each restart. */
  process: string;
  node: NodeProgram;
}

export class RingWorld {
  readonly simulation: Simulation;
  readonly members = new Map<number, TestMember>();
  readonly weather: Weather;
  readonly #predecessors = new Map<number, number>();
  #processes = 0;

  constructor(seed = 1) {
    this.simulation = new Simulation(seed);
    this.weather = new Weather(this.simulation);
  }

  /** Starts a member; resolves when it listens. A second start at a port is a restart with the same folder. */
  async start(port: number, prev?: number, config: Partial<RingConfig> = {}): Promise<TestMember> {
    if (prev !== undefined) this.#predecessors.set(port, prev);
    const process = `${port}#${++this.#processes}`;
    const context = this.simulation.context(process);
    const net = this.weather.around(context.net, process, port);
    const defaults = configSchema(manifest.fields).parse({}) as RingConfig;
    const settings = {
      ...defaults,
      port,
      files: `/ring/${port}`,
      prev: prev === undefined ? null : { host: '127.0.0.1', port: prev },
      ...config,
    };
    const node = createNode(settings as never, { ...context, net });
    const member = { port, address: `127.0.0.1:${port}`, process, node };
    await node.start();
    this.members.set(port, member);
    return member;
  }

  /** Kill -9, and the same command line again. */
  async restart(port: number): Promise<TestMember> {
    this.weather.thaw(port);
    this.kill(port);
    return this.start(port, this.#predecessors.get(port));
  }

  /** Kill -9. */
  kill(port: number): void {
    const member = this.#member(port);
    this.members.delete(port);
    this.weather.bury(member.process);
    this.simulation.crash(member.process);
  }

  snapshot(port: number): RingSnapshot {
    return this.simulation.recorded(this.#member(port).process).snapshot() as unknown as RingSnapshot;
  }

  /** The distinct lists that the live members keep. */
  get lists(): string[] {
    return [...new Set([...this.members.keys()].map((port) => this.snapshot(port).list.join(' ')))];
  }

  /** Whether every live member keeps the same list, and it names exactly the live members. */
  get converged(): boolean {
    const live = [...this.members.values()].map(({ address }) => address).sort();
    return this.lists.length === 1 && this.lists[0]?.split(' ').sort().join(' ') === live.join(' ');
  }

  /** Lets time pass until `condition` holds. @returns the milliseconds that it took */
  async until(condition: () => boolean, limitMs = 60_000): Promise<number> {
    for (let waited = 0; waited <= limitMs; waited += 50) {
      if (condition()) return waited;
      await this.simulation.advance(50);
    }
    const lists = [...this.members.keys()].map((port) => `${port}: ${this.snapshot(port).list.join(' ')}`);
    throw new Error(`It did not happen within ${limitMs} ms.\n${lists.join('\n')}`);
  }

  /** A ring of so many, from port 4043 on, each joining at the one before. */
  async ring(size: number, config: Partial<RingConfig> = {}): Promise<void> {
    for (let n = 0; n < size; n++) await this.start(4043 + n, n === 0 ? undefined : 4042 + n, config);
    await this.until(() => this.converged);
  }

  #member(port: number): TestMember {
    const member = this.members.get(port);
    if (!member) throw new Error(`There is no member at ${port}.`);
    return member;
  }
}

/** What happens between the members: who is cut off from whom, who hangs, who is dead. */
export class Weather {
  readonly #open = new Set<{ from: number; to: number; connection: Connection }>();
  readonly #buried = new Set<string>();
  readonly #frozen = new Map<number, { thawed: Promise<void>; thaw(): void }>();
  readonly #listeners = new Map<number, { held: (() => void)[] }>();
  #sideOf: (port: number) => number = () => 0;

  constructor(readonly simulation: Simulation) {}

  around(net: Network, process: string, port: number): Network {
    return {
      listen: (at, accept) => this.#listen(net, port, at, accept),
      connect: async (to, options) => {
        await this.#frozen.get(port)?.thawed;
        if (this.#buried.has(process)) throw unreachable();
        return this.#connect(net, port, to, options);
      },
      bind: (at, receive) => net.bind(at, receive),
    };
  }

  /** Two halves that cannot reach each other. */
  partition(sideOf: (port: number) => number): void {
    this.#sideOf = sideOf;
    for (const { from, to, connection } of this.#open) {
      if (sideOf(from) !== sideOf(to)) connection.reset();
    }
  }

  heal(): void {
    this.#sideOf = () => 0;
  }

  /** What SIGSTOP does: the system still takes connections and bytes, the program does nothing. */
  freeze(port: number): void {
    let thaw = (): void => {};
    const thawed = new Promise<void>((resolve) => {
      thaw = resolve;
    });
    this.#frozen.set(port, { thawed, thaw });
    for (const connection of this.#connectionsOf(port)) connection.pause();
  }

  thaw(port: number): void {
    this.#frozen.get(port)?.thaw();
    this.#frozen.delete(port);
    for (const connection of this.#connectionsOf(port)) connection.resume();
    for (const accept of this.#listeners.get(port)?.held.splice(0) ?? []) accept();
  }

  isFrozen(port: number): boolean {
    return this.#frozen.has(port);
  }

  /** A dead program connects nowhere any more, whatever it was about to do. */
  bury(process: string): void {
    this.#buried.add(process);
  }

  #connectionsOf(port: number): Connection[] {
    const owner = this.simulation.network.listeners.get(`127.0.0.1:${port}`)?.owner;
    return [...(owner?.owned ?? [])].filter((owned) => 'pause' in owned) as unknown as Connection[];
  }

  #listen(
    net: Network,
    port: number,
    at: Endpoint,
    accept: (connection: Connection) => void,
  ): Promise<Listener> {
    const held: (() => void)[] = [];
    this.#listeners.set(port, { held });
    return net.listen(at, (connection) => {
      if (this.#frozen.has(port)) held.push(() => accept(connection));
      else accept(connection);
    });
  }

  async #connect(net: Network, from: number, to: Endpoint, options?: ConnectOptions): Promise<Connection> {
    if (this.#sideOf(from) !== this.#sideOf(to.port)) throw unreachable();
    const connection = await net.connect(to, options);
    this.#open.add({ from, to: to.port, connection });
    return connection;
  }
}

function unreachable(): Error {
  return Object.assign(new Error('connect EHOSTUNREACH'), { code: 'EHOSTUNREACH' });
}
