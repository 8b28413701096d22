/** Files that are never half written. */
import { copyFile, link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { renamePatiently } from '../../runtime/rename';

/**
 * Replaces `path` in one step: whoever reads it, and whenever the power fails, sees the old text or the new one.
 * The text is on the disk before the rename, otherwise some file systems leave an empty file after a crash.
 */
export async function writeAtomically(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.tmp-${process.pid}`;
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await renamePatiently(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Null when the file is missing. */
export async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Makes `backup` a second name (or, where the file system has no links, a copy) of `path`, in one step. */
export async function keepAs(path: string, backup: string): Promise<void> {
  const temporary = `${backup}.tmp-${process.pid}`;
  await rm(temporary, { force: true });
  await link(path, temporary).catch(() => copyFile(path, temporary));
  await renamePatiently(temporary, backup);
}

/** Puts a file that cannot be read aside as `<path>.broken-<n>`, with the first free n. Never overwrites one. */
export async function putAside(path: string): Promise<string> {
  for (let n = 1; ; n++) {
    const aside = `${path}.broken-${n}`;
    try {
      await (await open(aside, 'wx')).close();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    await renamePatiently(path, aside);
    return aside;
  }
}

/** Makes a rename last through a power failure. Windows has no such call and does not need it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
