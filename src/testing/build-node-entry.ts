/** Builds the program of node processes once for all tests, so that they can start real ones. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Path of the built node entry; empty when it could not be built, and then `nodeEntryError` says why. */
    nodeEntry: string;
    nodeEntryError: string;
  }
}

/** Vitest's global set-up. A broken node program fails the tests that start processes, and no others. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const outDir = await mkdtemp(join(tmpdir(), 'micro-cdn-node-entry-'));
  let error = '';
  try {
    await buildNodeEntry(outDir);
  } catch (thrown) {
    error = String(thrown);
  }
  project.provide('nodeEntry', error ? '' : join(outDir, 'node.js'));
  project.provide('nodeEntryError', error);
  return () => rm(outDir, { recursive: true, force: true });
}

async function buildNodeEntry(outDir: string): Promise<void> {
  const root = join(import.meta.dirname, '../..');
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    build: {
      ssr: true,
      target: 'node20',
      outDir,
      emptyOutDir: true,
      minify: false,
      rollupOptions: {
        input: { node: join(root, 'src/runtime/process-entry.ts') },
        output: { format: 'es', entryFileNames: '[name].js' },
      },
    },
  });
  // Outside the project nothing says that these are ES modules.
  await writeFile(join(outDir, 'package.json'), '{"type":"module"}\n');
}
