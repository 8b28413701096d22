import type { Clock, Timer } from '../context';
import { sleepOn } from '../sleep';

interface Entry {
  due: number;
  order: number;
  run: () => void;
  everyMs?: number;
}

/** A clock that stands still until `advance`. Timers run in the order of their due times, then of creation. */
export class FakeClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #entries = new Set<Entry>();
  readonly #settle: () => Promise<void>;

  /** @param settle resolves when everything that the last timer set off, apart from time, has happened */
  constructor(
    settle: () => Promise<void> = turnsOfTheEventLoop,
    /** Unix ms at the start. */
    readonly epochMs = Date.UTC(2026, 0, 1),
  ) {
    this.#settle = settle;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.epochMs + this.#now;
  }

  after(ms: number, run: () => void): Timer {
    return this.#add({ due: this.#now + Math.max(0, ms), order: this.#order++, run });
  }

  every(ms: number, run: () => void): Timer {
    return this.#add({ due: this.#now + ms, order: this.#order++, run, everyMs: Math.max(1, ms) });
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** Number of timers that wait. A test of a stopped node expects 0. */
  get pending(): number {
    return this.#entries.size;
  }

  /** Lets `ms` pass, running every timer on the way and what it sets off. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    await this.#settle();
    for (let next = this.#next(target); next; next = this.#next(target)) {
      this.#now = Math.max(this.#now, next.due);
      if (next.everyMs === undefined) this.#entries.delete(next);
      else next.due += next.everyMs;
      next.run();
      await this.#settle();
    }
    this.#now = target;
  }

  #add(entry: Entry): Timer {
    this.#entries.add(entry);
    return { cancel: () => void this.#entries.delete(entry) };
  }

  #next(until: number): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries) {
      if (entry.due > until) continue;
      if (!first || entry.due < first.due || (entry.due === first.due && entry.order < first.order))
        first = entry;
    }
    return first;
  }
}

async function turnsOfTheEventLoop(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
