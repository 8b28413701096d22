import { isDigits, listMembers, unquote } from '../syntax';

/** Largest delta-seconds: what is beyond counts as this, 68 years (RFC 9111, section 1.2.2). */
export const MAX_DELTA_SECONDS = 2 ** 31;

/** Directives of a Cache-Control field in lower case, each with its argument, or true without one. */
export type Directives = ReadonlyMap<string, string | true>;

const none: Directives = new Map();

/**
 * Reads Cache-Control (RFC 9111, section 5.2). Of a directive that is repeated the first counts (section 4.2.1);
 * names may be in either case, and arguments tokens or quoted strings. What is malformed becomes a directive
 * that nobody knows, with one exception: a known directive whose argument can't be read keeps it as it is, so
 * that it is seen to be invalid.
 */
export function parseCacheControl(value: string | undefined): Directives {
  if (value === undefined) return none;
  const directives = new Map<string, string | true>();
  for (const member of listMembers(value)) {
    const equals = member.indexOf('=');
    const name = (equals < 0 ? member : member.slice(0, equals)).toLowerCase();
    if (directives.has(name)) continue;
    directives.set(name, equals < 0 ? true : (unquote(member.slice(equals + 1)) ?? member.slice(equals + 1)));
  }
  return directives;
}

/**
 * The argument in seconds. Undefined when the directive is absent; 0 when it has no valid argument, since
 * invalid freshness is best taken for stale (RFC 9111, section 4.2.1).
 */
export function deltaSeconds(directives: Directives, name: string): number | undefined {
  const argument = directives.get(name);
  if (argument === undefined) return undefined;
  return argument !== true && isDigits(argument) ? Math.min(Number(argument), MAX_DELTA_SECONDS) : 0;
}

/** Lower-case field names in the argument of `no-cache="…"` or `private="…"`; empty without an argument. */
export function namedFields(directives: Directives, name: 'no-cache' | 'private'): string[] {
  const argument = directives.get(name);
  return typeof argument === 'string' ? listMembers(argument.toLowerCase()) : [];
}

/** True for the directive without field names, which concerns the whole reply. */
export function isUnqualified(directives: Directives, name: 'no-cache' | 'private'): boolean {
  return directives.has(name) && namedFields(directives, name).length === 0;
}
