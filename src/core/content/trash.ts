/** Files that a person removed from a node: kept, never deleted. */
import { copyFile, mkdir, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { StudioError } from '../../contract/errors';
import { fileNameProblem } from '../../protocol/file-name';

/**
 * Moves files of `folder` below `<trash>/<time>-<label>/`, which it returns. Names that are gone already are
 * left out.
 */
export async function moveToTrash(
  folder: string,
  names: readonly string[],
  trash: string,
  label: string,
): Promise<{ moved: number; to: string }> {
  const time = new Date().toISOString().replace(/[:.]/g, '-');
  const to = join(trash, `${time}-${label}`);
  const root = await realpath(folder);
  let moved = 0;
  for (const name of names) {
    const source = await pathWithin(root, name);
    if (source !== null && (await move(source, join(to, ...name.split('/'))))) moved += 1;
  }
  return { moved, to };
}

/** Null when its folder is gone. @throws StudioError of code 'UNSAFE_NAME' */
async function pathWithin(root: string, name: string): Promise<string | null> {
  const problem = fileNameProblem(name);
  const path = join(root, ...name.split('/'));
  const parent = problem === null ? await realpath(dirname(path)).catch(() => null) : '';
  if (parent === null) return null;
  if (problem !== null || !`${parent}${sep}`.startsWith(`${root}${sep}`))
    throw new StudioError(
      'UNSAFE_NAME',
      `${JSON.stringify(name)} cannot be removed: ${problem ?? 'it leads out of the folder'}.`,
    );
  return path;
}

async function move(from: string, to: string): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    if (code !== 'EXDEV') throw error;
  }
  // The folder is on another disk than the workspace.
  await copyFile(from, to);
  await rm(from);
  return true;
}
