import type { Folder } from '../../runtime/context';
import { giveFreeName } from '../shared/free-name';

/** Gives a finished `<name>.part` its name, or the next free one. Resolves to the name it got. */
export function finishFile(folder: Folder, name: string): Promise<string> {
  return giveFreeName(folder, `${name}.part`, name);
}
