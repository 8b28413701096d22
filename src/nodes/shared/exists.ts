import type { Folder } from '../../runtime/context';
import { codeOf } from './error-text';

/** @throws what `stat` does where it cannot be told: a file that cannot be looked at is not one that is missing */
export async function exists(folder: Folder, name: string): Promise<boolean> {
  try {
    await folder.stat(name);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
