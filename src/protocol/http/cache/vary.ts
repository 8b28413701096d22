import type { Fields } from '../fields';
import { listMembers, trimOws } from '../syntax';

/** The request fields that chose this reply, in lower case and order; '*' when nothing can tell. */
export function varyNames(fields: Fields): '*' | string[] {
  const value = fields.get('vary');
  if (value === undefined) return [];
  const names = [...new Set(listMembers(value.toLowerCase()))].sort();
  return names.includes('*') ? '*' : names;
}

/**
 * The part of the key that comes from the request (RFC 9111, section 4.1): the normalised values of the fields
 * that Vary names. Equal texts select the same reply.
 */
export function variantKey(names: readonly string[], requestFields: Fields): string {
  return names.map((name) => `${name}=${normalValue(name, requestFields.get(name))}`).join('\n');
}

/** Fields whose members have no order of their own: weights tell what is preferred. */
const unordered = new Set(['accept', 'accept-language', 'accept-encoding', 'accept-charset']);

/**
 * Section 4.1 allows what does not change the meaning: whitespace around members, several lines made one, and
 * for the Accept family the order of members and the case.
 */
function normalValue(name: string, value: string | undefined): string {
  if (value === undefined) return '\0absent';
  const members = listMembers(value);
  if (!unordered.has(name)) return members.join(',');
  return members
    .map((member) => member.toLowerCase().split(';').map(trimOws).join(';'))
    .sort()
    .join(',');
}

/**
 * True when a stored reply is in the language that the request prefers to all others by its weights: whatever
 * the origin has besides, it would choose this one. Makes up for Accept-Language values that differ in what
 * they prefer less.
 */
export function isPreferredLanguage(
  contentLanguage: string | undefined,
  acceptLanguage: string | undefined,
): boolean {
  if (contentLanguage === undefined || acceptLanguage === undefined) return false;
  const languages = listMembers(contentLanguage.toLowerCase());
  const wishes = listMembers(acceptLanguage.toLowerCase()).map((member) => {
    const [range = '', ...parameters] = member.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    return { range, weight: weight === undefined ? 1 : Number(weight.slice(2)) };
  });
  const [best, second] = wishes.sort((a, b) => b.weight - a.weight);
  if (!best || !(best.weight > 0) || languages.length !== 1) return false;
  return best.range === languages[0] && (second === undefined || second.weight < best.weight);
}
