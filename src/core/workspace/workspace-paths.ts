/** Where the things of a workspace are, beside its file. */
import { basename, dirname, extname, join } from 'node:path';

/** Name of the file in a workspace's own folder. */
export const workspaceFileName = 'workspace.json';
/** What the folder of a file that lies among others is called after it. */
const besides = '-data';

/**
 * The folder for the nodes' files, downloads and trash: the workspace's own folder, or for a file that lies
 * among others (`demo.json`) a folder named after it (`demo-data`).
 */
export function workspaceFolder(path: string): string {
  const name = basename(path);
  return name === workspaceFileName
    ? dirname(path)
    : join(dirname(path), `${basename(path, extname(path))}${besides}`);
}

/** What belongs to one node; kept when the node is deleted. */
export function nodeFolder(path: string, id: string): string {
  return join(workspaceFolder(path), 'nodes', id);
}

export function downloadsFolder(path: string): string {
  return join(workspaceFolder(path), 'downloads');
}

export function trashFolder(path: string): string {
  return join(workspaceFolder(path), '.trash');
}

export function recordingsFolder(path: string): string {
  return join(workspaceFolder(path), 'recordings');
}

/** The files at which a workspace may be that has its recordings in `folder`: the reverse of `recordingsFolder`. */
export function workspacesOf(folder: string): string[] {
  const own = dirname(folder);
  if (join(own, 'recordings') !== folder) return [];
  const among = own.endsWith(besides) ? [`${own.slice(0, -besides.length)}.json`] : [];
  return [join(own, workspaceFileName), ...among];
}
