import {
  type CacheStatus,
  type ForwardReason,
  formatCacheStatus,
} from '../../protocol/http/cache/cache-status';
import { decideReuse } from '../../protocol/http/cache/reuse';
import { Fields } from '../../protocol/http/fields';
import { addVia } from '../../protocol/http/hop-by-hop';
import type { ByteRange } from '../../protocol/http/range';
import { responseHead } from '../../protocol/http/serialise';
import { hasNoContent } from '../../protocol/http/status';
import type { NodeContext } from '../../runtime/context';
import type { Exchange } from '../shared/http/exchange';
import type { UpstreamError } from '../shared/http/upstream';
import { type Selection, selectFrom } from './answer';
import type { Content, Cursor } from './content';
import { FileContent } from './disk-content';
import { type Entry, overheadOf, type PreparedReply } from './entry';
import type { Pending } from './flight';
import type { Library } from './library';
import { MemoryContent } from './memory-content';
import { CACHE_NAME } from './names';
import { noDirectives } from './reply-rules';
import type { Outcome, Statistics } from './statistics';

/** Bytes that a prepared reply has in one buffer with its head; the rest of a larger one follows. */
const PREPARED_JOIN = 128 * 1024;
const READ_SIZE = 1024 * 1024;

/** Fields of a request that may make it anything but "the whole of it, as it is". */
const special = new Set([
  'cache-control',
  'pragma',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'via',
]);

/** How a request is answered, for the client and for people. */
export interface Answer {
  cache: CacheStatus;
  outcome: Outcome;
  reason: string;
}

/** Sends replies to clients: from entries, complete or still arriving, and refusals; and keeps the record. */
export class Responder {
  readonly #context: NodeContext;
  readonly #library: Library;
  readonly #statistics: Statistics;
  readonly #changed: () => void;
  /** Called with a request for a reply that has turned out to be lost: nothing has been sent yet. */
  onLost: ((pending: Pending) => void) | undefined;

  constructor(context: NodeContext, library: Library, statistics: Statistics, changed: () => void) {
    this.#context = context;
    this.#library = library;
    this.#statistics = statistics;
    this.#changed = changed;
  }

  /**
   * The short way: a whole, fresh 200 from memory, its head made at most once a second.
   * @returns false when it can't be taken
   */
  answerPrepared(exchange: Exchange, entry: Entry): boolean {
    if (!exchange.takesPrepared) return false;
    for (const name of exchange.head.fields.names) if (special.has(name)) return false;
    const now = this.#context.clock.now();
    if (entry.prepared === undefined || now >= entry.prepared.until)
      entry.prepared = this.#prepare(entry, now);
    if (entry.prepared === undefined) return false;
    const { head, rest, cache, reason } = entry.prepared;
    const bytes = entry.content.received;
    this.#library.touch(entry);
    this.#statistics.clientBytes += bytes;
    this.#statistics.storedBytes += bytes;
    exchange.sendPrepared(head, rest);
    this.#record(exchange, entry.key, 200, { cache, outcome: 'hit', reason });
    return true;
  }

