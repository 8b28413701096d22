/** Timestamps of HTTP (RFC 9110, section 5.6.7). */

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const longDays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Sun, 06 Nov 1994 08:49:37 GMT` from Unix milliseconds. */
export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

const monthPattern = months.join('|');
const IMF = new RegExp(
  `^(?:${days.join('|')}), (\\d{2}) (${monthPattern}) (\\d{4}) (\\d{2}):(\\d{2}):(\\d{2}) GMT$`,
  'i',
);
const RFC_850 = new RegExp(
  `^(?:${longDays.join('|')}), (\\d{2})-(${monthPattern})-(\\d{2}) (\\d{2}):(\\d{2}):(\\d{2}) GMT$`,
  'i',
);
const ASCTIME = new RegExp(
  `^(?:${days.join('|')}) (${monthPattern}) ([ \\d]\\d) (\\d{2}):(\\d{2}):(\\d{2}) (\\d{4})$`,
  'i',
);

/**
 * Unix milliseconds of a timestamp in any of the three formats; null for everything else. Letters may be in
 * either case, nothing else is forgiven: an Expires that is not quite a date means "already expired".
 * @param now Unix milliseconds, to tell the century of a two-digit year
 */
export function parseHttpDate(text: string, now: number): number | null {
  let match = IMF.exec(text);
  if (match) {
    const [, day, month, year, hour, minute, second] = match as unknown as string[];
    return utc(Number(year), month!, Number(day), hour!, minute!, second!);
  }
  match = RFC_850.exec(text);
  if (match) {
    const [, day, month, year, hour, minute, second] = match as unknown as string[];
    return twoDigitYear(Number(year), now, (full) => utc(full, month!, Number(day), hour!, minute!, second!));
  }
  match = ASCTIME.exec(text);
  if (match) {
    const [, month, day, hour, minute, second, year] = match as unknown as string[];
    return utc(Number(year), month!, Number(day), hour!, minute!, second!);
  }
  return null;
}

/** A date that seems more than 50 years ahead lies in the past century. */
function twoDigitYear(year: number, now: number, at: (year: number) => number | null): number | null {
  const current = new Date(now).getUTCFullYear();
  const candidate = current - (current % 100) + year;
  const limit = new Date(now).setUTCFullYear(current + 50);
  const ms = at(candidate);
  return ms !== null && ms > limit ? at(candidate - 100) : ms;
}

function utc(
  year: number,
  month: string,
  day: number,
  hour: string,
  minute: string,
  second: string,
): number | null {
  const monthIndex = months.findIndex((name) => name.toLowerCase() === month.toLowerCase());
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  // 60 is a leap second.
  if (h > 23 || m > 59 || s > 60) return null;
  const date = new Date(Date.UTC(year, monthIndex, day, h, m, s));
  if (year < 100) date.setUTCFullYear(year);
  return date.getUTCMonth() === monthIndex ? date.getTime() : null;
}
