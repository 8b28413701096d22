import type { CacheStatus, ForwardReason } from '../../protocol/http/cache/cache-status';
import { invalidatedBy } from '../../protocol/http/cache/invalidation';
import { requestDirectives } from '../../protocol/http/cache/reuse';
import { addValidators, withoutConditions } from '../../protocol/http/cache/validation';
import { variantKey, varyNames } from '../../protocol/http/cache/vary';
import { Fields } from '../../protocol/http/fields';
import type { Framing } from '../../protocol/http/framing';
import { endToEndFields } from '../../protocol/http/hop-by-hop';
import { HttpError } from '../../protocol/http/http-error';
import { isSafe } from '../../protocol/http/methods';
import type { ResponseHead } from '../../protocol/http/response-head';
import type { NodeContext } from '../../runtime/context';
import { clientContent } from '../shared/http/client-content';
import type { Exchange } from '../shared/http/exchange';
import type { UpstreamError } from '../shared/http/upstream';
import { Arrivals, passingEntry } from './arrivals';
import { Entry } from './entry';
import { Flight, type Pending } from './flight';
import { Flights } from './flights';
import { Freshening } from './freshening';
import { isSelected, type Library } from './library';
import type { CacheConfig } from './manifest';
import { forwardFields, isLoop, type Origins } from './origins';
import { Parts } from './parts';
import { PassingContent } from './passing-content';
import { PurgeMarks } from './purge-marks';
import { type Arrived, arrived, ReplyRules } from './reply-rules';
import type { Responder } from './responder';
import { keyOf, type Route, routeOf } from './route';
import { StaleReplies } from './stale-replies';

/** Decides for each request whether what is stored may answer it, and asks the origin otherwise. */
export class CachingProxy {
  readonly #config: CacheConfig;
  readonly #context: NodeContext;
  readonly #library: Library;
  readonly #origins: Origins;
  readonly #responder: Responder;
  readonly #rules: ReplyRules;
  readonly #arrivals: Arrivals;
  readonly #parts: Parts;
  readonly #freshening: Freshening;
  readonly #stale: StaleReplies;
  readonly #flights: Flights;
  readonly #purged = new PurgeMarks();

  constructor(
    config: CacheConfig,
    context: NodeContext,
    parts: { library: Library; origins: Origins; responder: Responder },
  ) {
    this.#config = config;
    this.#context = context;
    this.#library = parts.library;
    this.#origins = parts.origins;
    this.#responder = parts.responder;
    this.#rules = new ReplyRules(config);
    this.#arrivals = new Arrivals(context, parts.library);
    this.#parts = new Parts(context, parts.library, this.#rules, this.#arrivals, this.#purged);
    this.#freshening = new Freshening(context.clock, parts.library, this.#rules);
    this.#stale = new StaleReplies(config, context.clock, parts.responder);
    this.#flights = new Flights(context.clock);
    parts.responder.onLost = (pending) => this.#serve(pending);
  }

