/**
 * `npm run bench [-- NAME …]`: runs the questions of this folder, each in a process of its own, one after the
 * other, and prints their tables. They measure the built product in `out/`: run `npm run build` first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

process.chdir(join(import.meta.dirname, '..'));
if (!existsSync('out/main/cli.js')) {
  console.error('The product is not built. Run: npm run build');
  process.exit(2);
}

const known = readdirSync('bench')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}. There are: ${known.join(', ')}`);
  process.exit(2);
}

await build({
  configFile: false,
  logLevel: 'error',
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'out/bench',
    rollupOptions: { input: Object.fromEntries(known.map((name) => [name, `bench/${name}.ts`])) },
  },
});

let failed = 0;
for (const name of wanted.length > 0 ? wanted : known) {
  const { status } = spawnSync(process.execPath, [`out/bench/${name}.js`], { stdio: 'inherit' });
  if (status !== 0) failed++;
}
process.exit(failed);
