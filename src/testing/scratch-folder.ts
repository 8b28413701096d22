import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * An empty folder of the present test, on the real disk. It is removed after all `afterEach`, whatever their order:
 * until those have stopped them, the nodes of the test write into it. What a process writes while it is being killed
 * is removed by one of the further tries.
 */
export async function scratchFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'micro-cdn-test-'));
  onTestFinished(() => removeFolder(folder));
  return folder;
}

/** Removes a folder into which a process that is ending may still write a file. */
export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
}
