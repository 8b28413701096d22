/**
 * The one rule for names of files that cross a process: a relative path with `/` between its parts, which
 * means the same file, inside the folder, on every system. Links are the file system's part of the rule.
 */

/** The longest name, in UTF-8 bytes … */
export const MAX_NAME_BYTES = 1024;
/** … and the longest part of one: the limit of most file systems. */
const MAX_PART_BYTES = 255;

/** Line separators are no control characters, but programs that split lines by Unicode take them for ends. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const LONE_SURROGATE = /\p{Cs}/u;
const DRIVE = /^[A-Za-z]:/;
/** Windows opens a device for these, with any extension and in any folder. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
/** Nothing here can break a rule below, apart from dots, device names and the length. */
const PLAIN = /^[A-Za-z0-9_-][A-Za-z0-9_ .-]{0,250}$/;

/** Why a name is refused, as a phrase that fits after "is refused: "; null when it is safe. */
export function fileNameProblem(name: string): string | null {
  if (PLAIN.test(name)) return partProblem(name);
  if (name === '') return 'it is empty';
  if (CONTROL.test(name)) return 'it has a control character';
  if (LONE_SURROGATE.test(name)) return 'it is not valid Unicode';
  if (name.includes('\\')) return 'it has a backslash';
  if (name.startsWith('/')) return 'it is an absolute path';
  if (name.length > MAX_NAME_BYTES || Buffer.byteLength(name) > MAX_NAME_BYTES) {
    return `it is longer than ${MAX_NAME_BYTES} bytes`;
  }
  for (const part of name.split('/')) {
    const problem = partProblem(part);
    if (problem !== null) return problem;
  }
  return null;
}

function partProblem(part: string): string | null {
  if (part === '') return 'it has an empty part';
  if (part === '.' || part === '..') return `it has a part "${part}"`;
  if (DRIVE.test(part)) return 'it has a drive letter';
  // Windows drops these silently, so that two names mean one file, and ".. " means "..".
  if (part.endsWith('.') || part.endsWith(' ')) return 'a part ends in a dot or a space';
  if (DEVICE.test(part)) return 'it is a device name on Windows';
  if (part.length * 3 > MAX_PART_BYTES && Buffer.byteLength(part) > MAX_PART_BYTES) {
    return `a part is longer than ${MAX_PART_BYTES} bytes`;
  }
  return null;
}

/** True for names that a content server neither lists nor serves: dot files, and files still being written. */
export function isHiddenName(name: string): boolean {
  return name.split('/').some((part) => part.startsWith('.') || part.endsWith('.part'));
}

/** Which characters a program at the other end is known to break on. */
export interface NameLimits {
  /** It takes a space for the end of the name. */
  spaces: boolean;
  /** It reads nothing but ASCII. */
  nonAscii: boolean;
}

/**
 * The name as such a program can carry it: percent-encoded (RFC 3986, section 2.1) where it must be, and
 * otherwise unchanged, a `%` included.
 */
export function percentEncodeName(name: string, limits: NameLimits): string {
  const breaks = (limits.spaces && name.includes(' ')) || (limits.nonAscii && !isAscii(name));
  if (!breaks) return name;
  return name.replace(limits.nonAscii ? /[% ]|[^ -~]+/g : /[% ]/g, encodeURIComponent);
}

/** The name that was percent-encoded, or null when `text` is not an encoded name. */
export function percentDecodeName(text: string): string | null {
  if (!text.includes('%')) return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}
