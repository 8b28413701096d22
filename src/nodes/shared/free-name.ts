import type { Folder } from '../../runtime/context';
import { codeOf } from './error-text';

const MAX_COPIES = 10_000;

/**
 * Renames a finished file to `name`, or the next free one: `name (2).txt`. What is there is never overwritten, not
 * even what appears there at this moment. Resolves to the name it got.
 * @param first the number to begin with
 */
export async function giveFreeName(
  folder: Folder,
  temporary: string,
  name: string,
  first = 1,
): Promise<string> {
  for (let number = first; number < first + MAX_COPIES; number++) {
    const free = numbered(name, number);
    try {
      await folder.rename(temporary, free, { exclusive: true });
      return free;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
  throw new Error(`There are ${MAX_COPIES} copies of ${name} already.`);
}

/** `a/photo.jpg` → `a/photo (2).jpg`, `a.tar.gz` → `a (2).tar.gz`; the first one has no number. */
export function numbered(name: string, number: number): string {
  if (number === 1) return name;
  const ending = /(?<=[^/])(?:\.tar)?\.[^./]+$/.exec(name)?.[0] ?? '';
  return `${name.slice(0, name.length - ending.length)} (${number})${ending}`;
}
