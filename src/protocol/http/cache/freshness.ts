import { parseHttpDate } from '../date';
import type { Fields } from '../fields';
import { dateOf, type Timing } from './age';
import { deltaSeconds } from './cache-control';
import type { ReplyControl } from './targeted';

/** Statuses that are cacheable by default, so that heuristics may be used (RFC 9110, section 15.1). */
const heuristicallyCacheable = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501]);

export function isHeuristicallyCacheable(status: number): boolean {
  return heuristicallyCacheable.has(status);
}

/** What a person may set. */
export interface FreshnessOptions {
  /** Share of the time since Last-Modified that a reply without explicit lifetime is fresh: 0.1 is usual. */
  heuristicShare: number;
  /** Longest heuristic lifetime, ms. */
  heuristicMaxMs: number;
  /** Replaces every lifetime, explicit or not, ms; undefined: the rules of RFC 9111. */
  fixedMs?: number | undefined;
}

export interface Lifetime {
  ms: number;
  /** Where it comes from, for people: 's-maxage', 'max-age', 'Expires', 'heuristic', 'configured', 'none'. */
  source: string;
  /** Given by the origin rather than guessed. */
  explicit: boolean;
}

const unknown: Lifetime = { ms: 0, source: 'none', explicit: false };

/** The freshness lifetime of a reply in a shared cache (RFC 9111, section 4.2.1). */
export function freshnessLifetime(
  status: number,
  fields: Fields,
  control: ReplyControl,
  timing: Timing,
  options: FreshnessOptions,
): Lifetime {
  if (options.fixedMs !== undefined) return { ms: options.fixedMs, source: 'configured', explicit: true };
  for (const name of ['s-maxage', 'max-age']) {
    const seconds = deltaSeconds(control.directives, name);
    if (seconds !== undefined) return { ms: seconds * 1000, source: name, explicit: true };
  }
  if (!control.targeted && fields.has('expires')) return expiresLifetime(fields, timing);
  return heuristicLifetime(status, fields, control, timing, options);
}

/** An Expires that is no date is in the past (section 5.3); of several the first counts. */
function expiresLifetime(fields: Fields, timing: Timing): Lifetime {
  const expires = parseHttpDate(fields.first('expires') ?? '', timing.receivedAt);
  const ms = expires === null ? 0 : Math.max(0, expires - dateOf(fields, timing));
  return { ms, source: 'Expires', explicit: true };
}

/** Section 4.2.2. */
function heuristicLifetime(
  status: number,
  fields: Fields,
  control: ReplyControl,
  timing: Timing,
  { heuristicShare, heuristicMaxMs }: FreshnessOptions,
): Lifetime {
  const modified = parseHttpDate(fields.first('last-modified') ?? '', timing.receivedAt);
  const allowed = isHeuristicallyCacheable(status) || control.directives.has('public');
  if (modified === null || !allowed) return unknown;
  const unchangedFor = Math.max(0, dateOf(fields, timing) - modified);
  return {
    ms: Math.min(heuristicMaxMs, unchangedFor * heuristicShare),
    source: 'heuristic',
    explicit: false,
  };
}
