import type { StreamItem, StreamRule, Waiting } from '../faults/fault';
import type { Clock, Timer } from './context';
import type { LiveFault } from './live-fault';

const DEFAULT_WINDOW = 64 * 1024;
/** Timers have a grain of a millisecond: half of it early is nearer than half of it late. */
const EARLY_MS = 0.5;

interface Entry extends Waiting {
  due: number;
}

/** One fault on one direction of one connection: holds what is not due yet, in order. */
export class StreamLine {
  readonly fault: LiveFault;
  heldBytes = 0;
  /** Where items go from here: the next line, or the end of the chain. */
  next: (item: StreamItem) => void = () => {};
  readonly #rule: StreamRule;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #released: () => void;
  #queue: Entry[] = [];
  #previousDue = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #breakTimer: Timer | undefined;

  /** @param released called after items went on that had waited */
  constructor(fault: LiveFault, rule: StreamRule, clock: Clock, random: () => number, released: () => void) {
    this.fault = fault;
    this.#rule = rule;
    this.#clock = clock;
    this.#random = random;
    this.#released = released;
    this.#armBreak();
  }

  /** True when the sender should be held back. */
  get full(): boolean {
    return this.heldBytes >= (this.#rule.window ?? DEFAULT_WINDOW);
  }

  push(item: StreamItem): void {
    if (!this.#rule.shape) return this.#enqueue(item);
    for (const shaped of this.#rule.shape(item, this.#clock.now())) this.#enqueue(shaped);
  }

  /** Settings changed: everything that waits gets a new due time, in the old order. */
  retime(): void {
    let previous = Number.NEGATIVE_INFINITY;
    for (const entry of this.#queue) previous = entry.due = this.#dueOf(entry, previous);
    if (this.#queue.length > 0) this.#previousDue = previous;
    else this.#previousDue = Math.min(this.#previousDue, this.#clock.now());
    this.#arm();
    this.#armBreak();
  }

  /** The fault is gone: everything goes on at once. */
  flush(): void {
    for (const item of this.take()) this.next(item);
  }

  /** Gives up what waits, in order. */
  take(): StreamItem[] {
    this.#timer?.cancel();
    this.#breakTimer?.cancel();
    this.heldBytes = 0;
    return this.#queue.splice(0).map((entry) => entry.item);
  }

  #enqueue(item: StreamItem): void {
    if (!this.#rule.due) return this.next(item);
    const now = this.#clock.now();
    const waiting = { item, arrived: now, dice: this.#random() };
    const due = this.#dueOf(waiting, this.#previousDue);
    this.#previousDue = due;
    if (this.#queue.length === 0 && due <= now) return this.next(item);
    this.#queue.push({ ...waiting, due });
    this.heldBytes += sizeOf(item);
    if (this.#queue.length === 1) this.#arm();
  }

  #dueOf(waiting: Waiting, previous: number): number {
    return Math.max(previous, this.#rule.due?.(waiting, previous) ?? waiting.arrived);
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const first = this.#queue[0];
    if (!first || first.due === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#clock.after(first.due - this.#clock.now(), () => this.#release());
  }

  #release(): void {
    const now = this.#clock.now() + EARLY_MS;
    let count = 0;
    while (count < this.#queue.length && (this.#queue[count] as Entry).due <= now) count++;
    const due = this.#queue.splice(0, count);
    for (const { item } of due) this.heldBytes -= sizeOf(item);
    for (const { item } of due) this.next(item);
    this.#arm();
    if (count > 0) this.#released();
  }

  #armBreak(): void {
    this.#breakTimer?.cancel();
    const breaks = this.#rule.breaks?.();
    if (!breaks || breaks.at === Number.POSITIVE_INFINITY) return;
    // Never from inside the call that set the fault: the connection may be half-way through an event.
    this.#breakTimer = this.#clock.after(Math.max(0, breaks.at - this.#clock.now()), () =>
      this.next({ type: 'break', reset: breaks.reset }),
    );
  }
}

function sizeOf(item: StreamItem): number {
  return item.type === 'bytes' ? item.bytes.length : 0;
}
