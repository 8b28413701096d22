import { initialAgeMs, type Timing } from '../../protocol/http/cache/age';
import type { Directives } from '../../protocol/http/cache/cache-control';
import { type FreshnessOptions, freshnessLifetime } from '../../protocol/http/cache/freshness';
import { decideReuse, type Reuse, seconds } from '../../protocol/http/cache/reuse';
import { mayBeShared, storageRefusal, storedFields } from '../../protocol/http/cache/storability';
import { type ReplyControl, replyControl } from '../../protocol/http/cache/targeted';
import { updatedFields } from '../../protocol/http/cache/validation';
import { varyNames } from '../../protocol/http/cache/vary';
import { formatHttpDate, parseHttpDate } from '../../protocol/http/date';
import { Fields } from '../../protocol/http/fields';
import type { ResponseHead } from '../../protocol/http/response-head';
import { resolveReference } from '../../protocol/http/target';
import type { Entry, ReplyMeta } from './entry';
import type { CacheConfig } from './manifest';
import { keyOf, type Route } from './route';

/** Targeted fields that concern this cache, the most specific first (RFC 9213, section 2.2). */
const TARGETS = ['cdn-cache-control'];
/** Default expiry of the seed's rules. */
const SEED_EXPIRY_MS = 60_000;
/** Longest heuristic lifetime. */
const HEURISTIC_MAX_MS = 7 * 24 * 3600 * 1000;

export const noDirectives: Directives = new Map();

/** A reply as it came: its head, with a Date, and when. */
export interface Arrived {
  head: ResponseHead;
  fields: Fields;
  timing: Timing;
  /** Its age at that moment, ms. */
  ageMs: number;
}

export function arrived(head: ResponseHead, timing: Timing): Arrived {
  const fields = withDate(head.fields, timing);
  return { head, fields, timing, ageMs: initialAgeMs(fields, timing) };
}

/** RFC 9110, section 6.6.1: a reply without a valid Date gets the time of its arrival. */
function withDate(fields: Fields, { receivedAt }: Timing): Fields {
  const date = fields.first('date');
  if (date !== undefined && parseHttpDate(date, receivedAt) !== null) return fields;
  return fields.copy().set('Date', formatHttpDate(receivedAt));
}

/** Whether what was stored for credentials is for nobody else, now that this is said of it (RFC 9111, section 3.5). */
export function isPersonal(credentials: boolean, { directives }: ReplyControl): boolean {
  return credentials && !mayBeShared(directives);
}

/** The rules of storing and using, as this cache is set: RFC 9111, or the seed's. */
export class ReplyRules {
  readonly mode: CacheConfig['mode'];
  readonly #freshness: FreshnessOptions;

  constructor(config: CacheConfig) {
    this.mode = config.mode;
    const expiryMs = config.expiry * 1000;
    this.#freshness = {
      heuristicShare: config.heuristicPercent / 100,
      heuristicMaxMs: HEURISTIC_MAX_MS,
      fixedMs: expiryMs > 0 ? expiryMs : config.mode === 'seed' ? SEED_EXPIRY_MS : undefined,
    };
  }

  /** What is kept of a new reply. */
  metaOf({ head, fields, timing }: Arrived): ReplyMeta {
    const control = replyControl(fields, TARGETS);
    return {
      status: head.status,
      reason: head.reason,
      fields: storedFields(fields, control.directives),
      control,
      lifetime: freshnessLifetime(head.status, fields, control, timing, this.#freshness),
      timing,
    };
  }

  /** What is kept of a stored reply after a newer head was put over its own (RFC 9111, section 3.2). */
  updated(stored: ReplyMeta, { fields: newer, timing }: Arrived): ReplyMeta {
    const update = storedFields(newer, replyControl(newer, TARGETS).directives);
    const fields = updatedFields(stored.fields, update);
    const control = replyControl(fields, TARGETS);
    const lifetime = freshnessLifetime(stored.status, fields, control, timing, this.#freshness);
    return { ...stored, fields, control, lifetime, timing };
  }

  /** Why a reply is not stored; null when it may be. */
  refusal(
    { head, fields }: Arrived,
    meta: ReplyMeta,
    request: { method: string; fields: Fields; directives: Directives; route: Route },
  ): string | null {
    if (this.mode === 'seed' && head.status !== 200) return `status ${head.status} is passed on`;
    const location = fields.first('content-location');
    const named = location === undefined ? null : resolveReference(request.route.uri, location);
    return storageRefusal({
      method: request.method,
      requestFields: request.fields,
      requestDirectives: request.directives,
      status: head.status,
      fields,
      control: meta.control,
      lifetime: meta.lifetime,
      describesTarget: named !== null && keyOf(named) === request.route.key,
    });
  }

  /** Whether a reply may stay where it is stored, now that its fields have changed. */
  mayStay({ meta, varyNames: names, credentials }: Entry): boolean {
    const { status, fields, control, lifetime } = meta;
    const request = { method: 'GET', requestFields: new Fields(), requestDirectives: noDirectives };
    const refusal = storageRefusal({ ...request, status, fields, control, lifetime, describesTarget: false });
    return refusal === null && !isPersonal(credentials, control) && `${varyNames(fields)}` === `${names}`;
  }

  /** Whether a stored reply may answer. */
  decide(directives: Directives, entry: Entry, now: number): Reuse | { action: 'fetch'; why: string } {
    const ageMs = entry.ageMs(now);
    if (this.mode === 'rfc') return decideReuse(directives, entry, ageMs);
    if (ageMs >= entry.lifetimeMs) {
      return { action: 'fetch', why: `expired ${seconds(ageMs - entry.lifetimeMs)} ago, fetched again` };
    }
    return { action: 'validate', reason: 'stale', why: 'not expired, asked whether it still holds' };
  }
}