  /** Takes a request of any method but CONNECT. */
  handle(exchange: Exchange): void {
    const { head } = exchange;
    const route = this.#routeOf(exchange);
    if (!route) return;
    const entry = head.method === 'GET' ? this.#library.select(route.key, head.fields) : undefined;
    if (entry && this.#config.mode === 'rfc' && this.#responder.answerPrepared(exchange, entry)) return;
    if (isLoop(head.fields)) {
      return this.#responder.refuse(exchange, route.key, 508, 'The request has come back to this proxy.');
    }
    const directives = requestDirectives(head.fields);
    const pending: Pending = { exchange, route, directives, solo: false, collapsed: false };
    const around = reasonToPassOn(exchange);
    if (around) this.#passOn(pending, around.reason, around.why);
    else this.#serve(pending);
  }

  /** What was asked for before now must not be stored any more where `matches`. */
  markPurged(matches: (key: string) => boolean): void {
    this.#purged.add(matches);
  }

  #routeOf(exchange: Exchange): Route | undefined {
    try {
      return routeOf(exchange.head, this.#config.origins, exchange.local);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      this.#responder.refuse(exchange, exchange.head.target, error.status, error.message);
      return undefined;
    }
  }

  // From the store, if it may be.

  #serve(pending: Pending): void {
    const { exchange, route, directives } = pending;
    const entry = this.#library.select(route.key, exchange.head.fields);
    if (!entry) {
      const known = this.#library.has(route.key);
      return this.#miss(
        pending,
        known ? 'vary-miss' : 'uri-miss',
        known ? 'no stored variant matches' : 'not stored',
      );
    }
    const now = this.#context.clock.now();
    const reuse = this.#rules.decide(directives, entry, now);
    if (reuse.action === 'fetch') return this.#miss(pending, 'stale', reuse.why);
    if (reuse.action === 'validate') return this.#validate(pending, entry, reuse.reason, reuse.why);
    const stale = entry.freshMs(now) <= 0;
    const cache: CacheStatus = {
      hit: true,
      ttl: Math.floor(entry.freshMs(now) / 1000),
      ...(stale ? { detail: reuse.why } : {}),
    };
    const answer = { cache, outcome: stale ? 'stale' : 'hit', reason: reuse.why } as const;
    if (!this.#responder.answer(pending, entry, answer, true)) return this.#completePartial(pending, entry);
    if (reuse.action === 'use-and-revalidate') this.#revalidateInBackground(pending, entry);
  }

