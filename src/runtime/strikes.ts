import type { LiveFault } from './live-fault';

/**
 * Which faults strike one TCP connection: decided once for each, when it is first asked about, and the same
 * for the attempt to connect and for both directions.
 */
export class Strikes {
  readonly #decided = new Map<LiveFault, boolean>();

  has(fault: LiveFault): boolean {
    // Narrowed to messages, it is the messages that are picked.
    if (fault.messages || !fault.spec.pick) return true;
    let strikes = this.#decided.get(fault);
    if (strikes === undefined) {
      strikes = fault.strikes();
      this.#decided.set(fault, strikes);
    }
    return strikes;
  }
}
