/** Folders on the real disk. A name never reaches outside its folder, links included. */
import { constants, type Dirent } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { fileNameProblem } from '../protocol/file-name';
import type { FileStat, Files, Folder, FolderEntry, Log, ReadableFile, Timer, WritableFile } from './context';
import { DiskReadableFile, DiskWritableFile } from './disk-file';
import { renameExclusively, renamePatiently } from './rename';
import { watchTree } from './watch-tree';

/** So many `stat` calls run at once while listing: enough to hide latency, few enough to leave threads free. */
const STAT_CONCURRENCY = 16;

export function systemFiles(log: Log): Files {
  return {
    async folder(path) {
      const absolute = resolve(path);
      const made = await mkdir(absolute, { recursive: true });
      if (made !== undefined) log.info(`The folder ${absolute} was not there: it was made`);
      return new DiskFolder(absolute, await realpath(absolute), log);
    },
    async kindOf(path) {
      const info = await stat(resolve(path)).catch(() => null);
      return info?.isFile() ? 'file' : info?.isDirectory() ? 'folder' : 'missing';
    },
  };
}

class DiskFolder implements Folder {
  constructor(
    readonly path: string,
    /** `path` without links, to compare resolved names with. */
    readonly realRoot: string,
    readonly log: Log,
  ) {}

  async list(): Promise<FolderEntry[]> {
    const names: string[] = [];
    await this.#collect('', names);
    names.sort();
    const entries: (FolderEntry | undefined)[] = new Array(names.length);
    let next = 0;
    const statSome = async (): Promise<void> => {
      for (let at = next++; at < names.length; at = next++)
        entries[at] = await this.#entry(names[at] as string);
    };
    await Promise.all(Array.from({ length: STAT_CONCURRENCY }, statSome));
    return entries.filter((entry) => entry !== undefined);
  }

  async stat(name: string): Promise<FileStat> {
    const info = await stat(await this.#existing(name));
    if (!info.isFile()) throw missing(name);
    return { size: info.size, modifiedMs: info.mtimeMs, changedMs: info.ctimeMs };
  }

  async open(name: string): Promise<ReadableFile> {
    // NONBLOCK: opening a named pipe would wait for a writer for ever.
    const handle = await open(await this.#existing(name), constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    return closedOnFailure(handle, async () => {
      const info = await handle.stat();
      if (!info.isFile()) throw missing(name);
      return new DiskReadableFile(handle, info);
    });
  }

  async create(
    name: string,
    options: { truncate?: boolean; exclusive?: boolean } = {},
  ): Promise<WritableFile> {
    const path = await this.#writable(name);
    const flags =
      constants.O_RDWR |
      constants.O_CREAT |
      // A link is never written through, not even one whose target does not exist yet.
      (constants.O_NOFOLLOW ?? 0) |
      (options.truncate ? constants.O_TRUNC : 0) |
      (options.exclusive ? constants.O_EXCL : 0);
    const handle = await open(path, flags, 0o644);
    return closedOnFailure(handle, async () => new DiskWritableFile(handle, (await handle.stat()).size));
  }

  async rename(from: string, to: string, options: { exclusive?: boolean } = {}): Promise<void> {
    const source = await this.#existing(from);
    const target = await this.#writable(to);
    if (options.exclusive) await renameExclusively(source, target);
    else await renamePatiently(source, target);
  }

  async remove(name: string): Promise<void> {
    await rm(await this.#existing(name));
  }

  watch(onChange: () => void): Timer {
    return watchTree(this.path, onChange, this.log);
  }

  async #collect(below: string, names: string[]): Promise<void> {
    let entries: Dirent[];
    try {
      entries = await readdir(join(this.path, below), { withFileTypes: true });
    } catch (error) {
      this.log.warn(`${below || 'The folder'} cannot be listed: ${(error as Error).message}`);
      return;
    }
    for (const entry of entries) {
      const name = below ? `${below}/${entry.name}` : entry.name;
      if (!isListed(entry.name)) continue;
      if (entry.isDirectory()) await this.#collect(name, names);
      else if ((entry.isFile() || entry.isSymbolicLink()) && fileNameProblem(name) === null) names.push(name);
    }
  }

  /** Undefined for what vanished meanwhile, is no regular file, or is a link that leads out. */
  async #entry(name: string): Promise<FolderEntry | undefined> {
    try {
      // Finding the real path takes much longer than this, and only a link needs it.
      const info = await lstat(join(this.path, name));
      if (info.isSymbolicLink()) return { name, ...(await this.stat(name)) };
      const { size, mtimeMs, ctimeMs } = info;
      return info.isFile() ? { name, size, modifiedMs: mtimeMs, changedMs: ctimeMs } : undefined;
    } catch {
      return undefined;
    }
  }

  /** The real path of an existing file, checked to be inside. */
  async #existing(name: string): Promise<string> {
    refuseUnsafe(name);
    const real = await realpath(join(this.path, ...name.split('/')));
    this.#refuseOutside(real, name);
    return real;
  }

  /** The path for a file to be written; its parent is made and checked, and a link is never written through. */
  async #writable(name: string): Promise<string> {
    refuseUnsafe(name);
    const path = join(this.path, ...name.split('/'));
    // Before anything is made: a parent may be a link that leads out.
    this.#refuseOutside(`${await realpathOfNearest(dirname(path))}${sep}.`, name);
    await mkdir(dirname(path), { recursive: true });
    const target = await realpath(path).catch(() => null);
    if (target !== null) this.#refuseOutside(target, name);
    return path;
  }

  #refuseOutside(real: string, name: string): void {
    const root = this.realRoot.endsWith(sep) ? this.realRoot : this.realRoot + sep;
    if (!real.startsWith(root)) throw unsafe(name, 'it leads out of the folder');
  }
}

async function closedOnFailure<Value>(handle: FileHandle, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The real path of the nearest folder on the way up that exists. */
async function realpathOfNearest(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder) throw error;
    return realpathOfNearest(dirname(folder));
  }
}

function isListed(part: string): boolean {
  return !part.startsWith('.') && !part.endsWith('.part');
}

function refuseUnsafe(name: string): void {
  const problem = fileNameProblem(name);
  if (problem !== null) throw unsafe(name, problem);
}

function unsafe(name: string, why: string): Error {
  return Object.assign(new Error(`The name ${JSON.stringify(name)} is refused: ${why}.`), {
    code: 'UNSAFE_NAME',
  });
}

function missing(name: string): Error {
  return Object.assign(new Error(`There is no file ${JSON.stringify(name)}.`), { code: 'ENOENT' });
}
