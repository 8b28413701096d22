import type { Clock, Timer } from './context';
import type { FaultSet } from './fault-set';
import { sleepOn } from './sleep';

interface Entry {
  /** By the node's own time. */
  due: number;
  order: number;
  everyMs?: number;
  run: () => void;
  timer?: Timer;
  /** Was due while the node did not run. */
  overdue?: boolean;
}

/**
 * The clock as a node sees it: it may run fast or slow, its time of day may be off, and while the node is
 * suspended no timer fires. Time itself goes on then, as for a stopped process, and what was due fires when
 * the node runs again: once, in the order of the due times.
 */
export class FaultyClock implements Clock {
  readonly #real: Clock;
  readonly #faults: FaultSet;
  readonly #entries = new Set<Entry>();
  #order = 0;
  /** Own time = `#ownBase` + (real time − `#realBase`) × `#rate`. */
  #ownBase: number;
  #realBase: number;
  #rate = 1;
  #skewMs = 0;
  /** What `now` stays ahead of the real clock from drifts that are over, since it never goes back; the time of day does. */
  #overMs = 0;

  constructor(real: Clock, faults: FaultSet) {
    this.#real = real;
    this.#faults = faults;
    this.#ownBase = this.#realBase = real.now();
  }

  now(): number {
    if (this.#rate === 1 && this.#ownBase === this.#realBase) return this.#real.now();
    return this.#ownBase + (this.#real.now() - this.#realBase) * this.#rate;
  }

  wallTime(): number {
    const ahead = this.now() - this.#real.now() - this.#overMs;
    return this.#real.wallTime() + Math.round(ahead) + this.#skewMs;
  }

  after(ms: number, run: () => void): Timer {
    return this.#add({ due: this.now() + Math.max(0, ms), order: this.#order++, run });
  }

  every(ms: number, run: () => void): Timer {
    const everyMs = Math.max(1, ms);
    return this.#add({ due: this.now() + everyMs, order: this.#order++, everyMs, run });
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  /** The set of faults, or a setting of one, has changed. */
  refresh(): void {
    const rules = this.#faults.active
      .map((fault) => fault.behaviour.clock)
      .filter((rule) => rule !== undefined);
    this.#skewMs = rules.reduce((sum, rule) => sum + rule.skewMs(), 0);
    this.#setRate(rules.reduce((product, rule) => product * rule.rate(), 1));
    if (!this.#faults.suspended) this.#runOverdue();
  }

  #setRate(rate: number): void {
    if (rate === this.#rate) return;
    this.#ownBase = this.now();
    this.#realBase = this.#real.now();
    this.#rate = rate;
    if (rate === 1) this.#overMs = this.#ownBase - this.#realBase;
    for (const entry of this.#entries) {
      entry.timer?.cancel();
      if (!entry.overdue) this.#arm(entry);
    }
  }

  #runOverdue(): void {
    const overdue = [...this.#entries].filter((entry) => entry.overdue);
    overdue.sort((a, b) => a.due - b.due || a.order - b.order);
    for (const entry of overdue) {
      if (!this.#entries.has(entry)) continue; // an earlier one cancelled it
      entry.overdue = false;
      this.#fire(entry);
    }
  }

  #add(entry: Entry): Timer {
    this.#entries.add(entry);
    this.#arm(entry);
    return {
      cancel: () => {
        entry.timer?.cancel();
        this.#entries.delete(entry);
      },
    };
  }

  #arm(entry: Entry): void {
    entry.timer = this.#real.after((entry.due - this.now()) / this.#rate, () => {
      if (this.#faults.suspended) entry.overdue = true;
      else this.#fire(entry);
    });
  }

  #fire(entry: Entry): void {
    if (entry.everyMs === undefined) this.#entries.delete(entry);
    else {
      // Never a burst of what was missed: the next one is in the future.
      const missed = Math.max(0, Math.floor((this.now() - entry.due) / entry.everyMs));
      entry.due += (missed + 1) * entry.everyMs;
      this.#arm(entry);
    }
    entry.run();
  }
}
