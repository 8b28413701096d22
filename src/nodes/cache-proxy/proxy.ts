import { formatEndpoint } from '../../contract/endpoint';
import { initialAgeMs, type Timing } from '../../protocol/http/cache/age';
import type { Directives } from '../../protocol/http/cache/cache-control';
import {
  type CacheStatus,
  type ForwardReason,
  formatCacheStatus,
} from '../../protocol/http/cache/cache-status';
import { type FreshnessOptions, freshnessLifetime } from '../../protocol/http/cache/freshness';
import { invalidatedBy, isSafe } from '../../protocol/http/cache/invalidation';
import { PartialContent } from '../../protocol/http/cache/partial';
import {
  decideReuse,
  mayServeOnError,
  type Reuse,
  requestDirectives,
  seconds,
} from '../../protocol/http/cache/reuse';
import { storageRefusal, storedFields } from '../../protocol/http/cache/storability';
import { replyControl } from '../../protocol/http/cache/targeted';
import {
  addValidators,
  headAgrees,
  selectsStored,
  updatedFields,
  withoutConditions,
} from '../../protocol/http/cache/validation';
import { variantKey, varyNames } from '../../protocol/http/cache/vary';
import { isStrong } from '../../protocol/http/etag';
import { Fields } from '../../protocol/http/fields';
import type { Framing } from '../../protocol/http/framing';
import { addVia, countInVia, endToEndFields } from '../../protocol/http/hop-by-hop';
import { HttpError } from '../../protocol/http/http-error';
import { type ByteRange, parseContentRange } from '../../protocol/http/range';
import type { ResponseHead } from '../../protocol/http/response-head';
import { responseHead } from '../../protocol/http/serialise';
import { hasNoContent } from '../../protocol/http/status';
import { resolveReference } from '../../protocol/http/target';
import type { Endpoint, NodeContext } from '../../runtime/context';
import { clientContent } from '../shared/http/client-content';
import type { Exchange } from '../shared/http/exchange';
import type { Upstream, UpstreamError } from '../shared/http/upstream';
import { type Selection, selectFrom } from './answer';
import type { ArrivingContent, Content, Cursor } from './content';
import { ArrivingFileContent } from './disk-content';
import { Entry, overheadOf, type ReplyMeta } from './entry';
import { Flight, type Pending } from './flight';
import { type Library, weightOf } from './library';
import type { CacheConfig } from './manifest';
import { MemoryContent } from './memory-content';
import { PassingContent } from './passing-content';
import { keyOf, type Route, routeOf } from './route';
import type { Outcome, Statistics } from './statistics';

/** This cache's name in Via and Cache-Status. */
const CACHE_NAME = 'micro-cdn';
/** Targeted fields that concern this cache, the most specific first (RFC 9213, section 2.2). */
const TARGETS = ['cdn-cache-control'];
/** Default expiry of the seed's rules. */
const SEED_EXPIRY_MS = 60_000;
/** Requests for what turned out not to be storable do not wait for each other for so long. */
const UNCOLLAPSED_MS = 10_000;
const MAX_UNCOLLAPSED = 1000;
/** Longest heuristic lifetime. */
const HEURISTIC_MAX_MS = 7 * 24 * 3600 * 1000;
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

interface Answer {
  cache: CacheStatus;
  outcome: Outcome;
  reason: string;
}

/** Decides for each request whether what is stored may answer it, and asks the origin otherwise. */
export class CachingProxy {
  readonly #config: CacheConfig;
  readonly #context: NodeContext;
  readonly #library: Library;
  readonly #upstream: Upstream;
  readonly #statistics: Statistics;
  readonly #changed: () => void;
  readonly #freshness: FreshnessOptions;
  /** Requests under way that others may wait for, by key. */
  readonly #flights = new Map<string, Flight>();
  readonly #uncollapsed = new Map<string, number>();
  readonly unreachable = new Set<string>();

