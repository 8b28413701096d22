/** Puts one file into a node's folder: all of it, or nothing. */

import { StudioError, toErrorShape } from '../../contract/errors';
import { fileNameProblem } from '../../protocol/file-name';
import type { Folder } from '../../runtime/context';

/** Room that a file system leaves for a name (255 bytes), less what a temporary name adds. */
const MAX_TEMPORARY_BYTES = 240;

export interface WriteOptions {
  /** Bytes that must come, no more and no fewer. */
  size: number;
  signal?: AbortSignal;
  onBytes?(count: number): void;
}

/**
 * Streams `chunks` into `.<name>.part` and renames it when every byte is there, so that a node never serves a
 * file that is half there. The next chunk is asked for when the last one is written: that is the back-pressure.
 * A file of the same name is replaced in one step.
 *
 * @throws StudioError 'UNSAFE_NAME', 'SIZE_MISMATCH', 'DISK_FULL', 'CANCELLED' …
 */
export async function writeWhole(
  folder: Folder,
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  { size, signal, onBytes }: WriteOptions,
): Promise<{ replaced: boolean }> {
  refuseBadName(name);
  const part = temporaryName(name);
  const replaced = await exists(folder, name);
  const file = await folder.create(part, { truncate: true }).catch(rethrow(name));
  try {
    let written = 0;
    for await (const chunk of signal ? untilAborted(chunks, signal) : chunks) {
      if (written + chunk.length > size) throw wrongSize(name, size, 'more');
      await file.write(chunk, written);
      written += chunk.length;
      onBytes?.(chunk.length);
    }
    if (written < size) throw wrongSize(name, size, `only ${written}`);
    await file.close();
    await folder.rename(part, name);
  } catch (error) {
    await file.close().catch(() => undefined);
    await folder.remove(part).catch(() => undefined);
    return rethrow(name)(error);
  }
  return { replaced };
}

/** Ends with the signal's reason also while the next chunk does not come. */
async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  signal.throwIfAborted();
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
  });
  aborted.catch(() => undefined);
  signal.addEventListener('abort', abort, { once: true });
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // Not waited for: a source that is stuck would keep us here.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/** @throws StudioError of code 'UNSAFE_NAME' */
export function refuseBadName(name: string): void {
  const problem = fileNameProblem(name) ?? unlistedProblem(name);
  if (problem !== null)
    throw new StudioError(
      'UNSAFE_NAME',
      `${JSON.stringify(name)} cannot be added: ${problem}.`,
      'Rename the file and add it again.',
    );
}

/** Why nodes would not list a file of this name. */
function unlistedProblem(name: string): string | null {
  const parts = name.split('/');
  if (parts.some((part) => part.startsWith('.'))) return 'names that begin with a dot are hidden';
  if (parts.some((part) => part.endsWith('.part')))
    return 'names that end in ".part" are kept for unfinished files';
  return null;
}

function temporaryName(name: string): string {
  const slash = name.lastIndexOf('/') + 1;
  let base = name.slice(slash);
  while (Buffer.byteLength(base) > MAX_TEMPORARY_BYTES) base = [...base].slice(0, -1).join('');
  return `${name.slice(0, slash)}.${base}.part`;
}

async function exists(folder: Folder, name: string): Promise<boolean> {
  return folder.stat(name).then(
    () => true,
    () => false,
  );
}

function wrongSize(name: string, size: number, came: string): StudioError {
  return new StudioError(
    'SIZE_MISMATCH',
    `${name} should have ${size} bytes, but ${came} came.`,
    'It may have changed while it was read. Add it again.',
  );
}

function rethrow(name: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof StudioError) throw error;
    const { code, message } = toErrorShape(error);
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new StudioError(
        'DISK_FULL',
        `There is no room left on the disk for ${name}.`,
        'Make room and try again.',
      );
    if (code === 'EACCES' || code === 'EPERM')
      throw new StudioError(
        code,
        `${name} cannot be written: the system denies it.`,
        "Look at the folder's rights.",
      );
    throw new StudioError(code, `${name}: ${message}`);
  };
}