  #miss(pending: Pending, reason: ForwardReason, why: string): void {
    const { exchange, route } = pending;
    const { fields } = exchange.head;
    if (!this.#mayAsk(pending, reason, why)) return;
    // A reply to conditions or a Range of one client is of no use to others.
    const own = fields.has('range') || fields.has('if-none-match') || fields.has('if-modified-since');
    if (!own && this.#flights.join(pending)) return;
    const flight = new Flight(pending, reason, why);
    if (!own) this.#flights.announce(flight, pending);
    this.#launch(flight, forwardFields(exchange.head, route));
  }

  #validate(pending: Pending, entry: Entry, reason: ForwardReason, why: string): void {
    if (entry.partial) return this.#miss(pending, reason, why);
    if (!this.#mayAsk(pending, reason, why) || this.#flights.join(pending)) return;
    const flight = new Flight(pending, reason, why);
    this.#flights.announce(flight, pending);
    this.#launchValidation(flight, pending, entry);
  }

  #revalidateInBackground(pending: Pending, entry: Entry): void {
    if (entry.revalidating) return;
    entry.revalidating = true;
    this.#launchValidation(
      new Flight(pending, 'stale', 'revalidated in the background', true),
      pending,
      entry,
    );
  }

  #launchValidation(flight: Flight, { exchange, route }: Pending, entry: Entry): void {
    flight.validates = entry;
    const fields = withoutConditions(forwardFields(exchange.head, route));
    addValidators(fields, entry.fields);
    this.#launch(flight, fields);
  }

  /** Bytes are missing: those alone are asked for where they can be combined with what is there. */
  #completePartial(pending: Pending, entry: Entry): void {
    const { exchange, route } = pending;
    const fields = forwardFields(exchange.head, route);
    const flight = new Flight(pending, 'partial', 'some of the bytes are not stored');
    const completion = this.#parts.completion(entry, fields);
    if (completion) flight.completes = entry;
    this.#launch(flight, completion ?? fields);
  }

  /** False when the request has been answered, or sent past the cache, instead. */
  #mayAsk(pending: Pending, reason: ForwardReason, why: string): boolean {
    const { exchange, route, directives } = pending;
    if (directives.has('only-if-cached')) {
      this.#responder.refuse(exchange, route.key, 504, `The request wants nothing but the cache: ${why}.`);
      return false;
    }
    // What is stored is of GETs; a HEAD is passed on, and tells about them (RFC 9111, section 4.3.5).
    if (exchange.head.method === 'HEAD') this.#passOn(pending, reason, why);
    return exchange.head.method !== 'HEAD';
  }

  // From the origin.

  #launch(flight: Flight, fields: Fields): void {
    this.#ask(flight, fields, (head, framing) => this.#headArrived(flight, head, framing));
    const [first] = flight.waiters;
    if (first) first.exchange.onAbandoned = () => this.#waiterGone(flight);
  }

  /** Sends a request on as it is, and its reply back. */
  #passOn(pending: Pending, reason: ForwardReason, why: string): void {
    const { exchange, route } = pending;
    if (!this.#mayTravelOn(exchange, route)) return;
    const flight = new Flight(pending, reason, why);
    this.#ask(flight, forwardFields(exchange.head, route), (head, framing) =>
      this.#passedOn(flight, head, framing),
    );
    exchange.onAbandoned = () => flight.call?.abort();
  }

  #ask(flight: Flight, fields: Fields, headArrived: (head: ResponseHead, framing: Framing) => void): void {
    const [first] = flight.waiters;
    const content = first?.exchange.hasContent ? clientContent(first.exchange) : undefined;
    const request = { method: flight.method, fields, ...(content ? { content } : {}) };
    flight.requestedAt = this.#context.clock.wallTime();
    flight.launchedAt = this.#purged.now;
    this.#origins.fetch(
      flight.route,
      request,
      {
        interim: ({ status, fields: interim, reason }) => {
          for (const { exchange } of flight.waiters)
            exchange.interim(status, endToEndFields(interim), reason);
        },
        head: headArrived,
        part: (bytes) => this.#arrivals.part(flight, bytes),
        end: (trailers) => this.#arrivals.end(flight, trailers),
        failed: (error) => this.#failed(flight, error),
      },
      (call) => {
        flight.call = call;
      },
    );
  }

  #headArrived(flight: Flight, head: ResponseHead, framing: Framing): void {
    this.#flights.land(flight);
    const reply = this.#arrived(flight, head);
    const { validates, completes } = flight;
    if (validates) {
      this.#validated(flight, validates);
      if (head.status === 304) return this.#notModified(flight, validates, reply);
      if (this.#stale.onStatus(flight, validates, head.status)) {
        flight.discards = true;
        flight.call?.abort();
        return;
      }
    }
    // A 416 only says that the representation has become shorter.
    const onParts = head.status === 206 || head.status === 416;
    if (completes && onParts) this.#completionArrived(flight, completes, reply, framing);
    else if (head.status === 206) this.#partArrived(flight, reply, framing);
    else this.#replyArrived(flight, reply, framing);
  }

  #passedOn(flight: Flight, head: ResponseHead, framing: Framing): void {
    const reply = this.#arrived(flight, head);
    if (!isSafe(flight.method)) this.#invalidate(flight, head);
    // Its own reply is from after the change.
    flight.launchedAt = this.#purged.now;
    if (flight.method === 'HEAD' && head.status === 200) {
      this.#freshening.byHead(flight.key, flight.requestFields, reply);
    }
    this.#replyArrived(flight, reply, framing);
  }

  #arrived(flight: Flight, head: ResponseHead): Arrived {
    return arrived(head, { requestedAt: flight.requestedAt, receivedAt: this.#context.clock.wallTime() });
  }

  /** The outcome concerns nobody who waits but has another variant stored: they ask for themselves. */
  #validated(flight: Flight, entry: Entry): void {
    entry.revalidating = false;
    const others = flight.waiters.filter(({ exchange }) => !isSelected(entry, exchange.head.fields));
    flight.waiters = flight.waiters.filter((waiter) => !others.includes(waiter));
    for (const waiter of others) this.#serveAlone(waiter);
  }

  /** The stored reply still holds: its fields are renewed, and it answers everybody who waits. */
  #notModified(flight: Flight, entry: Entry, reply: Arrived): void {
    flight.discards = true;
    const problem = this.#freshening.byNotModified(entry, reply, () => {
      for (const waiter of flight.waiters) {
        const cache: CacheStatus = { hit: false, forward: flight.reason, forwardStatus: 304, stored: true };
        const reason = `${flight.why}, revalidated, 304`;
        this.#responder.answer(waiter, entry, { cache, outcome: 'revalidated', reason }, true);
      }
    });
    if (problem !== null) this.#askAgain(flight, problem);
  }

  /** Asks for the whole reply, because that to a question of ours is of no use. */
  #askAgain(flight: Flight, problem: string): void {
    for (const waiter of flight.waiters) {
      const again = new Flight(waiter, flight.reason, `${flight.why}, and ${problem}`);
      this.#launch(again, withoutConditions(forwardFields(waiter.exchange.head, waiter.route)));
    }
  }

  /** A whole reply: stored if it may be, and sent to everybody for whom it is one. */
  #replyArrived(flight: Flight, reply: Arrived, framing: Framing): void {
    const meta = this.#rules.metaOf(reply);
    const now = this.#context.clock.now();
    const length = lengthOf(framing);
    let problem = this.#refusal(flight, reply, meta);
    const { entry: passing, content } = passingEntry(
      flight.key,
      meta,
      reply.fields,
      length,
      now,
      reply.ageMs,
    );
    content.onUnread = () => flight.call?.abort();
    let entry = passing;
    if (problem === null) {
      const names = varyNames(reply.fields) as string[];
      const variant = variantKey(names, flight.requestFields);
      const stored = new Entry(flight.key, names, variant, meta, content, now, reply.ageMs);
      stored.arrivedFields = passing.fields;
      stored.credentials = flight.requestFields.has('authorization');
      if (this.#arrivals.store(stored, length)) entry = stored;
      else problem = 'too large for the store';
    } else if (flight.validates && reply.head.status < 500) this.#library.remove(flight.validates);
    this.#deliver(flight, entry, reply.head.status, problem);
    if (framing.kind !== 'none' && entry.content instanceof PassingContent && !entry.content.isRead) {
      flight.discards = true;
      flight.call?.abort();
    }
  }

  #refusal(flight: Flight, reply: Arrived, meta: Entry['meta']): string | null {
    if (this.#purged.isPurgedSince(flight.launchedAt, flight.key)) return 'purged while it was under way';
    const { method, requestFields, directives, route } = flight;
    return this.#rules.refusal(reply, meta, { method, fields: requestFields, directives, route });
  }

  /** Answers those who wait with what arrives; those for whom it is not ask for themselves. */
  #deliver(flight: Flight, entry: Entry, forwardStatus: number, problem: string | null): void {
    flight.entry = entry;
    flight.content = entry.content as Flight['content'];
    const [first, ...others] = flight.waiters;
    const tell = (waiter: Pending): void => {
      const cache: CacheStatus = {
        hit: false,
        forward: flight.reason,
        forwardStatus,
        stored: problem === null,
      };
      if (problem !== null) cache.detail = problem;
      const reason = problem === null ? `${flight.why}, stored` : `${flight.why}; not stored: ${problem}`;
      const outcome = problem === null ? 'miss' : 'bypass';
      this.#responder.answer(waiter, entry, { cache, outcome, reason }, false);
    };
    if (first) tell(first);
    for (const waiter of others) {
      const fits = variantKey(entry.varyNames, waiter.exchange.head.fields) === entry.variant;
      if (problem === null && fits) tell(waiter);
      else this.#serveAlone(waiter);
    }
    if (problem !== null && others.length > 0) this.#flights.doNotCollapse(flight.key);
  }

  #serveAlone(waiter: Pending): void {
    waiter.solo = true;
    waiter.collapsed = false;
    this.#serve(waiter);
  }

  // When something goes wrong.

  #failed(flight: Flight, error: UpstreamError): void {
    this.#flights.land(flight);
    const { content, entry, validates } = flight;
    flight.gathers = undefined;
    if (content && entry) return this.#arrivals.drop(entry, content);
    if (validates) {
      this.#validated(flight, validates);
      this.#stale.onFailure(flight, validates, error.message);
    }
    for (const { exchange } of flight.waiters)
      this.#responder.fail(exchange, flight.key, error, flight.reason);
  }

  /** The client of a flight is gone: without others who wait, what has not begun to arrive is not fetched. */
  #waiterGone(flight: Flight): void {
    const wanted = flight.waiters.some(({ exchange }) => !exchange.isAbandoned);
    if (wanted || flight.entry) return;
    this.#flights.land(flight);
    if (flight.validates) flight.validates.revalidating = false;
    flight.call?.abort();
  }

  // Parts.

  /** A 206 for a Range of the client's: passed on, and kept if it is one run of a whole whose size is known. */
  #partArrived(flight: Flight, reply: Arrived, framing: Framing): void {
    const meta = this.#rules.metaOf(reply);
    const now = this.#context.clock.now();
    const length = lengthOf(framing);
    const problem = this.#refusal(flight, reply, meta) ?? this.#parts.problem(reply, length);
    const { entry, content } = passingEntry(flight.key, meta, reply.fields, length, now, reply.ageMs);
    if (problem === null) this.#parts.gather(flight, meta, reply);
    else content.onUnread = () => flight.call?.abort();
    this.#deliver(flight, entry, 206, problem);
  }

  /** The origin sends the bytes that were missing; or others, so that only the whole reply helps. */
  #completionArrived(flight: Flight, entry: Entry, reply: Arrived, framing: Framing): void {
    const [waiter] = flight.waiters;
    if (!waiter || !this.#parts.completes(entry, reply, lengthOf(framing))) {
      flight.discards = true;
      flight.call?.abort();
      return this.#askAgain(flight, 'the origin sent others');
    }
    const done = (bytes: Uint8Array): void => {
      const complete = this.#parts.complete(flight, entry, reply, bytes);
      const stored = this.#library.variantsOf(flight.key).includes(complete);
      const cache: CacheStatus = { hit: false, forward: 'partial', forwardStatus: 206, stored };
      const reason = 'the missing bytes were fetched';
      this.#responder.answer(waiter, complete, { cache, outcome: 'miss', reason }, false);
    };
    flight.gathers = { parts: [], done };
  }

  // What requests past the cache do to it.

  /** RFC 9111, section 4.4. */
  #invalidate({ method, route }: Flight, head: ResponseHead): void {
    for (const uri of invalidatedBy(method, route.uri, head.status, head.fields)) {
      const key = keyOf(uri);
      this.#library.invalidate(key);
      this.markPurged((other) => other === key);
    }
  }

  /** RFC 9110, section 7.6.2: a request may say how many proxies it is to pass. */
  #mayTravelOn(exchange: Exchange, route: Route): boolean {
    const { method, fields } = exchange.head;
    const left = method === 'OPTIONS' || method === 'TRACE' ? fields.first('max-forwards') : undefined;
    if (left === undefined || !/^\d{1,9}$/.test(left)) return true;
    if (left !== '0') {
      fields.set('Max-Forwards', String(Number(left) - 1));
      return true;
    }
    if (method === 'TRACE') this.#responder.refuse(exchange, route.key, 501, 'TRACE is not answered here.');
    else exchange.reply(200, Fields.of(['Allow', 'GET, HEAD, OPTIONS, POST, PUT, DELETE, PATCH']));
    return false;
  }
}

/** Why a request is none that a store could answer; undefined when it is one. */
function reasonToPassOn({ head, hasContent }: Exchange): { reason: ForwardReason; why: string } | undefined {
  if (head.method !== 'GET' && head.method !== 'HEAD') {
    return { reason: 'method', why: `${head.method} is never answered from the cache` };
  }
  if (hasContent) return { reason: 'bypass', why: 'the request has content' };
  if (head.fields.has('if-match') || head.fields.has('if-unmodified-since')) {
    return { reason: 'bypass', why: 'only the origin can tell what If-Match asks' };
  }
  return undefined;
}

function lengthOf(framing: Framing): number | undefined {
  if (framing.kind === 'none') return 0;
  return framing.kind === 'length' ? framing.length : undefined;
}
