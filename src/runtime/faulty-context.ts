import type { FaultSpec } from '../contract/fault';
import type { Machine } from '../faults/fault';
import type { NodeContext } from './context';
import { FaultSet } from './fault-set';
import { FaultyClock } from './faulty-clock';
import { FaultyFiles } from './faulty-files';
import { FaultyNetwork } from './faulty-network';
import { systemMachine } from './machine';

export interface FaultyContext {
  /** For the node. With no fault set, everything goes straight through. */
  context: NodeContext;
  /**
   * Replaces the complete set of faults, in the order of the chain, and acts at once, on live connections too.
   * Faults that stay keep their state.
   */
  setFaults(faults: readonly FaultSpec[]): void;
}

/** Puts faults between a node and its network, clock and files. */
export function createFaultyContext(
  inner: NodeContext,
  machine: Machine = systemMachine(inner.clock),
): FaultyContext {
  const count = (name: string): void => inner.telemetry.count(name);
  const faults = new FaultSet({ clock: inner.clock, machine, count });
  const clock = new FaultyClock(inner.clock, faults);
  const net = new FaultyNetwork(inner.net, { faults, realClock: inner.clock, nodeClock: clock });
  const files = new FaultyFiles(inner.files, faults, inner.clock);
  // As when a stopped process goes on: first the timers that were due, then what has arrived.
  faults.onChange(() => clock.refresh());
  faults.onChange(() => net.refresh());
  const { hashing, log, telemetry } = inner;
  return {
    context: { net, clock, files, hashing, log, telemetry, random: () => inner.random() },
    setFaults: (specs) => faults.set(specs),
  };
}
