import type { FaultSpec } from '../contract/fault';
import type { Moment } from '../faults/schedule';
import type { Clock, Timer } from './context';
import { LiveFault, type Surroundings } from './live-fault';

/** While a ramp lasts, what waits is looked at so often. */
const RAMP_STEP_MS = 100;

/**
 * The faults that act in one process, in the order of the chain. Replaced as a whole; a fault that stays keeps
 * its state, so that setting one never disturbs another.
 */
export class FaultSet {
  /** Those that act at this moment. Replaced, never changed in place. */
  active: readonly LiveFault[] = [];
  /** True while the node does not run at all. */
  suspended = false;
  readonly #clock: Clock;
  readonly #surroundings: Surroundings;
  readonly #listeners = new Set<() => void>();
  #all: LiveFault[] = [];
  #timer: Timer | undefined;

  constructor(surroundings: Surroundings) {
    this.#clock = surroundings.clock;
    this.#surroundings = surroundings;
  }

  set(specs: readonly FaultSpec[]): void {
    const former = new Map(this.#all.map((fault) => [fault.spec.id, fault]));
    this.#all = specs.flatMap((spec) => {
      const same = former.get(spec.id);
      if (same?.takes(spec)) return same;
      return LiveFault.create(spec, this.#surroundings) ?? [];
    });
    for (const fault of former.values()) if (!this.#all.includes(fault)) fault.weigh(false);
    this.#refresh();
  }

  /** Calls back after every change of `active`, or of a setting of one of them. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves when the node runs. */
  async running(): Promise<void> {
    while (this.suspended) await this.#changed();
  }

  /** Resolves after `ms` by the machine's clock, or at the next change; rejects when `signal` fires. */
  async changeWithin(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        timer.cancel();
        stopListening();
        signal?.removeEventListener('abort', abort);
        finish();
      };
      const abort = (): void => settle(() => reject(signal?.reason));
      const timer = this.#clock.after(ms, () => settle(resolve));
      const stopListening = this.onChange(() => settle(resolve));
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.onChange(() => {
        stop();
        resolve();
      });
    });
  }

  #refresh(): void {
    const enabled = this.#all.filter((fault) => fault.spec.enabled);
    // Asked once: a change between two askings would neither act now nor be waited for.
    const moments = enabled.map((fault) => fault.moment);
    this.active = enabled.filter((_, at) => moments[at]?.acts);
    this.suspended = this.active.some((fault) => fault.behaviour.suspends);
    this.#arm(moments);
    for (const fault of this.#all) fault.weigh(this.active.includes(fault));
    for (const listener of [...this.#listeners]) listener();
  }

  /** Comes back when the schedule of some fault says so. */
  #arm(moments: readonly Moment[]): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const { acts, strength, changesIn } of moments) {
      next = Math.min(next, acts && strength < 1 ? RAMP_STEP_MS : changesIn);
    }
    if (next !== Number.POSITIVE_INFINITY)
      this.#timer = this.#clock.after(Math.ceil(next), () => this.#refresh());
  }
}
