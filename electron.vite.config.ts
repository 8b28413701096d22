import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';

const from = (path: string): string => resolve(import.meta.dirname, path);

export default defineConfig({
  main: {
    build: {
      target: 'node20',
      outDir: 'out/main',
      // Bundled, so that the headless shell runs from `out/` alone, without node_modules.
      externalizeDeps: false,
      rollupOptions: {
        input: {
          index: from('src/main/index.ts'),
          cli: from('src/headless/cli.ts'),
          node: from('src/runtime/process-entry.ts'),
        },
        external: ['electron'],
        output: {
          format: 'es',
          entryFileNames: '[name].js',
          chunkFileNames: 'chunks/[name]-[hash].js',
          // Each node is a process that holds its text: without spaces it takes a MiB less. Names stay, for stack traces.
          minify: { mangle: false, compress: false, codegen: true },
        },
      },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      externalizeDeps: false,
      rollupOptions: {
        input: { index: from('src/preload/index.ts') },
        external: ['electron'],
        // A sandboxed preload cannot load ES modules.
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: from('src/renderer'),
    plugins: [react()],
    build: {
      target: 'chrome130',
      outDir: from('out/renderer'),
      // Less than half to read and compile when the window opens; electron-vite does not do so by itself.
      minify: true,
      rollupOptions: { input: { index: from('src/renderer/index.html') } },
    },
  },
});
