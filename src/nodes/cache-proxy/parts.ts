import { sharesStrongValidator, strongValidator } from '../../protocol/http/cache/combining';
import { PartialContent } from '../../protocol/http/cache/partial';
import { withoutConditions } from '../../protocol/http/cache/validation';
import { variantKey, varyNames } from '../../protocol/http/cache/vary';
import type { Fields } from '../../protocol/http/fields';
import { parseContentRange } from '../../protocol/http/range';
import type { NodeContext } from '../../runtime/context';
import type { Arrivals } from './arrivals';
import { Entry, type ReplyMeta } from './entry';
import type { Flight } from './flight';
import type { Library } from './library';
import { MemoryContent } from './memory-content';
import type { PurgeMarks } from './purge-marks';
import { type Arrived, isPersonal, type ReplyRules } from './reply-rules';

/** A reply in more runs than these takes longer to look through and to combine than to fetch again. */
const MAX_RUNS = 64;

/** Keeps parts of representations, combines and completes them (RFC 9111, sections 3.3 and 3.4). */
export class Parts {
  readonly #context: NodeContext;
  readonly #library: Library;
  readonly #rules: ReplyRules;
  readonly #arrivals: Arrivals;
  readonly #purged: PurgeMarks;

  constructor(
    context: NodeContext,
    library: Library,
    rules: ReplyRules,
    arrivals: Arrivals,
    purged: PurgeMarks,
  ) {
    this.#context = context;
    this.#library = library;
    this.#rules = rules;
    this.#arrivals = arrivals;
    this.#purged = purged;
  }

  /**
   * Makes of a request for the whole one for the bytes that a partial entry lacks. Undefined where only the whole
   * helps: nothing makes sure that the bytes would fit, or the whole, which is put together in memory, has no
   * room there.
   */
  completion(entry: Entry, request: Fields): Fields | undefined {
    const { partial, meta } = entry;
    const gap = partial?.gap;
    const validator = strongValidator(meta.fields, meta.timing);
    if (!gap || validator === undefined || request.has('range')) return undefined;
    if (partial.size > this.#library.maxMemoryObject) return undefined;
    const last = gap.end === partial.size ? '' : gap.end - 1;
    return withoutConditions(request).set('Range', `bytes=${gap.start}-${last}`).set('If-Range', validator);
  }

  /** Whether a 206 has exactly the bytes that the entry lacks, and lets it be used for who asks now. */
  completes({ partial, meta, credentials }: Entry, reply: Arrived, length: number | undefined): boolean {
    const { fields } = reply;
    const range = parseContentRange(fields.first('content-range') ?? '');
    const gap = partial?.gap;
    return (
      range !== null &&
      range.start === gap?.start &&
      range.end === gap.end &&
      range.size === partial?.size &&
      length === range.end - range.start &&
      sharesStrongValidator(fields, meta.fields, meta.timing) &&
      !isPersonal(credentials, this.#rules.updated(meta, reply).control)
    );
  }

  /** The whole, made of a partial entry and the bytes that it lacked; kept if that is still wanted. */
  complete(flight: Flight, entry: Entry, reply: Arrived, bytes: Uint8Array): Entry {
    const { partial } = entry;
    const whole = new PartialContent(partial?.size ?? 0);
    if (partial) whole.adopt(partial);
    whole.add(partial?.gap?.start ?? 0, bytes);
    const { key, varyNames: names, variant } = entry;
    const credentials = entry.credentials || hasCredentials(flight);
    const place = { key, varyNames: names, variant, credentials };
    const complete = this.#entryOf(place, this.#rules.updated(entry.meta, reply), whole, reply);
    if (this.#rules.mayStay(complete) && !this.#isPurged(flight)) this.#arrivals.keep(complete);
    return complete;
  }

  /**
   * Why a 206 is not kept; null when it may be. Content that is shorter than its Content-Range is an incomplete
   * reply (RFC 9111, section 3.3): what there is counts. Longer, nobody knows which bytes it has.
   */
  problem({ fields }: Arrived, length: number | undefined): string | null {
    const range = parseContentRange(fields.first('content-range') ?? '');
    if (!range?.size || length === undefined) return 'not one run of known size';
    if (length > range.end - range.start) return 'longer than its Content-Range';
    return length <= this.#library.maxMemoryObject ? null : 'too large for the store';
  }

  /** Gathers a 206 for which there is no `problem`, and adds it to what is stored of the same representation. */
  gather(flight: Flight, meta: ReplyMeta, reply: Arrived): void {
    const range = parseContentRange(reply.fields.first('content-range') ?? '');
    const names = varyNames(reply.fields) as string[];
    const place = {
      key: flight.key,
      varyNames: names,
      variant: variantKey(names, flight.requestFields),
      credentials: hasCredentials(flight),
    };
    const done = (bytes: Uint8Array): void => {
      if (this.#isPurged(flight)) return;
      const part = new PartialContent(range?.size ?? 0);
      part.add(range?.start ?? 0, bytes);
      this.#add(place, part, meta, reply);
    };
    flight.gathers = { parts: [], done };
  }

  #isPurged({ key, launchedAt }: Flight): boolean {
    return this.#purged.isPurgedSince(launchedAt, key);
  }

  #add(place: Place, part: PartialContent, newer: ReplyMeta, reply: Arrived): void {
    const existing = this.#library.variantsOf(place.key).find(({ variant }) => variant === place.variant);
    const same =
      existing !== undefined && sharesStrongValidator(reply.fields, existing.fields, existing.meta.timing);
    // A whole reply that is still good is worth more than a part of perhaps another one.
    if (existing && !existing.partial && (same || existing.freshMs(this.#context.clock.now()) > 0)) return;
    if (same && existing.partial?.size === part.size) {
      const combined = new PartialContent(part.size);
      combined.adopt(existing.partial);
      combined.adopt(part);
      if (combined.runs > MAX_RUNS) return;
      const meta = this.#rules.updated(existing.meta, reply);
      const credentials = existing.credentials || place.credentials;
      const entry = this.#entryOf({ ...place, credentials }, meta, combined, reply);
      if (this.#rules.mayStay(entry)) return this.#arrivals.keep(entry);
    }
    const fields = newer.fields.copy((name) => name !== 'content-range' && name !== 'content-length');
    const meta = { ...newer, status: 200, reason: '', fields };
    this.#arrivals.keep(this.#entryOf(place, meta, part, reply));
  }

  #entryOf(
    { key, varyNames: names, variant, credentials }: Place,
    meta: ReplyMeta,
    partial: PartialContent,
    reply: Arrived,
  ): Entry {
    const { clock } = this.#context;
    const all = partial.isComplete ? partial.slice({ start: 0, end: partial.size }) : null;
    const content = MemoryContent.of(all ?? new Uint8Array(0));
    const ageMs = reply.ageMs + Math.max(0, clock.wallTime() - reply.timing.receivedAt);
    const entry = new Entry(key, names, variant, meta, content, clock.now(), ageMs);
    entry.credentials = credentials;
    if (!all) entry.partial = partial;
    return entry;
  }
}

/** Where an entry is found, and for whom it came. */
type Place = Pick<Entry, 'key' | 'varyNames' | 'variant' | 'credentials'>;

function hasCredentials({ requestFields }: Flight): boolean {
  return requestFields.has('authorization');
}
