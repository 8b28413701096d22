import type { Fields } from '../fields';
import { parseDictionary, Token } from '../structured-field';
import { type Directives, MAX_DELTA_SECONDS, parseCacheControl } from './cache-control';

/** Directives whose argument must be an integer (RFC 9213, section 2.1, with RFC 9111 and RFC 5861). */
const seconds = new Set(['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error']);

/** The directives that govern a reply here, and the field they came from. */
export interface ReplyControl {
  directives: Directives;
  /** True: a targeted field replaces Cache-Control and Expires altogether (RFC 9213, section 2.2). */
  targeted: boolean;
}

/**
 * The first valid, non-empty field of `targets` (most specific first, lower case), or else Cache-Control.
 * Fields that are no valid structured field are ignored whole.
 */
export function replyControl(fields: Fields, targets: readonly string[]): ReplyControl {
  for (const target of targets) {
    const value = fields.get(target);
    const directives = value === undefined ? null : targetedDirectives(value);
    if (directives) return { directives, targeted: true };
  }
  return { directives: parseCacheControl(fields.get('cache-control')), targeted: false };
}

function targetedDirectives(value: string): Directives | null {
  const dictionary = parseDictionary(value);
  if (dictionary === null || dictionary.size === 0) return null;
  const directives = new Map<string, string | true>();
  for (const [name, { value: argument }] of dictionary) {
    if (seconds.has(name)) {
      if (typeof argument !== 'number' || !Number.isInteger(argument)) return null;
      directives.set(name, String(Math.max(0, Math.min(argument, MAX_DELTA_SECONDS))));
    } else if (argument === true) directives.set(name, true);
    else if (typeof argument === 'string') directives.set(name, argument);
    else if (argument instanceof Token) directives.set(name, argument.text);
  }
  return directives;
}
