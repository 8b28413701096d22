/** File names as they travel: relative, with `/` between the parts, safe on every system. */

const MAX_BYTES = 1024;
const MAX_PART_BYTES = 255;
/** Names that Windows gives to devices, with or without an extension. */
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Why `name` cannot be a file below a folder, in a few words; null when it can. */
export function fileNameProblem(name: string): string | null {
  if (name === '') return 'it is empty';
  if (Buffer.byteLength(name) > MAX_BYTES) return `it is longer than ${MAX_BYTES} bytes`;
  if (/\p{Surrogate}/u.test(name)) return 'it is not valid Unicode';
  if (CONTROL.test(name)) return 'it has a control character';
  if (name.includes('\\')) return 'it has a backslash';
  if (name.startsWith('/') || /^[a-z]:/i.test(name)) return 'it is absolute';
  for (const part of name.split('/')) {
    if (part === '') return 'it has an empty part';
    if (part === '.' || part === '..') return `it has a part "${part}"`;
    if (Buffer.byteLength(part) > MAX_PART_BYTES) return `a part is longer than ${MAX_PART_BYTES} bytes`;
    if (DEVICE.test(part)) return `"${part}" is a device on Windows`;
  }
  return null;
}
