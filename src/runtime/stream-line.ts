import type { Break, StreamItem, StreamRule, Waiting } from '../faults/fault';
import { MessageSplitter } from '../faults/message-type';
import type { Clock, Timer } from './context';
import type { LiveFault } from './live-fault';

const DEFAULT_WINDOW = 64 * 1024;
/** Timers have a grain of a millisecond: half of it early is nearer than half of it late. */
const EARLY_MS = 0.5;

interface Entry extends Waiting {
  due: number;
  /** False for what the fault does not act on: it only keeps its place. */
  subject: boolean;
}

export interface StreamLineEvents {
  /** Items have gone on that had waited. */
  released(): void;
  /** The fault ends the connection. */
  breaks(end: Break): void;
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
  readonly #events: StreamLineEvents;
  readonly #splitter = new MessageSplitter();
  #queue: Entry[] = [];
  /** Due time of the last item that came, and of the last that went on. */
  #previousDue = Number.NEGATIVE_INFINITY;
  #releasedDue = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #breakTimer: Timer | undefined;

  constructor(
    fault: LiveFault,
    rule: StreamRule,
    clock: Clock,
    random: () => number,
    events: StreamLineEvents,
  ) {
    this.fault = fault;
    this.#rule = rule;
    this.#clock = clock;
    this.#random = random;
    this.#events = events;
    this.#armBreak();
  }

  /** True when the sender should be held back. */
  get full(): boolean {
    return this.heldBytes >= (this.#rule.window ?? DEFAULT_WINDOW);
  }

  push(item: StreamItem): void {
    const { messages } = this.fault;
    if (!messages) return this.#shape(item);
    if (item.type !== 'bytes') return this.#enqueue(item, false);
    for (const { bytes, matches } of this.#splitter.split(item.bytes, messages)) {
      const part = { type: 'bytes', bytes } as const;
      if (matches && this.fault.strikes()) this.#shape(part);
      else this.#enqueue(part, false);
    }
  }

  /** Settings changed: everything that waits gets a new due time, in the old order. */
  retime(): void {
    let previous = this.#releasedDue;
    for (const entry of this.#queue) previous = entry.due = this.#dueOf(entry, previous);
    this.#previousDue = previous;
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

  #shape(item: StreamItem): void {
    if (!this.#rule.shape) return this.#enqueue(item, true);
    for (const shaped of this.#rule.shape(item, this.#clock.now())) this.#enqueue(shaped, true);
  }

  #enqueue(item: StreamItem, subject: boolean): void {
    if (!this.#rule.due) return this.next(item);
    const now = this.#clock.now();
    const waiting = { item, subject, arrived: now, dice: this.#random() };
    const due = this.#dueOf(waiting, this.#previousDue);
    this.#previousDue = due;
    if (this.#queue.length === 0 && due <= now) {
      this.#releasedDue = due;
      return this.next(item);
    }
    this.#queue.push({ ...waiting, due });
    this.heldBytes += sizeOf(item);
    if (this.#queue.length === 1) this.#arm();
  }

  #dueOf(waiting: Waiting & { subject: boolean }, previous: number): number {
    const own = waiting.subject ? this.#rule.due?.(waiting, previous) : undefined;
    return Math.max(previous, own ?? waiting.arrived);
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
    this.#releasedDue = due.at(-1)?.due ?? this.#releasedDue;
    for (const { item } of due) this.heldBytes -= sizeOf(item);
    for (const { item } of due) this.next(item);
    this.#arm();
    if (count > 0) this.#events.released();
  }

  #armBreak(): void {
    this.#breakTimer?.cancel();
    // Narrowed to messages, it strikes when one of them comes.
    const end = this.fault.messages ? undefined : this.#rule.breaks?.();
    if (!end || end.at === Number.POSITIVE_INFINITY) return;
    // Never from inside the call that set the fault: the connection may be half-way through an event.
    this.#breakTimer = this.#clock.after(Math.max(0, Math.ceil(end.at - this.#clock.now())), () => {
      // A timer may come an instant too early; the rule would not know its own break.
      if (this.#clock.now() < end.at) this.#armBreak();
      else this.#events.breaks(end);
    });
  }
}

function sizeOf(item: StreamItem): number {
  return item.type === 'bytes' ? item.bytes.length : 0;
}
