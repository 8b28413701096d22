/** What happened, in order, and because of what. */
import type { JournalEntry } from '../../contract/events';
import type { EventHub } from '../events/event-hub';
import { RingBuffer } from '../events/ring-buffer';

const CAPACITY = 5000;
/** An entry is only tied to one that is not older than this, milliseconds. */
const CAUSE_WITHIN_MS = 120_000;
/**
 * Nodes report in batches (every 100 ms, every second while no panel is visible), so what they tell arrives late
 * and out of order. Entries wait for so many milliseconds, and are then put in the order in which they happened.
 */
const ORDER_WITHIN_MS = { visible: 300, hidden: 1300 };

export interface JournalInput {
  level: JournalEntry['level'];
  type: string;
  text: string;
  node?: string;
  subject?: string;
  /** Unix milliseconds; default: now. */
  at?: number;
  /** Other names of the subject: a later entry about any of them may follow from this one. */
  aliases?: readonly string[];
  /** The person (or the studio) did it: what follows may have it as its first cause. */
  initiates?: boolean;
  /** It initiates, and answers to what went before: a heal has its fault for a cause. */
  continues?: boolean;
}

type Waiting = JournalInput & { at: number };

/**
 * Entries about the same subject are tied together: 'CS1 killed' → 'heartbeat late' → 'server down'. A chain
 * begins with what somebody did or with something bad, and goes on with what is bad or good. Plain information
 * ('looked up') neither explains nor is explained, and neither does good news out of the blue ('downloaded'):
 * it would be tied to the last good news about the same file.
 */
export class Journal {
  readonly #entries = new RingBuffer<JournalEntry>(CAPACITY);
  readonly #causes = new Map<string, { seq: number; at: number }>();
  readonly #hub: EventHub;
  #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  #seq = 0;

  constructor(hub: EventHub) {
    this.#hub = hub;
  }

  add(input: JournalInput): void {
    const now = Date.now();
    // A node whose clock is wrong must not hold its entries, or the others', out of their place.
    const at = Math.min(now, Math.max(now - CAUSE_WITHIN_MS, input.at ?? now));
    this.#waiting.push({ ...input, at });
    this.#timer ??= this.#enterAfter(this.#orderWithin);
  }

  /** The newest entries, oldest first. */
  list({ limit }: { limit: number }): JournalEntry[] {
    return this.#entries.newest(limit);
  }

  /** Another workspace is open: what happens from now on follows from nothing that was, of whatever name. */
  beginAnew(): void {
    clearTimeout(this.#timer);
    this.#enter(Number.POSITIVE_INFINITY);
    this.#causes.clear();
  }

  get #orderWithin(): number {
    return this.#hub.visible ? ORDER_WITHIN_MS.visible : ORDER_WITHIN_MS.hidden;
  }

  #enterAfter(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#enter(Date.now() - this.#orderWithin), ms).unref();
  }

  /** Puts everything in its place that happened until `until`. */
  #enter(until: number): void {
    const due = this.#waiting.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
    this.#waiting = this.#waiting.filter(({ at }) => at > until);
    const earliest = this.#waiting.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
    this.#timer = Number.isFinite(earliest) ? this.#enterAfter(earliest - until) : undefined;
    if (due.length > 0) this.#hub.push({ type: 'journal', entries: due.map((each) => this.#append(each)) });
  }

  #append({ aliases = [], initiates = false, continues = false, ...input }: Waiting): JournalEntry {
    this.#seq += 1;
    const begins = (initiates && !continues) || input.level === 'info';
    const cause = begins ? undefined : this.#causeOf(input.subject, input.at);
    const entry: JournalEntry = { seq: this.#seq, ...input, ...(cause === undefined ? {} : { cause }) };
    this.#entries.push(entry);
    const leads = initiates || input.level === 'bad' || input.level === 'warning' || cause !== undefined;
    if (leads) this.#remember(entry, aliases);
    return entry;
  }

  #causeOf(subject: string | undefined, at: number): number | undefined {
    const cause = subject === undefined ? undefined : this.#causes.get(subject);
    return cause && at - cause.at <= CAUSE_WITHIN_MS ? cause.seq : undefined;
  }

  #remember(entry: JournalEntry, aliases: readonly string[]): void {
    const names = entry.subject === undefined ? aliases : [entry.subject, ...aliases];
    for (const name of names) {
      // Set anew, so that the map keeps the order of age.
      this.#causes.delete(name);
      this.#causes.set(name, { seq: entry.seq, at: entry.at });
    }
    for (const oldest of this.#causes.keys()) {
      if (this.#causes.size <= CAPACITY) break;
      this.#causes.delete(oldest);
    }
  }
}
