import { dateOf, type Timing } from '../../protocol/http/cache/age';
import type { CacheStatus } from '../../protocol/http/cache/cache-status';
import type { Lifetime } from '../../protocol/http/cache/freshness';
import type { PartialContent } from '../../protocol/http/cache/partial';
import type { StoredReply } from '../../protocol/http/cache/reuse';
import type { ReplyControl } from '../../protocol/http/cache/targeted';
import { parseHttpDate } from '../../protocol/http/date';
import type { Fields } from '../../protocol/http/fields';
import { listMembers } from '../../protocol/http/syntax';
import type { Content } from './content';

/** What is known of a reply apart from its content; replaced as a whole when it is validated. */
export interface ReplyMeta {
  status: number;
  reason: string;
  /** As stored: nothing of one connection's. */
  fields: Fields;
  control: ReplyControl;
  lifetime: Lifetime;
  timing: Timing;
}

/** A 200 reply ready to be sent: head and first bytes in one buffer, and the rest. */
export interface PreparedReply {
  /** On the context's clock: from then on it must be made anew. */
  until: number;
  head: Uint8Array;
  rest: Uint8Array | undefined;
  cache: CacheStatus;
  reason: string;
}

/** One stored reply. */
export class Entry implements StoredReply {
  readonly key: string;
  readonly varyNames: readonly string[];
  readonly variant: string;
  #meta!: ReplyMeta;
  /** Age when `#since` was now, ms. */
  #initialAge = 0;
  #since = 0;
  /** Unix ms: of several that a request selects, the most recent answers. */
  date = 0;
  lastModified: number | undefined;
  tags: readonly string[] = [];
  invalidated = false;
  hits = 0;
  /** Unix ms. */
  lastUsed: number | undefined;
  content: Content;
  /** Parts only: the content is not all there. */
  partial: PartialContent | undefined;
  /** While it arrives: its end-to-end fields before those were left out that must not be stored. */
  arrivedFields: Fields | undefined;
  /** Fields that came after the content; they are passed on to those who read it as it arrives. */
  trailers: Fields | undefined;
  /** It answered a request with Authorization: shared only while its directives allow that (RFC 9111, section 3.5). */
  credentials = false;
  prepared: PreparedReply | undefined;
  /** Bytes accounted for in the memory tier; 0 when it is not there. */
  memoryWeight = 0;
  /** Name of its files in the disk tier, and the bytes they take. */
  file: string | undefined;
  fileWeight = 0;
  /** No longer in the library: whoever still reads it may finish. */
  gone = false;
  /** A validation is under way in the background. */
  revalidating = false;

  /**
   * @param now the context's clock
   * @param ageMs its age at that moment
   */
  constructor(
    key: string,
    varyNames: readonly string[],
    variant: string,
    meta: ReplyMeta,
    content: Content,
    now: number,
    ageMs: number,
  ) {
    this.key = key;
    this.varyNames = varyNames;
    this.variant = variant;
    this.content = content;
    this.update(meta, now, ageMs);
  }

  /** The same for replies that replace one another. */
  get name(): string {
    return this.variant === '' ? this.key : `${this.key}\n${this.variant}`;
  }

  get meta(): ReplyMeta {
    return this.#meta;
  }

  get control(): ReplyControl {
    return this.#meta.control;
  }

  get lifetimeMs(): number {
    return this.#meta.lifetime.ms;
  }

  get fields(): Fields {
    return this.#meta.fields;
  }

  get etag(): string | undefined {
    return this.fields.first('etag');
  }

  /** Newer fields, and the age that goes with them. */
  update(meta: ReplyMeta, now: number, ageMs: number): void {
    this.#meta = meta;
    this.#initialAge = ageMs;
    this.#since = now;
    this.invalidated = false;
    this.prepared = undefined;
    this.tags = listMembers(meta.fields.get('cache-tag') ?? '');
    this.date = dateOf(meta.fields, meta.timing);
    const modified = meta.fields.first('last-modified');
    this.lastModified =
      (modified === undefined ? null : parseHttpDate(modified, meta.timing.receivedAt)) ?? undefined;
  }

  ageMs(now: number): number {
    return this.#initialAge + now - this.#since;
  }

  /** Freshness left, ms; negative when stale. */
  freshMs(now: number): number {
    return this.invalidated
      ? Math.min(-1, this.lifetimeMs - this.ageMs(now))
      : this.lifetimeMs - this.ageMs(now);
  }
}

/** What an entry's fields cost in memory, roughly, besides its content. */
export function overheadOf(fields: Fields, key: string): number {
  let bytes = 600 + 2 * key.length;
  for (const [name, value] of fields) bytes += 48 + name.length + value.length;
  return bytes;
}
