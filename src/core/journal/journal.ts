/** What happened, in order, and because of what. */
import type { JournalEntry } from '../../contract/events';
import type { EventHub } from '../events/event-hub';
import { RingBuffer } from '../events/ring-buffer';

const CAPACITY = 5000;
/** An entry is only tied to one that is not older than this. */
const CAUSE_WITHIN_MS = 120_000;

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
}

/**
 * Entries about the same subject are tied together: 'CS1 killed' → 'heartbeat missed' → 'server down'. What
 * can be a cause is a change for better or worse; plain information ('looked up') explains nothing, but may
 * itself be explained.
 */
export class Journal {
  readonly #entries = new RingBuffer<JournalEntry>(CAPACITY);
  readonly #causes = new Map<string, { seq: number; at: number }>();
  #seq = 0;

  constructor(private readonly hub: EventHub) {}

  add({ aliases = [], at = Date.now(), ...input }: JournalInput): JournalEntry {
    this.#seq += 1;
    const cause = this.#causeOf(input.subject, at);
    const entry: JournalEntry = { seq: this.#seq, at, ...input, ...(cause === undefined ? {} : { cause }) };
    this.#entries.push(entry);
    if (input.level !== 'info') this.#remember(entry, aliases);
    this.hub.push({ type: 'journal', entries: [entry] });
    return entry;
  }

  /** The newest entries below `before`, oldest first. */
  list({ before, limit }: { before?: number | undefined; limit: number }): JournalEntry[] {
    return this.#entries.newest(limit, (entry) => before === undefined || entry.seq < before);
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
