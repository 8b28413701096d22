/** Ready-made networks for a first look. */
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StudioError } from '../../contract/errors';
import type { CoreOptions } from '../core';
import type { OpenWorkspace } from './open-workspace';
import { nodeFolder } from './workspace-paths';

/** Long enough that its progress can be watched, small enough to be made at once. */
const LARGE_FILE = { name: 'large-file.bin', bytes: 4 * 1024 * 1024 };

const nodes = [
  { kind: 'index-server', position: { x: 320, y: -80 } },
  { kind: 'monitor', position: { x: 320, y: 240 } },
  { kind: 'content-server', position: { x: 680, y: 0 } },
  { kind: 'content-server', position: { x: 680, y: 160 } },
];

/** The files on one server only; all others are on both, so that one may fail. */
const onlyOn: Record<string, number> = {
  'only on the first server.txt': 0,
  'only on the second server.txt': 1,
};

/**
 * Adds one index, one monitor and two content servers with files, as one step that undo takes back.
 * @throws StudioError of code 'WORKSPACE_NOT_EMPTY'
 */
export async function buildSample(
  sample: 'micro-cdn',
  { workspace, options }: { workspace: OpenWorkspace; options: Pick<CoreOptions, 'resourcesFolder'> },
): Promise<string[]> {
  if (workspace.document.nodes.length > 0)
    throw new StudioError(
      'WORKSPACE_NOT_EMPTY',
      'The sample is built in an empty workspace, and this one has nodes.',
      'Begin a new workspace first.',
    );
  const ids = await workspace.insert('build the Micro-CDN sample', nodes);
  const servers = ids.slice(2).map((id) => join(nodeFolder(workspace.path, id), 'files'));
  await copySamples(join(options.resourcesFolder, 'samples', sample), servers);
  const large = patternedBytes(LARGE_FILE.bytes);
  for (const folder of servers) await writeFile(join(folder, LARGE_FILE.name), large);
  return ids;
}

async function copySamples(from: string, servers: readonly string[]): Promise<void> {
  const names = await readdir(from);
  for (const [n, folder] of servers.entries()) {
    await mkdir(folder, { recursive: true });
    for (const name of names) {
      if ((onlyOn[name] ?? n) === n) await copyFile(join(from, name), join(folder, name));
    }
  }
}

/** The same bytes on every machine, without a pattern short enough to compress: a linear congruential generator. */
export function patternedBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  let state = 1;
  for (let at = 0; at + 4 <= count; at += 4) {
    // Numerical Recipes' constants; `Math.imul` keeps the product to 32 bits.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes.writeUInt32LE(state, at);
  }
  return bytes;
}
