import { parseHttpDate } from './date';
import { parseTagList, strongMatch, weakMatch } from './etag';
import type { Fields } from './fields';

/** What preconditions are compared with: the validators of the representation that would be sent. */
export interface Validators {
  etag?: string | undefined;
  /** Unix ms, whole seconds. */
  lastModified?: number | undefined;
  /** False: there is no current representation, so that `If-Match: *` fails. */
  exists: boolean;
}

export type ConditionOutcome = 'proceed' | 'not-modified' | 'failed';

/**
 * Evaluates the preconditions of a request in the order of RFC 9110, section 13.2.2. If-Range is not among
 * them: see `ifRangeHolds`.
 * @param now Unix ms, for dates with two-digit years
 */
export function evaluateConditions(
  method: string,
  fields: Fields,
  { etag, lastModified, exists }: Validators,
  now: number,
): ConditionOutcome {
  const ifMatch = fields.get('if-match');
  if (ifMatch !== undefined) {
    const tags = parseTagList(ifMatch);
    const holds = tags === '*' ? exists : etag !== undefined && tags.some((tag) => strongMatch(tag, etag));
    if (!holds) return 'failed';
  } else {
    const since = dateOf(fields, 'if-unmodified-since', now);
    if (since !== null && lastModified !== undefined && lastModified > since) return 'failed';
  }
  const reads = method === 'GET' || method === 'HEAD';
  const ifNoneMatch = fields.get('if-none-match');
  if (ifNoneMatch !== undefined) {
    const tags = parseTagList(ifNoneMatch);
    const matches = tags === '*' ? exists : etag !== undefined && tags.some((tag) => weakMatch(tag, etag));
    if (matches) return reads ? 'not-modified' : 'failed';
  } else if (reads) {
    const since = dateOf(fields, 'if-modified-since', now);
    if (since !== null && lastModified !== undefined && lastModified <= since) return 'not-modified';
  }
  return 'proceed';
}

/**
 * Whether a Range may be honoured under the request's If-Range (RFC 9110, section 13.1.5): always without one;
 * otherwise by a strong tag, or by exactly the date of a strong Last-Modified (section 8.8.2.2: at least a
 * second older than the reply).
 */
export function ifRangeHolds(
  fields: Fields,
  { etag, lastModified }: Validators,
  repliedAt: number,
  now: number,
): boolean {
  const ifRange = fields.first('if-range');
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"') || ifRange.startsWith('W/'))
    return etag !== undefined && strongMatch(ifRange, etag);
  const date = parseHttpDate(ifRange, now);
  return date !== null && date === lastModified && repliedAt - date >= 1000;
}

function dateOf(fields: Fields, name: string, now: number): number | null {
  const value = fields.first(name);
  return value === undefined ? null : parseHttpDate(value, now);
}
