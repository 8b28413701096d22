import type { Clock } from '../../runtime/context';
import type { Flight, Pending } from './flight';

/** Requests for what turned out not to be storable do not wait for each other for so long. */
const UNCOLLAPSED_MS = 10_000;
const MAX_UNCOLLAPSED = 1000;

/** Requests under way that others may wait for (collapsed forwarding, RFC 9111, section 4). */
export class Flights {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Flight>();
  readonly #uncollapsed = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits for a request of the same kind; false when there is none. */
  join(pending: Pending): boolean {
    const { route, directives } = pending;
    const flight = this.#byKey.get(route.key);
    if (!flight || pending.solo || directives.has('no-cache') || directives.has('no-store')) return false;
    pending.collapsed = true;
    flight.waiters.push(pending);
    return true;
  }

  /** From now on others may wait for this one. */
  announce(flight: Flight, pending: Pending): void {
    const until = this.#uncollapsed.get(flight.key);
    if (until !== undefined && this.#clock.now() < until) return;
    if (!pending.solo && !this.#byKey.has(flight.key)) this.#byKey.set(flight.key, flight);
  }

  /** Nobody joins any more. */
  land(flight: Flight): void {
    if (this.#byKey.get(flight.key) === flight) this.#byKey.delete(flight.key);
  }

  /** Replies to this are for one client each: waiting for another's is time lost. */
  doNotCollapse(key: string): void {
    this.#uncollapsed.delete(key);
    this.#uncollapsed.set(key, this.#clock.now() + UNCOLLAPSED_MS);
    if (this.#uncollapsed.size > MAX_UNCOLLAPSED) {
      this.#uncollapsed.delete(this.#uncollapsed.keys().next().value as string);
    }
  }
}
