/** Renaming as it has to be done on every system. */
import { link, lstat, rename, rm } from 'node:fs/promises';

/** Pauses between the attempts, ms. */
const RETRY_MS = [10, 30, 100, 300, 600];

/**
 * Replaces `to`. On Windows a file that was written a moment ago is often still open in a virus scanner or an
 * indexer, and cannot be renamed until they close it; so can one whose name another program has open.
 */
export async function renamePatiently(
  from: string,
  to: string,
  {
    attempt = rename as (from: string, to: string) => Promise<void>,
    retryMs = process.platform === 'win32' ? RETRY_MS : [],
  } = {},
): Promise<void> {
  for (const pause of retryMs) {
    try {
      return await attempt(from, to);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!['EPERM', 'EACCES', 'EBUSY'].includes(code)) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  await attempt(from, to);
}

/**
 * `rename` always replaces; `link` never does. File systems without hard links get a check and a rename.
 * @throws an error of code 'EEXIST' when `to` is there
 */
export async function renameExclusively(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT' || code === 'EXDEV') throw error;
    const taken = await lstat(to).catch(() => null);
    if (taken) throw Object.assign(new Error(`There is a file ${to} already.`), { code: 'EEXIST' });
    return renamePatiently(from, to);
  }
  await rm(from);
}
