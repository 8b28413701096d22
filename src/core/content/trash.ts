/** Files that a person removed from nodes: kept beside the workspace until they are wanted again. */
import { copyFile, mkdir, readdir, realpath, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Page, RemovedFile } from '../../contract/calls';
import { StudioError } from '../../contract/errors';
import { fileNameProblem } from '../../protocol/file-name';
import { renameExclusively, renamePatiently } from '../../runtime/rename';
import { naturalKey } from './natural-key';

/** A batch is what was removed at once, in a folder of its own: `2026-01-31T12-00-00-000Z-cs1`. */
const BATCH = /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d)-(\d{3}Z)-(.+)$/;

export class Trash {
  readonly #folder: () => string;

  /** @param folder absolute path of the trash of the open workspace */
  constructor(folder: () => string) {
    this.#folder = folder;
  }

  get folder(): string {
    return this.#folder();
  }

  /** Moves files of a node's folder here. Names that are gone already are left out. */
  async take(
    node: string,
    folder: string,
    names: readonly string[],
  ): Promise<{ batch: string; removed: number }> {
    const root = await realpath(folder);
    const batch = await this.#begin(node);
    let removed = 0;
    for (const name of names) {
      const from = await pathWithin(root, name);
      if (from !== null && (await moveIn(from, join(this.folder, batch, ...name.split('/'))))) removed += 1;
    }
    if (removed === 0) await rmdir(join(this.folder, batch)).catch(() => undefined);
    return { batch, removed };
  }

  /** A folder of its own for each, also for two in one millisecond: they may be of the same names. */
  async #begin(node: string): Promise<string> {
    await mkdir(this.folder, { recursive: true });
    for (let at = Date.now(); ; at++) {
      const batch = `${new Date(at).toISOString().replace(/[:.]/g, '-')}-${node}`;
      try {
        await mkdir(join(this.folder, batch));
        return batch;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  /** What was removed from a node, the newest first. */
  async list(node: string, { offset, limit }: { offset: number; limit: number }): Promise<Page<RemovedFile>> {
    const batches = (await this.#batchesOf(node)).sort().reverse();
    const all: { batch: string; name: string }[] = [];
    for (const batch of batches) all.push(...(await filesBelow(join(this.folder, batch), batch)));
    const rows = await Promise.all(
      all.slice(offset, offset + limit).map(async ({ batch, name }) => {
        const info = await stat(join(this.folder, batch, ...name.split('/'))).catch(() => undefined);
        return { batch, name, size: info?.size ?? 0, removedMs: timeOf(batch) };
      }),
    );
    return { rows, total: all.length };
  }

  /** Deletes what was removed from a node, for good. Resolves to the number of files. */
  async empty(node: string): Promise<number> {
    const batches = await this.#batchesOf(node);
    let deleted = 0;
    for (const batch of batches) {
      const path = join(this.folder, batch);
      const files = await filesBelow(path, batch);
      await rm(path, { recursive: true, force: true });
      deleted += files.length;
    }
    return deleted;
  }

  async #batchesOf(node: string): Promise<string[]> {
    const batches = await readdir(this.folder).catch(() => []);
    return batches.filter((batch) => nodeOf(batch) === node);
  }

  /**
   * Moves a file back into the node's folder.
   * @throws StudioError 'EXISTS' when a file of that name is there, 'NOT_THERE' when it is not in the trash
   */
  async putBack(
    node: string,
    folder: string,
    { batch, name }: Pick<RemovedFile, 'batch' | 'name'>,
  ): Promise<void> {
    const kept = nodeOf(batch) === node ? await realpath(join(this.folder, batch)).catch(() => null) : null;
    const from = kept && (await pathWithin(kept, name));
    await mkdir(folder, { recursive: true });
    const to = await pathWithin(await realpath(folder), name, { makeFolders: true });
    if (!kept || !from || !to) throw notThere(name);
    try {
      await moveOut(from, to);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') throw notThere(name);
      if (code !== 'EEXIST') throw error;
      throw new StudioError(
        'EXISTS',
        `There is another file ${name} now.`,
        'Remove or rename that one first.',
      );
    }
    await removeEmptyFolders(dirname(from), kept);
  }
}

function notThere(name: string): StudioError {
  return new StudioError('NOT_THERE', `${name} is not among the removed files any more.`);
}

function nodeOf(batch: string): string | undefined {
  return BATCH.exec(batch)?.[6];
}

function timeOf(batch: string): number {
  return Date.parse(batch.replace(BATCH, '$1$2:$3:$4.$5'));
}

async function filesBelow(root: string, batch: string): Promise<{ batch: string; name: string }[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .map((name) => ({ batch, name, key: naturalKey(name) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ name }) => ({ batch, name }));
}

/** Null when its folder is gone. @throws StudioError of code 'UNSAFE_NAME' */
async function pathWithin(root: string, name: string, { makeFolders = false } = {}): Promise<string | null> {
  const problem = fileNameProblem(name);
  if (problem !== null) throw unsafe(name, problem);
  const path = join(root, ...name.split('/'));
  if (makeFolders) {
    refuseOutside(root, await nearestFolder(dirname(path)), name);
    await mkdir(dirname(path), { recursive: true });
  }
  const parent = await realpath(dirname(path)).catch(() => null);
  if (parent === null) return null;
  refuseOutside(root, parent, name);
  return path;
}

/** The real path of the nearest folder on the way up that exists. */
async function nearestFolder(path: string): Promise<string> {
  return realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return nearestFolder(dirname(path));
  });
}

function refuseOutside(root: string, path: string, name: string): void {
  if (!`${path}${sep}`.startsWith(`${root}${sep}`)) throw unsafe(name, 'it leads out of the folder');
}

function unsafe(name: string, problem: string): StudioError {
  return new StudioError('UNSAFE_NAME', `${JSON.stringify(name)} is no name of a file here: ${problem}.`);
}

/** @returns false when the file was gone already */
async function moveIn(from: string, to: string): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true });
  try {
    await renamePatiently(from, to);
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

/** Never replaces a file, and never shows a half one. */
async function moveOut(from: string, to: string): Promise<void> {
  try {
    return await renameExclusively(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
  }
  const part = join(dirname(to), `.restored-${process.pid}.part`);
  try {
    await copyFile(from, part);
    await renameExclusively(part, to);
  } finally {
    await rm(part, { force: true });
  }
  await rm(from);
}

/** From this folder up to the other, as far as they are empty. */
async function removeEmptyFolders(from: string, upTo: string): Promise<void> {
  try {
    for (let folder = from; folder.startsWith(upTo); folder = dirname(folder)) await rmdir(folder);
  } catch {
    // Something is left in it: it stays, and so do those above it.
  }
}
