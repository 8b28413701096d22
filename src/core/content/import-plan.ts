/** What there is to copy when a person drops paths of this machine. */
import { lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { StudioError } from '../../contract/errors';
import { cannotRead } from './source-file';

export interface ImportFile {
  source: string;
  /** Name below the node's folder, with `/` between the parts. */
  name: string;
  size: number;
}

export interface ImportPlan {
  files: ImportFile[];
  bytes: number;
  /** Hidden files, links and devices, which are left out. */
  skipped: number;
}

/** A folder is taken with its own name, as file managers do. @throws StudioError where something cannot be read */
export async function planImport(path: string, signal?: AbortSignal): Promise<ImportPlan> {
  const plan: ImportPlan = { files: [], bytes: 0, skipped: 0 };
  const info = await lstat(path).catch(rethrow(path));
  await collect(path, basename(path), plan, signal);
  if (plan.files.length === 0 && info.isFile() === false && info.isDirectory() === false)
    throw new StudioError(
      'NOT_A_FILE',
      `${path} is neither a file nor a folder.`,
      'Links and devices are not copied.',
    );
  return plan;
}

async function collect(path: string, name: string, plan: ImportPlan, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const info = await lstat(path).catch(rethrow(path));
  if (basename(path).startsWith('.') || basename(path).endsWith('.part')) {
    plan.skipped += 1;
  } else if (info.isFile()) {
    plan.files.push({ source: path, name, size: info.size });
    plan.bytes += info.size;
  } else if (info.isDirectory()) {
    for (const child of (await readdir(path).catch(rethrow(path))).sort())
      await collect(join(path, child), `${name}/${child}`, plan, signal);
  } else {
    plan.skipped += 1;
  }
}

function rethrow(path: string): (error: unknown) => never {
  return (error) => {
    throw cannotRead(path, error);
  };
}
