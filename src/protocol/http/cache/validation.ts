import { parseHttpDate } from '../date';
import { isStrong, strongMatch, weakMatch } from '../etag';
import type { Fields } from '../fields';
import { endToEndFields } from '../hop-by-hop';

/** Conditions of a request: a cache that asks on its own behalf replaces them by its own. */
const conditionFields = new Set([
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'range',
]);

export function withoutConditions(fields: Fields): Fields {
  return fields.copy((name) => !conditionFields.has(name));
}

/** Makes `request` ask whether what is stored still holds (RFC 9111, section 4.3.1); false without a validator. */
export function addValidators(request: Fields, stored: Fields): boolean {
  const etag = stored.first('etag');
  const modified = stored.first('last-modified');
  if (etag !== undefined) request.set('If-None-Match', etag);
  if (modified !== undefined) request.set('If-Modified-Since', modified);
  return etag !== undefined || modified !== undefined;
}

/**
 * Whether a 304 is about the stored reply (RFC 9111, section 4.3.4): its strong validator is the stored one; or
 * it has a weak one that corresponds; or it has none at all.
 * @param now Unix ms
 */
export function selectsStored(notModified: Fields, stored: Fields, now: number): boolean {
  const etag = notModified.first('etag');
  const storedTag = stored.first('etag');
  if (etag !== undefined) {
    if (storedTag === undefined) return false;
    return isStrong(etag) ? strongMatch(etag, storedTag) : weakMatch(etag, storedTag);
  }
  const modified = notModified.first('last-modified');
  const storedModified = stored.first('last-modified');
  if (modified === undefined || storedModified === undefined) return true;
  return parseHttpDate(modified, now) === parseHttpDate(storedModified, now);
}

/** Describes the stored content rather than the 304, or is computed: never taken from a 304 (RFC 9111, section 3.2). */
const notUpdated = new Set(['content-length', 'content-range', 'age', 'trailer']);

/** The stored fields with those of a newer reply put over them (RFC 9111, section 3.2). */
export function updatedFields(stored: Fields, newer: Fields): Fields {
  const update = endToEndFields(newer).copy((name) => !notUpdated.has(name));
  const replaced = new Set(update.names);
  const result = stored.copy((name) => !replaced.has(name));
  for (const [, value, spelling] of update) result.add(spelling, value);
  return result;
}

/** Describes the content of a 200, so that a 304 has no use for it (RFC 9110, section 15.4.5). */
const contentDescription = /^(?:content-(?!location$)|accept-ranges$|repr-digest$)/;

/** The fields of a 304 that is made from a stored reply. */
export function notModifiedFields(stored: Fields): Fields {
  const withTag = stored.has('etag');
  return stored.copy((name) => !contentDescription.test(name) && !(withTag && name === 'last-modified'));
}

/**
 * Whether a HEAD's reply shows that the stored GET is still the same representation (RFC 9111, section 4.3.5): the
 * validators that it has, and the length, must be those that are stored.
 * @param length of the stored content; undefined while that is not known
 */
export function headAgrees(head: Fields, stored: Fields, length: number | undefined): boolean {
  const headLength = head.first('content-length');
  if (headLength !== undefined && length !== undefined && headLength !== String(length)) return false;
  return ['etag', 'last-modified'].every(
    (name) => !head.has(name) || head.first(name) === stored.first(name),
  );
}
