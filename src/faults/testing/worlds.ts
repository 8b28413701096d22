/** Two worlds for every test of a fault: real sockets with real time, and memory with a clock that stands still. */
import type { FaultSpec } from '../../contract/fault';
import { systemClock } from '../../runtime/clock';
import type { Connection, Endpoint, NodeContext } from '../../runtime/context';
import { createFaultyContext } from '../../runtime/faulty-context';
import { FlowMeter } from '../../runtime/flow-meter';
import { systemNetwork } from '../../runtime/network';
import { seededRandom } from '../../runtime/random';
import { MemoryFiles } from '../../runtime/testing/memory-files';
import { Simulation } from '../../runtime/testing/simulation';
import type { Machine } from '../fault';

/** A node without a program, its faults, and a sound neighbour to talk to. */
export interface World {
  node: NodeContext;
  neighbour: NodeContext;
  setFaults(...faults: readonly PartialFault[]): void;
  /** Lets time pass: really, or by moving the clock. */
  pass(ms: number): Promise<void>;
  /** Resolves when the condition holds; time passes meanwhile. */
  until(condition: () => boolean): Promise<void>;
  machine: RecordingMachine;
}

export type PartialFault = Pick<FaultSpec, 'kind'> & Partial<FaultSpec>;

export function memoryWorld(): World {
  const simulation = new Simulation();
  const machine = new RecordingMachine(() => simulation.clock.now());
  const { context, setFaults } = createFaultyContext(simulation.context('node'), machine);
  const pass = (ms: number): Promise<void> => simulation.advance(ms);
  return {
    node: context,
    neighbour: simulation.context('neighbour'),
    setFaults: (...faults) => setFaults(faults.map(complete)),
    pass,
    until: async (condition) => {
      for (let step = 0; !condition(); step++) {
        if (step > 10_000) throw new Error('The condition did not come to hold.');
        await pass(5);
      }
    },
    machine,
  };
}

export function realWorld(): World {
  const machine = new RecordingMachine(() => systemClock.now());
  const context = (): NodeContext => ({
    ...new Simulation().context('parts'),
    net: systemNetwork(new FlowMeter()),
    clock: systemClock,
    files: new MemoryFiles(systemClock),
    random: seededRandom(1),
  });
  const faulty = createFaultyContext(context(), machine);
  return {
    node: faulty.context,
    neighbour: context(),
    setFaults: (...faults) => faulty.setFaults(faults.map(complete)),
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    until: async (condition) => {
      while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
    },
    machine,
  };
}

export const worlds: [string, () => World][] = [
  ['on real sockets', realWorld],
  ['in memory', memoryWorld],
];

function complete(fault: PartialFault): FaultSpec {
  return { id: fault.kind, node: 'node', scope: {}, params: {}, enabled: true, ...fault };
}

/** Notes what faults do to the machine instead of doing it. */
export class RecordingMachine implements Machine {
  crashes = 0;
  stalledMs = 0;
  burning = 0;
  allocated = 0;
  #ticks = new Set<() => void>();

  constructor(readonly now: () => number) {}

  every(_ms: number, run: () => void) {
    this.#ticks.add(run);
    return { release: () => void this.#ticks.delete(run) };
  }

  /** Runs what was to be run every so often. */
  tick(): void {
    for (const run of this.#ticks) run();
  }

  crash(): void {
    this.crashes++;
  }

  stall(ms: number): void {
    this.stalledMs += ms;
  }

  burn(cores: number, share: number) {
    this.burning += cores * share;
    return {
      release: () => {
        this.burning -= cores * share;
      },
    };
  }

  allocate(bytes: number) {
    this.allocated += bytes;
    return {
      release: () => {
        this.allocated -= bytes;
      },
    };
  }
}

/** What one side of a connection has heard. */
export interface Heard {
  text: string;
  /** Milliseconds at which each piece came, by the neighbour's clock. */
  times: number[];
  ended: boolean;
  closed: boolean;
  error?: Error & { code?: string };
}

export function hear(connection: Connection, clock?: { now(): number }): Heard {
  const heard: Heard = { text: '', times: [], ended: false, closed: false };
  connection.handle({
    data: (bytes) => {
      heard.text += Buffer.from(bytes).toString('latin1');
      if (clock) heard.times.push(clock.now());
    },
    end: () => {
      heard.ended = true;
    },
    close: (error) => {
      heard.closed = true;
      if (error) heard.error = error;
    },
  });
  return heard;
}

const anyPort: Endpoint = { host: '127.0.0.1', port: 0 };

/** The node listens and the neighbour dials it, or the other way round; both ends, from the node's side. */
export async function connected(
  world: World,
  dialler: 'node' | 'neighbour',
): Promise<{ near: Connection; far: Connection; at: Endpoint; close(): Promise<void> }> {
  const [listening, dialling] =
    dialler === 'node' ? [world.neighbour, world.node] : [world.node, world.neighbour];
  const accepted: Connection[] = [];
  const listener = await listening.net.listen(anyPort, (connection) => accepted.push(connection));
  const dialled = await dialling.net.connect(listener.local);
  await world.until(() => accepted.length === 1);
  const taken = accepted[0] as Connection;
  const [near, far] = dialler === 'node' ? [dialled, taken] : [taken, dialled];
  return {
    near,
    far,
    at: listener.local,
    close: async () => {
      near.destroy();
      far.destroy();
      await listener.close();
    },
  };
}

/** Resolves when the neighbour cannot connect, or its connection is reset: real sockets may tell either first. */
export async function dropped(world: World, at: Endpoint): Promise<void> {
  let heard: Heard;
  try {
    heard = hear(await world.neighbour.net.connect(at));
  } catch (error) {
    if ((error as { code?: string }).code === 'ECONNRESET') return;
    throw error;
  }
  await world.until(() => heard.closed);
}

/** A UDP socket of the node and one of the neighbour, and what each has heard. */
export async function udpPair(world: World) {
  const atNode: string[] = [];
  const atNeighbour: string[] = [];
  const note = (into: string[]) => (bytes: Uint8Array) =>
    void into.push(Buffer.from(bytes).toString('latin1'));
  const near = await world.node.net.bind(anyPort, note(atNode));
  const far = await world.neighbour.net.bind(anyPort, note(atNeighbour));
  return {
    near,
    far,
    atNode,
    atNeighbour,
    send: (text: string) => near.send(text, far.local),
    receive: (text: string) => far.send(text, near.local),
    close: async () => {
      await near.close();
      await far.close();
    },
  };
}

/** Sends so many numbered datagrams, each in a turn of its own, and waits until the last of all has arrived. */
export async function sendNumbered(
  world: World,
  pair: Awaited<ReturnType<typeof udpPair>>,
  count: number,
): Promise<void> {
  for (let number = 0; number < count; number++) {
    pair.send(`D ${number}`);
    // Real sockets: never more than fits the receiver's buffer.
    if (number % 50 === 49) await world.pass(1);
  }
  await world.pass(20);
}

/** Bytes that own their memory, as a hasher wants them. */
export function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}
