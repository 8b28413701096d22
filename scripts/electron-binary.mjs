/** Where Electron's binary is, found without loading the package (which would try to download it). */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** The folder of the npm package. */
export function electronPackage() {
  return dirname(require.resolve('electron/package.json'));
}

/** The path of the executable, or undefined when it is not on this machine. */
export function electronBinary() {
  if (process.env.ELECTRON_EXEC_PATH) return existing(process.env.ELECTRON_EXEC_PATH);
  const folder = electronPackage();
  const pathFile = join(folder, 'path.txt');
  const name = existsSync(pathFile) ? readFileSync(pathFile, 'utf8').trim() : 'electron';
  return existing(join(process.env.ELECTRON_OVERRIDE_DIST_PATH ?? join(folder, 'dist'), name));
}

function existing(path) {
  return existsSync(path) ? path : undefined;
}
