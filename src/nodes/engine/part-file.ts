/** `<name>.part`: what a file is called while it arrives. */
import type { Folder, WritableFile } from '../../runtime/context';
import { giveFreeName } from '../shared/free-name';
import { removeRecord } from './resume-record';

/**
 * Begins `<name>.part` anew. What is recorded of the pieces of an earlier download goes first: a later download from
 * several sources would take the new bytes for them.
 */
export async function beginFile(folder: Folder, name: string): Promise<WritableFile> {
  await removeRecord(folder, name);
  return folder.create(`${name}.part`, { truncate: true });
}

/** Gives a finished `<name>.part` its name, or the next free one. Resolves to the name it got. */
export function finishFile(folder: Folder, name: string): Promise<string> {
  return giveFreeName(folder, `${name}.part`, name);
}
