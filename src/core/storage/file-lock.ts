/** One owner for a file, as long as the owner's process lives. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isAlive, type ProcessIdentity, thisProcess } from './process-identity';

const ATTEMPTS = 5;

export type LockResult = { held: FileLock } | { holder: ProcessIdentity };

export interface FileLock {
  release(): Promise<void>;
}

/**
 * Takes `<path>.lock`, or says who has it. The lock of a process that was killed is taken over: the file
 * names its owner by pid and start time.
 */
export async function lockFile(path: string): Promise<LockResult> {
  const lock = `${path}.lock`;
  const own = JSON.stringify({ ...(await thisProcess()), key: randomUUID() });
  await mkdir(dirname(path), { recursive: true });
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await createExclusively(lock, own)) return { held: { release: () => release(lock, own) } };
    const text = await readFile(lock, 'utf8').catch(() => null);
    if (text === null) continue;
    const holder = parseHolder(text);
    if (holder && (await isAlive(holder))) return { holder };
    await removeStale(lock, text);
  }
  return { holder: { pid: 0, started: '' } };
}

/** With its content in one step, so that nobody reads a lock that is not yet written and takes it for stale. */
async function createExclusively(lock: string, text: string): Promise<boolean> {
  const temporary = `${lock}.${randomUUID()}`;
  await writeFile(temporary, text, { flag: 'wx', mode: 0o600 });
  try {
    await link(temporary, lock).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw error;
      // A file system without links: nearly as good.
      return writeFile(lock, text, { flag: 'wx', mode: 0o600 });
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Renames before removing, so that of two who find the same stale lock only one removes it. */
async function removeStale(lock: string, stale: string): Promise<void> {
  const aside = `${lock}.${randomUUID()}`;
  try {
    await rename(lock, aside);
  } catch {
    return;
  }
  const text = await readFile(aside, 'utf8').catch(() => stale);
  // Between reading and renaming another process may have taken the lock: give it back.
  if (text !== stale) await writeFile(lock, text, { flag: 'wx' }).catch(() => undefined);
  await rm(aside, { force: true });
}

async function release(lock: string, own: string): Promise<void> {
  const text = await readFile(lock, 'utf8').catch(() => null);
  if (text === own) await rm(lock, { force: true });
}

function parseHolder(text: string): ProcessIdentity | null {
  try {
    const { pid, started } = JSON.parse(text) as Partial<ProcessIdentity>;
    return typeof pid === 'number' && typeof started === 'string' ? { pid, started } : null;
  } catch {
    return null;
  }
}
