import type { FaultSpec } from '../contract/fault';
import type { Machine } from '../faults/fault';
import type { Clock } from './context';
import { LiveFault } from './live-fault';

/**
 * The faults that act in one process, in the order of the chain. Replaced as a whole; a fault that stays keeps
 * its state, so that setting one never disturbs another.
 */
export class FaultSet {
  /** Those that act at this moment. Replaced, never changed in place. */
  active: readonly LiveFault[] = [];
  readonly #clock: Clock;
  readonly #machine: Machine;
  readonly #listeners = new Set<() => void>();
  #all: LiveFault[] = [];

  constructor(clock: Clock, machine: Machine) {
    this.#clock = clock;
    this.#machine = machine;
  }

  set(specs: readonly FaultSpec[]): void {
    const former = new Map(this.#all.map((fault) => [fault.spec.id, fault]));
    this.#all = specs.flatMap((spec) => {
      const same = former.get(spec.id);
      if (same?.takes(spec)) return same;
      return LiveFault.create(spec, this.#clock, this.#machine) ?? [];
    });
    this.#refresh();
  }

  /** Calls back after every change of `active`, or of a setting of one of them. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves at the next change. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.onChange(() => {
        stop();
        resolve();
      });
    });
  }

  /** True while the node does not run at all. */
  get suspended(): boolean {
    return this.active.some((fault) => fault.behaviour.suspends);
  }

  /** Resolves when the node runs. */
  async running(): Promise<void> {
    while (this.suspended) await this.changed();
  }

  #refresh(): void {
    this.active = this.#all.filter((fault) => fault.spec.enabled);
    for (const listener of [...this.#listeners]) listener();
  }
}