  constructor(
    config: CacheConfig,
    context: NodeContext,
    library: Library,
    upstream: Upstream,
    statistics: Statistics,
    changed: () => void,
  ) {
    this.#config = config;
    this.#context = context;
    this.#library = library;
    this.#upstream = upstream;
    this.#statistics = statistics;
    this.#changed = changed;
    const expiryMs = config.expiry * 1000;
    this.#freshness = {
      heuristicShare: config.heuristicPercent / 100,
      heuristicMaxMs: HEURISTIC_MAX_MS,
      fixedMs: expiryMs > 0 ? expiryMs : config.mode === 'seed' ? SEED_EXPIRY_MS : undefined,
    };
  }

  /** Takes a request; its method is anything but CONNECT. */
  handle(exchange: Exchange): void {
    const { head } = exchange;
    let route: Route;
    try {
      route = routeOf(head, this.#config.origins, exchange.local);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      return this.#refuse(exchange, head.target, error.status, error.message);
    }
    const entry = head.method === 'GET' ? this.#library.select(route.key, head.fields) : undefined;
    if (entry && this.#answerPrepared(exchange, entry)) return;
    if (isLoop(head.fields)) {
      return this.#refuse(exchange, route.key, 508, 'The request has come back to this proxy.');
    }
    const directives = requestDirectives(head.fields);
    const pending: Pending = { exchange, route, directives, solo: false, collapsed: false };
    const reads = head.method === 'GET' || head.method === 'HEAD';
    if (!reads) return this.#passOn(pending, 'method', `${head.method} is never answered from the cache`);
    if (exchange.hasContent) return this.#passOn(pending, 'bypass', 'the request has content');
    if (head.fields.has('if-match') || head.fields.has('if-unmodified-since')) {
      return this.#passOn(pending, 'bypass', 'only the origin can tell what If-Match asks');
    }
    this.#serve(pending);
  }

  /** Whatever is asked for now must not be stored: it may be what was just purged. */
  purgeFlights(matches: (key: string) => boolean): void {
    for (const flight of this.#flights.values()) if (matches(flight.key)) flight.storable = false;
  }

  get cacheName(): string {
    return CACHE_NAME;
  }

  // ── From the store ────────────────────────────────────────────────────────────────────────────────

  /** The short way: a whole, fresh 200 from memory, its head made at most once a second. */
  #answerPrepared(exchange: Exchange, entry: Entry): boolean {
    const now = this.#context.clock.now();
    if (this.#config.mode !== 'rfc' || !exchange.takesPrepared) return false;
    for (const name of exchange.head.fields.names) if (special.has(name)) return false;
    if (entry.prepared === undefined || now >= entry.prepared.until) {
      if (!this.#prepare(entry, now)) return false;
    }
    const { head, rest, cache, reason } = entry.prepared as NonNullable<Entry['prepared']>;
    const bytes = entry.content.received;
    this.#library.touch(entry);
    this.#statistics.clientBytes += bytes;
    this.#statistics.storedBytes += bytes;
    exchange.sendPrepared(head, rest);
    this.#record(exchange, entry.key, 200, { cache, outcome: 'hit', reason });
    return true;
  }

  #prepare(entry: Entry, now: number): boolean {
    const { content } = entry;
    if (entry.meta.status !== 200 || entry.partial || !(content instanceof MemoryContent)) return false;
    if (content.state !== 'complete' || !content.kept) return false;
    const ageMs = entry.ageMs(now);
    const reuse = decideReuse(noDirectives, entry, ageMs);
    if (reuse.action !== 'use' || entry.freshMs(now) <= 0) return false;
    const cache: CacheStatus = { hit: true, ttl: Math.floor(entry.freshMs(now) / 1000) };
    const fields = this.#replyFields(entry.fields.copy(), cache, ageMs);
    fields.set('Content-Length', String(content.received));
    const head = responseHead(200, fields, entry.meta.reason);
    const { bytes } = content;
    const joined = Buffer.concat([head, bytes.subarray(0, PREPARED_JOIN)]);
    entry.prepared = {
      until: now + Math.min(1000 - (ageMs % 1000), entry.freshMs(now)),
      head: joined,
      rest: bytes.length > PREPARED_JOIN ? bytes.subarray(PREPARED_JOIN) : undefined,
      cache,
      reason: reuse.why,
    };
    return true;
  }

  #serve(pending: Pending): void {
    const { exchange, route, directives } = pending;
    const { head } = exchange;
    const entry = this.#library.select(route.key, head.fields);
    const now = this.#context.clock.now();
    if (!entry) {
      const reason: ForwardReason = this.#library.has(route.key) ? 'vary-miss' : 'uri-miss';
      return this.#miss(pending, reason, reason === 'vary-miss' ? 'no stored variant matches' : 'not stored');
    }
    const reuse = this.#decide(directives, entry, now);
    if (reuse.action === 'fetch') return this.#miss(pending, 'stale', reuse.why);
    if (reuse.action === 'validate') return this.#validate(pending, entry, reuse.reason, reuse.why);
    const cache: CacheStatus = { hit: true, ttl: Math.floor(entry.freshMs(now) / 1000) };
    const stale = entry.freshMs(now) <= 0;
    if (stale) cache.detail = reuse.why;
    const outcome = stale ? 'stale' : 'hit';
    if (!this.#answer(pending, entry, { cache, outcome, reason: reuse.why }, true)) {
      return this.#completePartial(pending, entry);
    }
    if (reuse.action === 'use-and-revalidate') this.#revalidateInBackground(pending, entry);
  }

  #decide(directives: Directives, entry: Entry, now: number): Reuse | { action: 'fetch'; why: string } {
    const ageMs = entry.ageMs(now);
    if (this.#config.mode === 'rfc') return decideReuse(directives, entry, ageMs);
    if (ageMs >= entry.lifetimeMs || entry.invalidated) {
      return { action: 'fetch', why: `expired ${seconds(ageMs - entry.lifetimeMs)} ago, fetched again` };
    }
    return { action: 'validate', reason: 'stale', why: 'not expired, asked whether it still holds' };
  }

  /** @returns false when the request wants bytes of a partial reply that are not there */
  #answer(pending: Pending, entry: Entry, answer: Answer, stored: boolean): boolean {
    const { exchange } = pending;
    if (exchange.isAbandoned) return true;
    const { head } = exchange;
    const boundary = `part${this.#context.random().toString(36).slice(2)}${this.#context.random().toString(36).slice(2)}`;
    // Those who waited for it get all that came; what is stored may be less.
    const fields = (stored ? undefined : entry.arrivedFields) ?? entry.fields;
    const selection = selectFrom(entry, fields, head, this.#context.clock.wallTime(), boundary);
    if (selection === 'missing') return false;
    if (pending.collapsed) answer.cache.collapsed = true;
    if (stored) this.#library.touch(entry);
    const ageMs = entry.ageMs(this.#context.clock.now());
    this.#replyFields(selection.fields, answer.cache, answer.cache.hit || ageMs >= 1000 ? ageMs : undefined);
    this.#record(exchange, entry.key, selection.status, answer);
    this.#send(exchange, entry, selection, stored).catch((error: Error) => {
      this.#context.log.warn(`${entry.key}: ${error.message}`);
      this.#library.remove(entry);
      exchange.fail();
    });
    return true;
  }

  async #send(
    exchange: Exchange,
    entry: Entry,
    selection: Exclude<Selection, 'missing'>,
    stored: boolean,
  ): Promise<void> {
    const { status, fields } = selection;
    const { content } = entry;
    const reason = status === entry.meta.status ? entry.meta.reason : undefined;
    if (selection.range === 'none') return exchange.reply(status, fields);
    if (exchange.head.method === 'HEAD' || hasNoContent(status)) {
      exchange.begin(status, fields, entry.partial ? undefined : content.length, reason);
      return exchange.end();
    }
    const count = (bytes: number): void => {
      this.#statistics.clientBytes += bytes;
      if (stored) this.#statistics.storedBytes += bytes;
    };
    if (selection.range === 'many') {
      exchange.begin(206, fields, selection.length);
      for (const part of selection.parts) {
        await exchange.write(Buffer.from(part.head, 'latin1'));
        await this.#pump(exchange, entry, part.range, count);
      }
      await exchange.write(Buffer.from(selection.end, 'latin1'));
      return exchange.end();
    }
    const range =
      selection.range === 'all'
        ? { start: 0, end: content.length ?? Number.POSITIVE_INFINITY }
        : selection.range;
    const length = Number.isFinite(range.end) ? range.end - range.start : undefined;
    const whole =
      content instanceof MemoryContent && content.state === 'complete' && content.kept && !entry.partial;
    if (whole && length !== undefined && length <= PREPARED_JOIN) {
      count(length);
      exchange.begin(status, fields, length, reason);
      exchange.write(content.read(range.start, length));
      return exchange.end();
    }
    // Without a wait where there is nothing to promote: arriving content must be read from its first byte.
    if (this.#isPromotable(entry)) await this.#promote(entry);
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
    { start, end }: ByteRange,
    count: (bytes: number) => void,
  ): Promise<void> {
    const parts = entry.partial?.slice({ start, end });
    if (parts) {
      count(parts.length);
      await exchange.write(parts);
      return;
    }
    await this.#pumpContent(exchange, entry.content, start, end, count);
  }

  async #pumpContent(
    exchange: Exchange,
    content: Content,
    start: number,
    end: number,
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

  // ── From the origin ───────────────────────────────────────────────────────────────────────────────

  #miss(pending: Pending, reason: ForwardReason, why: string): void {
    const { exchange, route, directives } = pending;
    const { head } = exchange;
    if (directives.has('only-if-cached')) {
      return this.#refuse(exchange, route.key, 504, `The request wants nothing but the cache: ${why}.`);
    }
    if (head.method === 'HEAD') return this.#passOn(pending, reason, why);
    const conditional =
      head.fields.has('range') || head.fields.has('if-none-match') || head.fields.has('if-modified-since');
    if (conditional) {
      const flight = new Flight(route.key, pending, reason, why);
      return this.#launch(flight, route, this.#forwardFields(head.fields, route, head.minor));
    }
    if (this.#join(pending)) return;
    const flight = new Flight(route.key, pending, reason, why);
    this.#announce(flight, pending);
    this.#launch(flight, route, this.#forwardFields(head.fields, route, head.minor));
  }

  #validate(pending: Pending, entry: Entry, reason: ForwardReason, why: string): void {
    const { exchange, route, directives } = pending;
    const { head } = exchange;
    if (directives.has('only-if-cached')) {
      return this.#refuse(exchange, route.key, 504, `The request wants nothing but the cache: ${why}.`);
    }
    if (head.method === 'HEAD') return this.#passOn(pending, reason, why);
    if (entry.partial) return this.#miss(pending, reason, why);
    if (this.#join(pending)) return;
    const flight = new Flight(route.key, pending, reason, why);
    flight.validates = entry;
    this.#announce(flight, pending);
    const fields = withoutConditions(this.#forwardFields(head.fields, route, head.minor));
    addValidators(fields, entry.fields);
    this.#launch(flight, route, fields);
  }

  #revalidateInBackground({ exchange, route, directives }: Pending, entry: Entry): void {
    if (entry.revalidating) return;
    entry.revalidating = true;
    const { head } = exchange;
    const flight = new Flight(route.key, undefined, 'stale', 'revalidated in the background');
    flight.validates = entry;
    flight.requestFields = head.fields;
    flight.directives = directives;
    const fields = withoutConditions(this.#forwardFields(head.fields, route, head.minor));
    addValidators(fields, entry.fields);
    this.#launch(flight, route, fields);
  }

  /** Bytes are missing: those alone are asked for where a strong validator makes sure that they fit. */
  #completePartial(pending: Pending, entry: Entry): void {
    const { exchange, route } = pending;
    const { head } = exchange;
    const { etag, partial } = entry;
    const gap = partial?.gap;
    const fields = this.#forwardFields(head.fields, route, head.minor);
    const flight = new Flight(route.key, pending, 'partial', 'some of the bytes are not stored');
    if (etag !== undefined && isStrong(etag) && gap && partial && !head.fields.has('range')) {
      const completing = withoutConditions(fields);
      completing.set('Range', `bytes=${gap.start}-${gap.end === partial.size ? '' : gap.end - 1}`);
      completing.set('If-Range', etag);
      flight.completes = entry;
      return this.#launch(flight, route, completing);
    }
    this.#launch(flight, route, fields);
  }

  /** Waits for a request of the same kind that is under way (collapsed forwarding). */
  #join(pending: Pending): boolean {
    const { route, directives } = pending;
    const flight = this.#flights.get(route.key);
    if (!flight || pending.solo || directives.has('no-cache') || directives.has('no-store')) return false;
    pending.collapsed = true;
    flight.waiters.push(pending);
    return true;
  }

  #announce(flight: Flight, pending: Pending): void {
    const until = this.#uncollapsed.get(flight.key);
    if (until !== undefined && this.#context.clock.now() < until) return;
    if (!pending.solo && !this.#flights.has(flight.key)) this.#flights.set(flight.key, flight);
  }

  /** Fields for the next hop: nothing of the client's connection, Host of the URI, and our Via. */
  #forwardFields(fields: Fields, { uri }: Route, minor: number): Fields {
    const forwarded = Fields.of(['Host', uri.authority]);
    for (const [name, value, spelling] of endToEndFields(fields)) {
      if (name !== 'host' && name !== 'expect' && name !== 'content-length') forwarded.add(spelling, value);
    }
    addVia(forwarded, minor, CACHE_NAME);
    return forwarded;
  }

  #launch(flight: Flight, route: Route, fields: Fields, attempt = 0): void {
    const server = route.servers[attempt] as Endpoint;
    this.#statistics.forwarded++;
    flight.requestedAt = this.#context.clock.wallTime();
    flight.requestFields ??= flight.waiters[0]?.exchange.head.fields ?? fields;
    flight.call = this.#upstream.fetch(
      server,
      { method: 'GET', target: route.target, fields },
      {
        interim: (head) => {
          for (const { exchange } of flight.waiters)
            exchange.interim(head.status, endToEndFields(head.fields), head.reason);
        },
        head: (head, framing) => {
          this.#reached(server);
          this.#headArrived(flight, route, head, framing);
        },
        part: (bytes) => this.#partArrived(flight, bytes),
        end: (trailers) => this.#ended(flight, trailers),
        failed: (error) => {
          if (error.kind === 'unreachable') {
            this.#notReached(server, error);
            if (attempt + 1 < route.servers.length) return this.#launch(flight, route, fields, attempt + 1);
          }
          this.#flightFailed(flight, route, error);
        },
      },
    );
    const [first] = flight.waiters;
    if (first) first.exchange.onAbandoned = () => this.#waiterGone(flight);
  }

  #headArrived(flight: Flight, route: Route, head: ResponseHead, framing: Framing): void {
    this.#land(flight);
    const timing: Timing = { requestedAt: flight.requestedAt, receivedAt: this.#context.clock.wallTime() };
    const { validates } = flight;
    if (validates && head.status === 304) {
      flight.mode = 'discard';
      if (selectsStored(head.fields, validates.fields, timing.receivedAt) && !validates.gone) {
        return this.#validated(flight, validates, head, timing);
      }
      // The 304 is about something else (RFC 9111, section 4.3.4): only the whole reply helps.
      this.#library.remove(validates);
      return this.#again(flight, route);
    }
    if (validates) {
      validates.revalidating = false;
      const now = this.#context.clock.now();
      const spared = flight.waiters.filter((waiter) =>
        mayServeOnError(waiter.directives, validates, validates.ageMs(now), head.status, 0),
      );
      if (spared.length > 0 || (head.status >= 500 && flight.waiters.length === 0)) {
        this.#answerStale(flight, spared, validates, `the origin answered ${head.status}`, head.status);
        if (flight.waiters.length === 0) {
          flight.mode = 'discard';
          return flight.call?.abort();
        }
      }
    }
    if (flight.completes && head.status === 206 && this.#startCompletion(flight, head)) return;
    if (head.status === 206) return this.#partialArrived(flight, route, head, framing, timing);
    this.#replyArrived(flight, route, head, framing, timing);
  }

  /** The stored reply still holds: its fields are renewed, and it answers everybody who waits. */
  #validated(flight: Flight, entry: Entry, head: ResponseHead, timing: Timing): void {
    entry.revalidating = false;
    this.#refresh(entry, head, timing);
    const reason = `${flight.why}, revalidated, 304`;
    for (const waiter of flight.waiters) {
      const cache: CacheStatus = { hit: false, forward: flight.reason, forwardStatus: 304, stored: true };
      this.#answer(waiter, entry, { cache, outcome: 'revalidated', reason }, true);
    }
  }

  #refresh(entry: Entry, head: ResponseHead, timing: Timing): void {
    const raw = withDate(head.fields, timing);
    const fields = updatedFields(entry.fields, storedUpdate(raw));
    const control = replyControl(fields, TARGETS);
    const lifetime = freshnessLifetime(entry.meta.status, fields, control, timing, this.#freshness);
    const meta: ReplyMeta = { ...entry.meta, fields, control, lifetime, timing };
    entry.update(meta, this.#context.clock.now(), initialAgeMs(raw, timing));
    this.#library.reweigh(entry);
    this.#library.disk?.update(entry);
    this.#changed();
  }

  #again(flight: Flight, route: Route): void {
    for (const waiter of flight.waiters) {
      const again = new Flight(
        route.key,
        waiter,
        flight.reason,
        `${flight.why}, and the validator was not the stored one`,
      );
      const { head } = waiter.exchange;
      this.#launch(again, route, withoutConditions(this.#forwardFields(head.fields, route, head.minor)));
    }
  }

  /** A whole reply: stored if it may be, and sent to everybody for whom it is one. */
  #replyArrived(flight: Flight, route: Route, head: ResponseHead, framing: Framing, timing: Timing): void {
    const raw = withDate(head.fields, timing);
    const now = this.#context.clock.now();
    const meta = this.#metaOf(head, raw, timing);
    const request = flight.requestFields as Fields;
    const names = varyNames(raw);
    const refusal = this.#refusal(flight, request, head, raw, meta, route);
    const declared = framing.kind === 'length' ? framing.length : framing.kind === 'none' ? 0 : undefined;
    const variant = names === '*' ? '' : variantKey(names, request);
    const unstored: ReplyMeta = { ...meta, fields: endToEndFields(raw) };
    const passing = new PassingContent(declared);
    let entry = new Entry(
      route.key,
      names === '*' ? [] : names,
      variant,
      unstored,
      passing,
      now,
      initialAgeMs(raw, timing),
    );
    let problem = refusal;
    if (refusal === null) {
      const stored = new Entry(
        route.key,
        names as string[],
        variant,
        meta,
        passing,
        now,
        initialAgeMs(raw, timing),
      );
      const content = this.#contentFor(stored, declared);
      if (content) {
        stored.content = content;
        stored.arrivedFields = unstored.fields;
        entry = stored;
        this.#library.put(stored);
      } else problem = 'too large for the store';
    } else if (flight.validates && head.status < 500) this.#library.remove(flight.validates);
    flight.entry = entry;
    flight.content = entry.content as ArrivingContent;
    passing.onUnread = () => flight.call?.abort();
    this.#answerWaiters(flight, entry, head.status, problem, request, names);
    if (framing.kind !== 'none' && entry.content instanceof PassingContent && !entry.content.isRead) {
      flight.mode = 'discard';
      flight.call?.abort();
    }
  }

  #answerWaiters(
    flight: Flight,
    entry: Entry,
    forwardStatus: number,
    problem: string | null,
    request: Fields,
    names: '*' | string[],
  ): void {
    const [first, ...others] = flight.waiters;
    const reason = problem === null ? `${flight.why}, stored` : `${flight.why}; not stored: ${problem}`;
    const tell = (waiter: Pending): void => {
      const cache: CacheStatus = {
        hit: false,
        forward: flight.reason,
        forwardStatus,
        stored: problem === null,
      };
      if (problem !== null) cache.detail = problem;
      this.#answer(waiter, entry, { cache, outcome: problem === null ? 'miss' : 'bypass', reason }, false);
    };
    if (first) tell(first);
    for (const waiter of others) {
      const fits =
        problem === null &&
        names !== '*' &&
        variantKey(names, waiter.exchange.head.fields) === variantKey(names, request);
      if (fits) tell(waiter);
      else this.#alone(waiter);
    }
    if (problem !== null && others.length > 0) this.#remember(flight.key);
  }

  /** What came is not for this one: it asks for itself. */
  #alone(waiter: Pending): void {
    waiter.solo = true;
    waiter.collapsed = false;
    this.#serve(waiter);
  }

  #remember(key: string): void {
    this.#uncollapsed.delete(key);
    this.#uncollapsed.set(key, this.#context.clock.now() + UNCOLLAPSED_MS);
    if (this.#uncollapsed.size > MAX_UNCOLLAPSED) {
      this.#uncollapsed.delete(this.#uncollapsed.keys().next().value as string);
    }
  }

  #refusal(
    flight: Flight,
    request: Fields,
    head: ResponseHead,
    raw: Fields,
    meta: ReplyMeta,
    route: Route,
  ): string | null {
    if (!flight.storable) return 'purged while it was under way';
    const { directives } = meta.control;
    if (this.#config.mode === 'seed' && head.status !== 200) return `status ${head.status} is passed on`;
    const location = raw.first('content-location');
    const named = location === undefined ? null : resolveReference(route.uri, location);
    return storageRefusal({
      method: flight.method,
      requestFields: request,
      requestDirectives: flight.directives ?? flight.waiters[0]?.directives ?? noDirectives,
      status: head.status,
      fields: raw,
      control: { ...meta.control, directives },
      lifetime: meta.lifetime,
      describesTarget: named !== null && keyOf(named) === route.key,
    });
  }

  #metaOf(head: ResponseHead, raw: Fields, timing: Timing): ReplyMeta {
    const control = replyControl(raw, TARGETS);
    return {
      status: head.status,
      reason: head.reason,
      fields: storedFields(raw, control.directives),
      control,
      lifetime: freshnessLifetime(head.status, raw, control, timing, this.#freshness),
      timing,
    };
  }

  /** Where the content of a reply goes: memory if it may fit, or else the disk. Undefined: neither. */
  #contentFor(entry: Entry, length: number | undefined): ArrivingContent | undefined {
    const overhead = overheadOf(entry.fields, entry.key);
    const fitsMemory = overhead + (length ?? 0) <= this.#library.maxMemoryObject;
    if (fitsMemory && this.#library.reserve(entry, overhead + (length ?? 0)))
      return new MemoryContent(length);
    return length === undefined ? undefined : this.#library.disk?.receive(entry, length);
  }

  #partArrived(flight: Flight, bytes: Uint8Array): void {
    this.#statistics.originBytes += bytes.length;
    const { content, entry } = flight;
    if (flight.collects) return this.#collect(flight, bytes);
    if (flight.mode === 'discard' || !content) return;
    // Of unknown length: it is found out step by step whether it fits.
    if (content instanceof MemoryContent && content.kept && entry && content.length === undefined) {
      if (!this.#library.reserve(entry, bytes.length)) {
        this.#library.remove(entry);
        content.passOn(() => flight.call?.abort());
      }
    }
    const wait = content.append(bytes);
    if (!wait) return;
    const { call } = flight;
    call?.pause();
    void wait.then(() => call?.resume());
  }

  #ended(flight: Flight, trailers: Fields | undefined): void {
    const { entry, content } = flight;
    if (flight.collects) return this.#collected(flight);
    if (flight.mode === 'discard' || !entry || !content) return;
    if (trailers && trailers.size > 0) entry.trailers = endToEndFields(trailers);
    if (content instanceof ArrivingFileContent) {
      const { disk } = this.#library;
      disk?.received(entry, content).catch((error: Error) => {
        this.#context.log.warn(`${entry.key} can't be stored on disk: ${error.message}`);
        content.fail();
        this.#library.remove(entry);
      });
      return;
    }
    void content.finish();
    entry.arrivedFields = undefined;
    if (!content.kept || entry.gone || content instanceof PassingContent) return;
    this.#library.settle(entry);
    this.#library.disk?.persist(entry);
  }

  #flightFailed(flight: Flight, route: Route, error: UpstreamError): void {
    this.#land(flight);
    if (flight.collects) {
      flight.collects = undefined;
      for (const { exchange } of flight.waiters) this.#failExchange(exchange, route, error);
      return;
    }
    const { content, entry, validates } = flight;
    if (content && entry) {
      content.fail();
      this.#library.remove(entry);
      return;
    }
    if (validates) {
      validates.revalidating = false;
      const now = this.#context.clock.now();
      const disconnectedMs = this.#config.staleOnDisconnect * 1000;
      const spared = flight.waiters.filter(
        (waiter) =>
          this.#config.mode === 'rfc' &&
          mayServeOnError(waiter.directives, validates, validates.ageMs(now), null, disconnectedMs),
      );
      this.#answerStale(flight, spared, validates, error.message, undefined);
    }
    for (const { exchange } of flight.waiters) this.#failExchange(exchange, route, error, flight.reason);
  }

  /** Answers some of those who wait with what is stale, and leaves the others. */
  #answerStale(
    flight: Flight,
    spared: Pending[],
    entry: Entry,
    problem: string,
    forwardStatus: number | undefined,
  ): void {
    flight.waiters = flight.waiters.filter((waiter) => !spared.includes(waiter));
    for (const waiter of spared) {
      const cache: CacheStatus = {
        hit: true,
        ttl: Math.floor(entry.freshMs(this.#context.clock.now()) / 1000),
        detail: 'stale: the origin failed',
      };
      if (forwardStatus !== undefined) cache.forwardStatus = forwardStatus;
      this.#answer(waiter, entry, { cache, outcome: 'stale', reason: `${flight.why}, but ${problem}` }, true);
    }
  }

  #failExchange(
    exchange: Exchange,
    route: Route,
    error: UpstreamError,
    reason: ForwardReason = 'miss',
  ): void {
    if (exchange.isAbandoned) return;
    if (exchange.started) return exchange.fail();
    const status = error.kind === 'unreachable' ? 523 : error.kind === 'timeout' ? 504 : 502;
    const cache: CacheStatus = { hit: false, forward: reason, detail: error.kind };
    this.#record(exchange, route.key, status, { cache, outcome: 'error', reason: error.message });
    exchange.explain(
      status,
      error.message,
      Fields.of(['Cache-Status', formatCacheStatus(CACHE_NAME, cache)]),
    );
  }

  /** The first client of a flight is gone: what is not stored need not be fetched on. */
  #waiterGone(flight: Flight): void {
    const wanted = flight.waiters.some(({ exchange }) => !exchange.isAbandoned);
    if (wanted || flight.entry) return;
    this.#land(flight);
    if (flight.validates) flight.validates.revalidating = false;
    flight.call?.abort();
  }

  /** Nobody joins any more. */
  #land(flight: Flight): void {
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key);
  }

  // ── Parts ─────────────────────────────────────────────────────────────────────────────────────────

  /** A 206 for a Range of the client's: passed on, and kept if it is one run of a whole whose size is known. */
  #partialArrived(flight: Flight, route: Route, head: ResponseHead, framing: Framing, timing: Timing): void {
    const raw = withDate(head.fields, timing);
    const meta = this.#metaOf(head, raw, timing);
    const request = flight.requestFields as Fields;
    const names = varyNames(raw);
    const range = parseContentRange(raw.first('content-range') ?? '');
    const refusal = this.#refusal(flight, request, head, raw, meta, route);
    const length = framing.kind === 'length' ? framing.length : undefined;
    const content = new PassingContent(length);
    const passing = new Entry(
      route.key,
      [],
      '',
      { ...meta, fields: endToEndFields(raw) },
      content,
      this.#context.clock.now(),
      0,
    );
    content.onUnread = () => flight.call?.abort();
    flight.entry = passing;
    flight.content = content;
    const keep =
      refusal === null &&
      range?.size !== null &&
      range !== null &&
      length !== undefined &&
      names !== '*' &&
      length <= this.#library.maxMemoryObject;
    this.#answerWaiters(
      flight,
      passing,
      206,
      keep ? null : (refusal ?? 'not one run of known size'),
      request,
      '*',
    );
    if (!keep) return;
    const { size, start } = range as ByteRange & { size: number };
    flight.collects = {
      bytes: [],
      done: (bytes) =>
        this.#keepPart(
          route,
          names as string[],
          variantKey(names as string[], request),
          meta,
          raw,
          timing,
          size,
          start,
          bytes,
        ),
    };
  }

  #collect(flight: Flight, bytes: Uint8Array): void {
    flight.collects?.bytes.push(Buffer.from(bytes));
    const wait = flight.content?.append(bytes);
    if (!wait) return;
    const { call } = flight;
    call?.pause();
    void wait.then(() => call?.resume());
  }

  #collected(flight: Flight): void {
    void flight.content?.finish();
    flight.collects?.done(Buffer.concat(flight.collects.bytes));
  }

  /** Adds a part to those that are stored, if they are surely of the same representation (RFC 9111, section 3.4). */
  #keepPart(
    route: Route,
    names: string[],
    variant: string,
    meta: ReplyMeta,
    raw: Fields,
    timing: Timing,
    size: number,
    start: number,
    bytes: Uint8Array,
  ): void {
    const now = this.#context.clock.now();
    const fields = meta.fields.copy((name) => name !== 'content-range' && name !== 'content-length');
    const existing = this.#library
      .variantsOf(route.key)
      .find((entry) => entry.variant === variant && entry.varyNames.join() === names.join());
    const etag = fields.first('etag');
    const same = etag !== undefined && isStrong(etag) && existing?.etag === etag;
    // A whole reply that is still good is worth more than a part of perhaps another one.
    if (existing && !existing.partial && (same || existing.freshMs(now) > 0)) return;
    const partial = new PartialContent(size);
    if (existing?.partial && same && existing.partial.size === size) partial.adopt(existing.partial);
    partial.add(start, bytes);
    const entry = new Entry(
      route.key,
      names,
      variant,
      { ...meta, status: 200, reason: '', fields },
      MemoryContent.of(new Uint8Array(0)),
      now,
      initialAgeMs(raw, timing),
    );
    if (partial.isComplete)
      entry.content = MemoryContent.of(partial.slice({ start: 0, end: size }) as Uint8Array);
    else entry.partial = partial;
    this.#library.put(entry);
    if (!this.#library.reserve(entry, weightOf(entry))) return this.#library.remove(entry);
    this.#library.settle(entry);
    if (!entry.partial) this.#library.disk?.persist(entry);
  }

  /** The origin sends the bytes that were missing. */
  #startCompletion(flight: Flight, head: ResponseHead): boolean {
    const entry = flight.completes as Entry;
    const range = parseContentRange(head.fields.first('content-range') ?? '');
    const [waiter] = flight.waiters;
    const { partial } = entry;
    if (
      !range ||
      !waiter ||
      !partial ||
      head.fields.first('etag') !== entry.etag ||
      range.size !== partial.size
    )
      return false;
    flight.collects = {
      bytes: [],
      done: (bytes) => {
        const whole = new PartialContent(partial.size);
        whole.adopt(partial);
        whole.add(range.start, bytes);
        if (!whole.isComplete) return this.#alone(waiter);
        const timing = { requestedAt: flight.requestedAt, receivedAt: this.#context.clock.wallTime() };
        const complete = new Entry(
          entry.key,
          entry.varyNames,
          entry.variant,
          entry.meta,
          MemoryContent.of(whole.slice({ start: 0, end: partial.size }) as Uint8Array),
          this.#context.clock.now(),
          0,
        );
        this.#library.put(complete);
        if (this.#library.reserve(complete, weightOf(complete))) {
          this.#library.settle(complete);
          this.#refresh(complete, head, timing);
          this.#library.disk?.persist(complete);
        } else this.#library.remove(complete);
        const cache: CacheStatus = { hit: false, forward: 'partial', forwardStatus: 206, stored: true };
        this.#answer(
          waiter,
          complete,
          { cache, outcome: 'miss', reason: 'the missing bytes were fetched' },
          false,
        );
      },
    };
    return true;
  }

  // ── Past the cache ────────────────────────────────────────────────────────────────────────────────

  /** Sends a request on as it is, and its reply back. */
  #passOn(pending: Pending, reason: ForwardReason, why: string, attempt = 0): void {
    const { exchange, route } = pending;
    const { head } = exchange;
    if (!this.#mayForward(exchange, route)) return;
    const fields = this.#forwardFields(head.fields, route, head.minor);
    const flight = new Flight(route.key, pending, reason, why);
    flight.method = head.method;
    flight.requestFields = head.fields;
    flight.requestedAt = this.#context.clock.wallTime();
    const server = route.servers[attempt] as Endpoint;
    this.#statistics.forwarded++;
    const content = exchange.hasContent ? clientContent(exchange) : undefined;
    flight.call = this.#upstream.fetch(
      server,
      { method: head.method, target: route.target, fields, ...(content ? { content } : {}) },
      {
        interim: (interim) =>
          exchange.interim(interim.status, endToEndFields(interim.fields), interim.reason),
        head: (reply, framing) => {
          this.#reached(server);
          this.#passedOnReply(flight, route, reply, framing);
        },
        part: (bytes) => this.#partArrived(flight, bytes),
        end: (trailers) => this.#ended(flight, trailers),
        failed: (error) => {
          if (error.kind === 'unreachable') {
            this.#notReached(server, error);
            if (!content && attempt + 1 < route.servers.length)
              return this.#passOn(pending, reason, why, attempt + 1);
          }
          this.#flightFailed(flight, route, error);
        },
      },
    );
    exchange.onAbandoned = () => flight.call?.abort();
  }

  #passedOnReply(flight: Flight, route: Route, head: ResponseHead, framing: Framing): void {
    const timing: Timing = { requestedAt: flight.requestedAt, receivedAt: this.#context.clock.wallTime() };
    if (!isSafe(flight.method)) {
      for (const uri of invalidatedBy(flight.method, route.uri, head.status, head.fields)) {
        this.#library.invalidate(keyOf(uri));
        this.purgeFlights((key) => key === keyOf(uri));
      }
    }
    if (flight.method === 'HEAD' && head.status === 200) this.#headUpdates(flight, route, head, timing);
    this.#replyArrived(flight, route, head, framing, timing);
  }

  /** RFC 9111, section 4.3.5: a HEAD renews what is stored for GET, or shows that it no longer holds. */
  #headUpdates(flight: Flight, route: Route, head: ResponseHead, timing: Timing): void {
    const entry = this.#library.select(route.key, flight.requestFields as Fields);
    if (entry?.meta.status !== 200 || entry.partial) return;
    if (headAgrees(head.fields, entry.fields)) this.#refresh(entry, head, timing);
    else this.#library.remove(entry);
  }

  /** RFC 9110, section 7.6.2: a request may say how many proxies it is to pass. */
  #mayForward(exchange: Exchange, route: Route): boolean {
    const { method, fields } = exchange.head;
    const left = method === 'OPTIONS' || method === 'TRACE' ? fields.first('max-forwards') : undefined;
    if (left === undefined || !/^\d{1,9}$/.test(left)) return true;
    if (left !== '0') {
      fields.set('Max-Forwards', String(Number(left) - 1));
      return true;
    }
    if (method === 'TRACE') this.#refuse(exchange, route.key, 501, 'TRACE is not answered here.');
    else exchange.reply(200, Fields.of(['Allow', 'GET, HEAD, OPTIONS, POST, PUT, DELETE, PATCH']));
    return false;
  }

  // ── Small things ──────────────────────────────────────────────────────────────────────────────────

  /** Via, Age and Cache-Status, as this cache adds them; `ageMs` undefined: it comes straight from the origin. */
  #replyFields(fields: Fields, cache: CacheStatus, ageMs: number | undefined): Fields {
    addVia(fields, 1, CACHE_NAME);
    if (ageMs !== undefined) fields.set('Age', String(Math.floor(ageMs / 1000)));
    fields.add('Cache-Status', formatCacheStatus(CACHE_NAME, cache));
    return fields;
  }

  #refuse(exchange: Exchange, url: string, status: number, text: string): void {
    const cache: CacheStatus = { hit: false, detail: text };
    this.#record(exchange, url, status, { cache, outcome: 'error', reason: text });
    exchange.explain(status, text, Fields.of(['Cache-Status', formatCacheStatus(CACHE_NAME, cache)]));
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

  #reached(server: Endpoint): void {
    if (!this.unreachable.delete(formatEndpoint(server))) return;
    const address = formatEndpoint(server);
    this.#context.telemetry.event({
      type: 'origin-back',
      text: `The origin ${address} can be reached again.`,
      subject: address,
      level: 'good',
    });
    this.#changed();
  }

  #notReached(server: Endpoint, error: UpstreamError): void {
    const address = formatEndpoint(server);
    this.#upstream.forget(server);
    if (this.unreachable.has(address)) return;
    this.unreachable.add(address);
    this.#context.telemetry.event({
      type: 'origin-unreachable',
      text: `The origin can't be reached: ${error.message}`,
      subject: address,
      level: 'bad',
    });
    this.#changed();
  }
}

const noDirectives: Directives = new Map();

/** Chains of caches of ours are fine; a loop passes them again and again. */
const MAX_HOPS = 8;

function isLoop(fields: Fields): boolean {
  return countInVia(fields, CACHE_NAME) > MAX_HOPS;
}

/** RFC 9110, section 6.6.1: a reply without a valid Date gets the time of its arrival. */
function withDate(fields: Fields, { receivedAt }: Timing): Fields {
  const date = fields.first('date');
  if (date !== undefined && !Number.isNaN(Date.parse(date))) return fields;
  return fields.copy().set('Date', new Date(receivedAt).toUTCString());
}

/** Fields of a 304 or HEAD that may go into the store. */
function storedUpdate(fields: Fields): Fields {
  return storedFields(fields, replyControl(fields, TARGETS).directives);
}
