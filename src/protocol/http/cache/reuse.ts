import type { Fields } from '../fields';
import {
  type Directives,
  deltaSeconds,
  isUnqualified,
  MAX_DELTA_SECONDS,
  parseCacheControl,
} from './cache-control';
import type { ReplyControl } from './targeted';

/** What the decision needs to know of a stored reply. */
export interface StoredReply {
  control: ReplyControl;
  /** Freshness lifetime, ms. */
  lifetimeMs: number;
  /** Marked as not valid any more: it must be validated whatever its age. */
  invalidated: boolean;
}

export type Reuse =
  /** Answer with it. */
  | { action: 'use'; why: string }
  /** Answer with it, and validate meanwhile. */
  | { action: 'use-and-revalidate'; why: string }
  /** Ask the origin whether it still holds. */
  | { action: 'validate'; reason: 'stale' | 'request'; why: string };

/** The directives of a request; `Pragma: no-cache` counts where there is no Cache-Control (RFC 9111, section 5.4). */
export function requestDirectives(fields: Fields): Directives {
  const value = fields.get('cache-control');
  if (value === undefined && fields.get('pragma')?.toLowerCase().includes('no-cache')) {
    return parseCacheControl('no-cache');
  }
  return parseCacheControl(value);
}

/**
 * Whether a stored reply may answer a request without asking (RFC 9111, section 4, with the request's own
 * directives of section 5.2.1, and stale-while-revalidate of RFC 5861).
 * @param ageMs current age of the reply
 */
export function decideReuse(request: Directives, stored: StoredReply, ageMs: number): Reuse {
  const { directives } = stored.control;
  const freshFor = stored.lifetimeMs - ageMs;
  if (stored.invalidated) return { action: 'validate', reason: 'stale', why: 'invalidated' };
  if (request.has('no-cache'))
    return { action: 'validate', reason: 'request', why: 'the request says no-cache' };
  if (isUnqualified(directives, 'no-cache')) {
    return { action: 'validate', reason: 'stale', why: 'no-cache: asked every time' };
  }
  const maxAge = deltaSeconds(request, 'max-age');
  if (maxAge !== undefined && ageMs > maxAge * 1000 && !request.has('max-stale')) {
    return { action: 'validate', reason: 'request', why: `the request wants nothing older than ${maxAge} s` };
  }
  const minFresh = deltaSeconds(request, 'min-fresh');
  if (minFresh !== undefined && freshFor < minFresh * 1000) {
    return {
      action: 'validate',
      reason: 'request',
      why: `the request wants it fresh for ${minFresh} s more`,
    };
  }
  if (freshFor > 0) return { action: 'use', why: `fresh for ${seconds(freshFor)} more` };
  const staleFor = -freshFor;
  const why = `stale by ${seconds(staleFor)}`;
  const window = deltaSeconds(directives, 'stale-while-revalidate');
  if (!mayServeStale(directives, window !== undefined)) return { action: 'validate', reason: 'stale', why };
  if (staleFor <= maxStaleMs(request)) return { action: 'use', why: `${why}, and the request takes that` };
  if (window !== undefined && staleFor <= window * 1000) return { action: 'use-and-revalidate', why };
  return { action: 'validate', reason: 'stale', why };
}

/** `max-stale` without an argument takes any staleness. */
function maxStaleMs(request: Directives): number {
  if (request.get('max-stale') === true) return MAX_DELTA_SECONDS * 1000;
  const limit = deltaSeconds(request, 'max-stale');
  return limit === undefined ? -1 : limit * 1000;
}

/**
 * False where the origin forbids stale replies (RFC 9111, section 4.2.4). s-maxage forbids them too (section
 * 5.2.2.10), except where the same reply grants them by a directive of RFC 5861: what else could it mean.
 */
export function mayServeStale(directives: Directives, granted: boolean): boolean {
  return !(
    directives.has('must-revalidate') ||
    directives.has('proxy-revalidate') ||
    (directives.has('s-maxage') && !granted) ||
    isUnqualified(directives, 'no-cache')
  );
}

/** Statuses that count as an error for stale-if-error (RFC 5861, section 4). */
const errors = new Set([500, 502, 503, 504]);

/**
 * Whether a stale reply may stand in for a failure: `status` of the origin, or null when there was no reply.
 * Without stale-if-error, only when the origin could not be asked at all (RFC 9111, section 4.2.4), and not
 * longer than `disconnectedMs`.
 */
export function mayServeOnError(
  request: Directives,
  stored: StoredReply,
  ageMs: number,
  status: number | null,
  disconnectedMs: number,
): boolean {
  if (stored.invalidated || (status !== null && !errors.has(status))) return false;
  const { directives } = stored.control;
  const granted = deltaSeconds(directives, 'stale-if-error');
  if (!mayServeStale(directives, granted !== undefined)) return false;
  const staleFor = ageMs - stored.lifetimeMs;
  const window = deltaSeconds(request, 'stale-if-error') ?? granted;
  if (window !== undefined) return staleFor <= window * 1000;
  return status === null && staleFor <= disconnectedMs;
}

/** `12 s`, `0.4 s`, for sentences. */
export function seconds(ms: number): string {
  return ms < 9950 ? `${(ms / 1000).toFixed(1).replace('.0', '')} s` : `${Math.round(ms / 1000)} s`;
}
