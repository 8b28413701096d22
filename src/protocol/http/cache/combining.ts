import { parseHttpDate } from '../date';
import { isStrong } from '../etag';
import type { Fields } from '../fields';
import { dateOf, type Timing } from './age';

/** Last-Modified is strong when Date is so much later that it does not matter whose clocks they are by, ms. */
const CLOCK_MARGIN_MS = 60_000;

/**
 * The strong validator of a stored reply, as If-Range takes it (RFC 9110, sections 8.8.1 and 8.8.2.2): a strong
 * tag; or, where there is no tag at all, a Last-Modified that is old enough.
 */
export function strongValidator(stored: Fields, timing: Timing): string | undefined {
  const etag = stored.first('etag');
  if (etag !== undefined) return isStrong(etag) ? etag : undefined;
  const modified = stored.first('last-modified');
  const modifiedAt = modified === undefined ? null : parseHttpDate(modified, timing.receivedAt);
  return modifiedAt !== null && dateOf(stored, timing) - modifiedAt >= CLOCK_MARGIN_MS ? modified : undefined;
}

/** Whether bytes of a newer reply may be combined with those of the stored one (RFC 9111, section 3.4). */
export function sharesStrongValidator(newer: Fields, stored: Fields, timing: Timing): boolean {
  if (strongValidator(stored, timing) === undefined) return false;
  const etag = stored.first('etag');
  if (newer.first('etag') !== etag) return false;
  return etag !== undefined || newer.first('last-modified') === stored.first('last-modified');
}
