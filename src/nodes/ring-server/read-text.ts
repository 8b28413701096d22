import type { Folder } from '../../runtime/context';
import { readWhole } from '../shared/whole-file';

/** No string holds more. */
const MAX_TEXT = 512 * 2 ** 20 - 25;

/** The whole text of a file; undefined when it cannot be read. */
export async function readText(folder: Folder, name: string): Promise<string | undefined> {
  try {
    return (await readWhole(folder, name, MAX_TEXT)).toString();
  } catch {
    return undefined;
  }
}
