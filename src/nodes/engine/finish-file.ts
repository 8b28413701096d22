import type { Folder } from '../../runtime/context';
import { codeOf } from '../shared/error-text';

const MAX_COPIES = 10_000;

/**
 * Gives a finished `<name>.part` its name, or the next free one: `name (2).txt`. What is there is never
 * overwritten. Resolves to the name it got.
 */
export async function finishFile(folder: Folder, name: string): Promise<string> {
  for (let copy = 1; copy <= MAX_COPIES; copy++) {
    const free = copy === 1 ? name : numbered(name, copy);
    try {
      await folder.rename(`${name}.part`, free, { exclusive: true });
      return free;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
  throw new Error(`There are ${MAX_COPIES} copies of ${name} already.`);
}

/** `a/b.tar.gz` → `a/b (2).tar.gz` */
function numbered(name: string, copy: number): string {
  const slash = name.lastIndexOf('/') + 1;
  const dot = name.indexOf('.', slash + 1);
  const cut = dot < 0 ? name.length : dot;
  return `${name.slice(0, cut)} (${copy})${name.slice(cut)}`;
}
