import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An empty folder of a test's own. */
export function makeScratchFolder(): string {
  return mkdtempSync(join(tmpdir(), 'micro-cdn-e2e-'));
}

/** Removes it, though a process that has just been killed may still write a file into it. */
export function removeScratchFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
}
