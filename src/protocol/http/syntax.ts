/** Character classes of HTTP (RFC 9110, section 5.6), as tables: one look-up per character. */

const TOKEN = 1;
const FIELD_TEXT = 2;
const TARGET = 4;

const classes = new Uint8Array(256);
for (let code = 0; code < 256; code++) {
  const visible = code > 0x20 && code !== 0x7f;
  const letterOrDigit = /[0-9A-Za-z]/.test(String.fromCharCode(code));
  if (letterOrDigit || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(code))) classes[code]! |= TOKEN;
  if (visible || code === 0x20 || code === 0x09) classes[code]! |= FIELD_TEXT;
  if (visible && code < 0x7f) classes[code]! |= TARGET;
}

/** True for a non-empty `token` (RFC 9110, section 5.6.2): methods and field names. */
export function isToken(text: string): boolean {
  return text.length > 0 && every(text, TOKEN);
}

/** True when `text` has nothing but visible characters, obs-text, spaces and tabs (RFC 9110, section 5.5). */
export function isFieldValue(text: string): boolean {
  return every(text, FIELD_TEXT);
}

/** True for a non-empty run of visible ASCII: what a request target may be made of. */
export function isTargetText(text: string): boolean {
  return text.length > 0 && every(text, TARGET);
}

/** True for one or more ASCII digits. */
export function isDigits(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return false;
  }
  return text.length > 0;
}

function every(text: string, wanted: number): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff || (classes[code]! & wanted) === 0) return false;
  }
  return true;
}

/** `text` without spaces and tabs at either end: the OWS of the grammar, unlike `trim`, which takes more. */
export function trimOws(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isOws(text.charCodeAt(start))) start++;
  while (end > start && isOws(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/**
 * The members of a comma-separated list (RFC 9110, section 5.6.1), without empty ones; commas inside a quoted
 * string do not separate.
 */
export function listMembers(value: string): string[] {
  if (!value.includes('"')) {
    return value.includes(',') ? value.split(',').map(trimOws).filter(Boolean) : nonEmpty(trimOws(value));
  }
  const members: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at <= value.length; at++) {
    const character = value[at];
    if (quoted && character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (character === undefined || (character === ',' && !quoted)) {
      members.push(...nonEmpty(trimOws(value.slice(start, at))));
      start = at + 1;
    }
  }
  // A quoted string that never ends still ends the list.
  if (start < value.length && quoted) members.push(...nonEmpty(trimOws(value.slice(start))));
  return members;
}

function nonEmpty(text: string): string[] {
  return text === '' ? [] : [text];
}

/** The text of a quoted string, or the token itself; null when `text` is neither. */
export function unquote(text: string): string | null {
  if (!text.startsWith('"')) return isToken(text) ? text : null;
  if (text.length < 2 || !text.endsWith('"')) return null;
  const inner = text.slice(1, -1);
  if (!inner.includes('\\')) return inner.includes('"') ? null : inner;
  let plain = '';
  for (let at = 0; at < inner.length; at++) {
    const character = inner[at] as string;
    if (character === '"') return null;
    if (character !== '\\') plain += character;
    else if (++at < inner.length) plain += inner[at];
    else return null;
  }
  return plain;
}
