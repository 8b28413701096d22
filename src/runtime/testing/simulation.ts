import type { Clock, Endpoint, Files, Folder, Hop, NodeContext, NodeEvent, Timer } from '../context';
import { seededRandom } from '../random';
import { sleepOn } from '../sleep';
import { FakeClock } from './fake-clock';
import { MemoryFiles } from './memory-files';
import { memoryHashing } from './memory-hashing';
import { MemoryNetwork } from './memory-network';

/** What a simulated node has said so far. */
export interface Recorded {
  events: NodeEvent[];
  logs: { level: string; text: string }[];
  /** '> …' went out, '< …' came in. */
  traces: string[];
  hops: (Hop & { to: Endpoint })[];
  counters: Record<string, number>;
  /** What it last published; read when asked. */
  snapshot(): Record<string, unknown>;
}

/**
 * A world for node programs: network in memory, clock that stands still, seeded dice. An eight-second rule is
 * tested in a millisecond, and the same way every time.
 */
export class Simulation {
  readonly network = new MemoryNetwork();
  readonly clock: FakeClock;
  readonly files: MemoryFiles;
  readonly #recorded = new Map<string, Recorded>();
  readonly #timers = new Map<string, Set<Timer>>();
  readonly #random: () => number;

  constructor(seed = 1) {
    this.clock = new FakeClock(() => this.settle());
    this.files = new MemoryFiles(this.clock);
    this.#random = seededRandom(seed);
  }

  /** The context of the node `name`. The same name always means the same machine: see `crash`. */
  context(name: string): NodeContext {
    const recorded: Recorded = {
      events: [],
      logs: [],
      traces: [],
      hops: [],
      counters: {},
      snapshot: () => ({}),
    };
    this.#recorded.set(name, recorded);
    const log = (level: string) => (text: string) => void recorded.logs.push({ level, text });
    return {
      net: this.network.host(name, this.clock),
      clock: this.#clockOf(name),
      files: this.#filesOf(name),
      hashing: memoryHashing,
      log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
      random: this.#random,
      telemetry: {
        count: (counter, by = 1) => {
          recorded.counters[counter] = (recorded.counters[counter] ?? 0) + by;
        },
        publish: (read) => {
          recorded.snapshot = read;
          return { changed: () => {} };
        },
        event: (event) => void recorded.events.push(event),
        trace: (direction, _transport, _peer, text) =>
          void recorded.traces.push(`${direction === 'out' ? '>' : '<'} ${text()}`),
        hop: (to, hop) => void recorded.hops.push({ to, ...hop }),
        asked: () => undefined,
        answered: () => {},
      },
    };
  }

  recorded(name: string): Recorded {
    const recorded = this.#recorded.get(name);
    if (!recorded) throw new Error(`No context was made for "${name}".`);
    return recorded;
  }

  /** Resolves when nothing moves any more without time passing. */
  async settle(): Promise<void> {
    for (let quietTurns = 0; quietTurns < 4; ) {
      await new Promise((resolve) => setImmediate(resolve));
      quietTurns = this.network.idle ? quietTurns + 1 : 0;
    }
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Kill -9 of one node: its sockets are reset, its timers never fire again, and it watches no folder. */
  crash(name: string): void {
    this.network.host(name).crash();
    for (const timer of [...(this.#timers.get(name) ?? [])]) timer.cancel();
    this.#timers.delete(name);
  }

  #clockOf(name: string): Clock {
    const timers = new Set<Timer>();
    this.#timers.set(name, timers);
    const own = (timer: Timer): Timer => {
      const owned = {
        cancel: () => {
          timers.delete(owned);
          timer.cancel();
        },
      };
      timers.add(owned);
      return owned;
    };
    const after = (ms: number, run: () => void): Timer => {
      const timer = own(
        this.clock.after(ms, () => {
          timers.delete(timer);
          run();
        }),
      );
      return timer;
    };
    return {
      now: () => this.clock.now(),
      wallTime: () => this.clock.wallTime(),
      after,
      every: (ms, run) => own(this.clock.every(ms, run)),
      sleep: (ms, signal) => sleepOn({ after }, ms, signal),
    };
  }

  /** The same folders for everybody. To be called after `#clockOf`, with whose timers the watches end. */
  #filesOf(name: string): Files {
    const timers = this.#timers.get(name);
    const watchOf = (folder: Folder) => (onChange: () => void) => {
      const watch = folder.watch(onChange);
      timers?.add(watch);
      return watch;
    };
    return {
      kindOf: (path) => this.files.kindOf(path),
      folder: async (path) =>
        new Proxy<Folder>(this.files.at(path), {
          get: (folder, key) => {
            if (key === 'watch') return watchOf(folder);
            const value: unknown = Reflect.get(folder, key, folder);
            return typeof value === 'function' ? value.bind(folder) : value;
          },
        }),
    };
  }
}
