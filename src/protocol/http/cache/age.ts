import { parseHttpDate } from '../date';
import type { Fields } from '../fields';
import { isDigits, listMembers } from '../syntax';
import { MAX_DELTA_SECONDS } from './cache-control';

/** When a reply was asked for and when its head arrived, Unix ms. */
export interface Timing {
  requestedAt: number;
  receivedAt: number;
}

/** Date of a reply in Unix ms; without a valid one, when it arrived (RFC 9110, section 6.6.1). */
export function dateOf(fields: Fields, { receivedAt }: Timing): number {
  const value = fields.first('date');
  return (value === undefined ? null : parseHttpDate(value, receivedAt)) ?? receivedAt;
}

/** Age in seconds as another cache gave it: the first member counts, what is no number is ignored (RFC 9111, section 5.1). */
export function ageValue(fields: Fields): number {
  const first = listMembers(fields.first('age') ?? '')[0];
  return first !== undefined && isDigits(first) ? Math.min(Number(first), MAX_DELTA_SECONDS) : 0;
}

/** How old the reply was when it arrived, ms (corrected_initial_age of RFC 9111, section 4.2.3). */
export function initialAgeMs(fields: Fields, timing: Timing): number {
  const apparent = Math.max(0, timing.receivedAt - dateOf(fields, timing));
  const delay = Math.max(0, timing.receivedAt - timing.requestedAt);
  // Date has whole seconds: a reply of this very moment must not seem up to a second old.
  const corrected = ageValue(fields) * 1000 + delay;
  return Math.max(apparent < 1000 ? 0 : apparent, corrected);
}