  /**
   * Answers from an entry, as conditions and Range of the request say.
   * @param stored false: the entry has just come for this very request
   * @returns false when the request wants bytes of a partial reply that are not there
   */
  answer(pending: Pending, entry: Entry, answer: Answer, stored: boolean): boolean {
    const { exchange } = pending;
    if (exchange.isAbandoned) return true;
    // Those who waited for it get all that came; what is stored may be less.
    const from = (stored ? undefined : entry.arrivedFields) ?? entry.fields;
    const selection = selectFrom(
      entry,
      from,
      exchange.head,
      this.#context.clock.wallTime(),
      this.#boundary(),
    );
    if (selection === 'missing') return false;
    if (pending.collapsed) answer.cache.collapsed = true;
    if (stored) this.#library.touch(entry);
    const ageMs = entry.ageMs(this.#context.clock.now());
    addOwnFields(selection.fields, answer.cache, answer.cache.hit || ageMs >= 1000 ? ageMs : undefined);
    this.#send(exchange, entry, selection, answer, stored).catch((error: Error) => {
      this.#context.log.warn(`${entry.key}: ${error.message}`);
      this.#library.remove(entry);
      if (stored && !exchange.started && !exchange.isAbandoned) this.onLost?.(pending);
      else exchange.fail();
    });
    return true;
  }

  /** Answers with a sentence instead. */
  refuse(exchange: Exchange, url: string, status: number, text: string): void {
    this.#explain(exchange, url, status, text, { hit: false, detail: text });
  }

  /** Answers for an origin that has failed. */
  fail(exchange: Exchange, url: string, error: UpstreamError, forward: ForwardReason): void {
    if (exchange.isAbandoned) return;
    if (exchange.started) return exchange.fail();
    const status = error.kind === 'unreachable' ? 523 : error.kind === 'timeout' ? 504 : 502;
    this.#explain(exchange, url, status, error.message, { hit: false, forward, detail: error.kind });
  }

  #explain(exchange: Exchange, url: string, status: number, text: string, cache: CacheStatus): void {
    this.#record(exchange, url, status, { cache, outcome: 'error', reason: text });
    exchange.explain(status, text, Fields.of(['Cache-Status', formatCacheStatus(CACHE_NAME, cache)]));
  }

  #prepare(entry: Entry, now: number): PreparedReply | undefined {
    const { content } = entry;
    if (entry.meta.status !== 200 || entry.partial || !isWhole(content)) return undefined;
    const [ageMs, freshMs] = [entry.ageMs(now), entry.freshMs(now)];
    const reuse = decideReuse(noDirectives, entry, ageMs);
    if (reuse.action !== 'use' || freshMs <= 0) return undefined;
    const cache: CacheStatus = { hit: true, ttl: Math.floor(freshMs / 1000) };
    const fields = addOwnFields(entry.fields.copy(), cache, ageMs);
    fields.set('Content-Length', String(content.received));
    const head = responseHead(200, fields, entry.meta.reason);
    const { bytes } = content;
    return {
      until: now + Math.min(1000 - (ageMs % 1000), freshMs),
      head: Buffer.concat([head, bytes.subarray(0, PREPARED_JOIN)]),
      rest: bytes.length > PREPARED_JOIN ? bytes.subarray(PREPARED_JOIN) : undefined,
      cache,
      reason: reuse.why,
    };
  }

  async #send(
    exchange: Exchange,
    entry: Entry,
    selection: Exclude<Selection, 'missing'>,
    answer: Answer,
    stored: boolean,
  ): Promise<void> {
    const { status, fields } = selection;
    const { content } = entry;
    const isEmpty = selection.range === 'none' || exchange.head.method === 'HEAD' || hasNoContent(status);
    // First of all, because what the disk has lost is no hit; and without a wait where there is nothing to look for:
    // arriving content must be read from its first byte.
    if (!isEmpty && this.#isPromotable(entry)) await this.#promote(entry);
    else if (!isEmpty && content instanceof FileContent) await content.check();
    this.#record(exchange, entry.key, status, answer);
    const reason = status === entry.meta.status ? entry.meta.reason : undefined;
    const count = (bytes: number): void => {
      this.#statistics.clientBytes += bytes;
      if (stored) this.#statistics.storedBytes += bytes;
    };
    if (selection.range === 'none') return exchange.reply(status, fields);
    if (isEmpty) {
      // The origin's own Content-Length tells what a GET would get (RFC 9110, section 8.6): its reply to a HEAD has
      // no content to count.
      exchange.begin(status, fields, stored ? content.length : undefined, reason);
      return exchange.end();
    }
    if (selection.range === 'many') {
      exchange.begin(206, fields, selection.length);
      for (const part of selection.parts) {
        await exchange.write(Buffer.from(part.head, 'latin1'));
        await this.#pump(exchange, entry, part.range, count);
      }
      await exchange.write(Buffer.from(selection.end, 'latin1'));
      return exchange.end();
    }
    const whole = { start: 0, end: content.length ?? Number.POSITIVE_INFINITY };
    const range = selection.range === 'all' ? whole : selection.range;
    const length = Number.isFinite(range.end) ? range.end - range.start : undefined;
    if (!entry.partial && isWhole(content) && length !== undefined && length <= PREPARED_JOIN) {
      count(length);
      exchange.begin(status, fields, length, reason);
      exchange.write(content.read(range.start, length));
      return exchange.end();
    }
    exchange.begin(status, fields, length, reason);
    await this.#pump(exchange, entry, range, count);
    if (entry.content.state !== 'failed') exchange.end(entry.trailers);
  }

  /** A reply on disk that is small moves to memory when it is used. */
  #isPromotable(entry: Entry): boolean {
    if (entry.file === undefined || entry.memoryWeight > 0 || entry.content.state !== 'complete')
      return false;
    const size = entry.content.received + overheadOf(entry.fields, entry.key);
    return this.#library.disk !== undefined && size <= this.#library.maxMemoryObject / 4;
  }

  async #promote(entry: Entry): Promise<void> {
    const bytes = await this.#library.disk?.readWhole(entry);
    if (bytes) this.#library.promote(entry, bytes);
  }

  async #pump(
    exchange: Exchange,
    entry: Entry,
    range: ByteRange,
    count: (bytes: number) => void,
  ): Promise<void> {
    const part = entry.partial?.slice(range);
    if (!part) return this.#pumpContent(exchange, entry.content, range, count);
    count(part.length);
    await exchange.write(part);
  }

  async #pumpContent(
    exchange: Exchange,
    content: Content,
    { start, end }: ByteRange,
    count: (bytes: number) => void,
  ): Promise<void> {
    const cursor: Cursor = { at: start };
    content.open(cursor);
    try {
      while (cursor.at < end && !exchange.isAbandoned) {
        if (cursor.at < content.received) {
          const part = await content.read(cursor.at, Math.min(READ_SIZE, end - cursor.at));
          cursor.at += part.length;
          count(part.length);
          content.moved();
          await exchange.write(part)?.catch(() => {});
        } else if (content.state === 'failed') return exchange.fail();
        else if (content.state === 'complete') return;
        else await content.change();
      }
    } finally {
      content.close(cursor);
    }
  }

  #record(exchange: Exchange, url: string, status: number, { cache, outcome, reason }: Answer): void {
    this.#statistics.add({
      at: this.#context.clock.wallTime(),
      peer: exchange.peer,
      method: exchange.head.method,
      url,
      status,
      outcome,
      cache,
      reason,
    });
    this.#context.telemetry.count(outcome);
    this.#changed();
  }

  /** Of multipart replies: dice make it unlikely enough to occur in a content. */
  #boundary(): string {
    return `part${this.#context.random().toString(36).slice(2)}${this.#context.random().toString(36).slice(2)}`;
  }
}

/** Via, Age and Cache-Status, as this cache adds them; `ageMs` undefined: it comes straight from the origin. */
function addOwnFields(fields: Fields, cache: CacheStatus, ageMs: number | undefined): Fields {
  addVia(fields, 1, CACHE_NAME);
  if (ageMs !== undefined) fields.set('Age', String(Math.floor(ageMs / 1000)));
  return fields.add('Cache-Status', formatCacheStatus(CACHE_NAME, cache));
}

/** All of it is in memory. */
function isWhole(content: Content): content is MemoryContent {
  return content instanceof MemoryContent && content.state === 'complete' && content.kept;
}
