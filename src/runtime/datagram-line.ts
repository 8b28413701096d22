import type { DatagramRule, Departure } from '../faults/fault';
import type { Clock, Timer } from './context';
import type { LiveFault } from './live-fault';

const DEFAULT_WINDOW = 1024 * 1024;

interface Entry {
  departure: Departure;
  due: number;
  /** Later datagrams that must still pass; infinite when only time counts. */
  others: number;
}

/** One fault on the datagrams of one pair of addresses, in one direction. Unlike TCP, order is not kept. */
export class DatagramLine {
  readonly fault: LiveFault;
  next: (bytes: Uint8Array) => void = () => {};
  readonly #rule: DatagramRule;
  readonly #clock: Clock;
  /** In the order of arrival. */
  #waiting: Entry[] = [];
  #heldBytes = 0;
  /** Due time of the last departure, and of the last that has left. */
  #previousDue = Number.NEGATIVE_INFINITY;
  #releasedDue = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(fault: LiveFault, rule: DatagramRule, clock: Clock) {
    this.fault = fault;
    this.#rule = rule;
    this.#clock = clock;
  }

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  push(bytes: Uint8Array): void {
    const now = this.#clock.now();
    const departures: Departure[] = this.fault.strikesDatagram(bytes)
      ? this.#rule.pass(bytes, now)
      : [{ bytes }];
    const waited = this.#waiting.length;
    let passed = 0;
    for (const departure of departures) {
      const due = departure.due?.(this.#previousDue) ?? now;
      if (due > now) this.#hold(departure, due);
      else {
        // One that the fault lets pass takes no place among those that it delays.
        if (departure.due) this.#previousDue = this.#releasedDue = due;
        passed++;
        this.next(departure.bytes);
      }
    }
    if (passed === 0 && this.#waiting.length === waited) this.fault.lost();
    if (passed > 0 && waited > 0) this.#overtaken(passed);
    if (this.#waiting.length > waited) this.#arm();
  }

  /** Settings changed: what waits gets its new due time. */
  retime(): void {
    let previous = this.#releasedDue;
    for (const entry of this.#waiting) previous = entry.due = entry.departure.due?.(previous) ?? 0;
    this.#previousDue = previous;
    this.#arm();
  }

  /** The fault is gone: everything goes on at once. */
  flush(): void {
    this.#timer?.cancel();
    this.#release(() => true);
  }

  clear(): void {
    this.#timer?.cancel();
    this.#waiting = [];
  }

  #hold(departure: Departure, due: number): void {
    if (this.#heldBytes + departure.bytes.length > (this.#rule.window ?? DEFAULT_WINDOW)) return;
    this.#heldBytes += departure.bytes.length;
    this.#previousDue = due;
    this.#waiting.push({ departure, due, others: departure.afterOthers ?? Number.POSITIVE_INFINITY });
  }

  #overtaken(by: number): void {
    for (const entry of this.#waiting) entry.others -= by;
    this.#release((entry) => entry.others <= 0);
  }

  #release(ready: (entry: Entry) => boolean): void {
    const leaving = this.#waiting.filter(ready).sort((a, b) => a.due - b.due);
    if (leaving.length === 0) return;
    this.#waiting = this.#waiting.filter((entry) => !ready(entry));
    this.#releasedDue = leaving.at(-1)?.due ?? this.#releasedDue;
    for (const { departure } of leaving) this.#heldBytes -= departure.bytes.length;
    for (const { departure } of leaving) this.next(departure.bytes);
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const first = this.#waiting.reduce(
      (least, entry) => Math.min(least, entry.due),
      Number.POSITIVE_INFINITY,
    );
    if (first === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.after(first - this.#clock.now(), () => {
      const now = this.#clock.now() + 0.5;
      this.#release((entry) => entry.due <= now);
      this.#arm();
    });
  }
}
