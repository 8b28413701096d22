/** The workspaces of this machine: those in the data folder and those opened lately from elsewhere. */
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseWorkspace } from './workspace-file';
import { workspaceFileName } from './workspace-paths';

export interface KnownWorkspace {
  path: string;
  name: string;
  nodes: number;
  /** Unix milliseconds. */
  modifiedMs: number;
}

/** Newest first; files that are gone or cannot be read are left out. */
export async function listWorkspaces(
  dataFolder: string,
  recent: readonly string[],
): Promise<KnownWorkspace[]> {
  const own = await readdir(join(dataFolder, 'workspaces')).catch(() => []);
  const paths = new Set([
    ...recent,
    ...own.map((folder) => join(dataFolder, 'workspaces', folder, workspaceFileName)),
  ]);
  const found = await Promise.all([...paths].map(readSummary));
  return found.filter((workspace) => workspace !== null).sort((a, b) => b.modifiedMs - a.modifiedMs);
}

/** The file for a new workspace, in a new folder named after it. */
export async function newWorkspacePath(dataFolder: string, name: string): Promise<string> {
  const root = join(dataFolder, 'workspaces');
  await mkdir(root, { recursive: true });
  const base = slugOf(name) || 'workspace';
  for (let n = 1; ; n++) {
    const folder = join(root, n === 1 ? base : `${base}-${n}`);
    try {
      await mkdir(folder);
      return join(folder, workspaceFileName);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** The name of a file or folder for what a person calls `name`; empty where nothing is left of it. */
export function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}+/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return slug.slice(0, 60);
}

/** Of a damaged file, what its backup says: opening it restores that. */
async function readSummary(path: string): Promise<KnownWorkspace | null> {
  for (const file of [path, `${path}.bak`]) {
    try {
      const parsed = parseWorkspace(await readFile(file, 'utf8'));
      if (!('document' in parsed)) continue;
      const { name, nodes } = parsed.document;
      return { path, name, nodes: nodes.length, modifiedMs: (await stat(file)).mtimeMs };
    } catch {
      // Missing, or of a newer version.
    }
  }
  return null;
}
