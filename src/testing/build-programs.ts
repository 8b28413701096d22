/** Builds the node program and the command line once for all tests, so that they can start real processes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder of the built programs. */
    programs: string;
    /** Why they could not be built; empty when they were. */
    programsError: string;
  }
}

/** Vitest's global set-up. A program that cannot be built fails the tests that start processes, and no others. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const outDir = await mkdtemp(join(tmpdir(), 'micro-cdn-programs-'));
  let error = '';
  try {
    await buildPrograms(outDir);
  } catch (thrown) {
    error = String(thrown);
  }
  project.provide('programs', outDir);
  project.provide('programsError', error);
  return () => rm(outDir, { recursive: true, force: true });
}

async function buildPrograms(outDir: string): Promise<void> {
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
        input: { node: join(root, 'src/runtime/process-entry.ts'), cli: join(root, 'src/headless/cli.ts') },
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' },
      },
    },
  });
  // Outside the project nothing says that these are ES modules.
  await writeFile(join(outDir, 'package.json'), '{"type":"module"}\n');
}
