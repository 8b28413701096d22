/** `npm start`: builds what is out of date and opens the panel, in Electron where it can be had. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { electronBinary, electronPackage } from './electron-binary.mjs';
import { startFailure } from './start-failure.mjs';

const FETCH_TIMEOUT_MS = 120_000;
const root = join(import.meta.dirname, '..');
process.chdir(root);

if (outOfDate()) {
  console.log('Building …');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['node_modules/electron-vite/bin/electron-vite.js', 'build'],
    {
      encoding: 'utf8',
    },
  );
  if (status !== 0) {
    process.stderr.write(`${stdout}${stderr}\nThe build failed; see above.\n`);
    process.exit(1);
  }
}

const inBrowser = [process.execPath, 'out/main/cli.js', 'panel'];
let child;
run(shell());
process.on('SIGTERM', () => child.kill('SIGTERM'));
// Ctrl-C reaches every program of the terminal: a second one from here would be taken for impatience.
process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));

/** Ends as the program does; where that cannot start on this machine, the panel opens in the browser instead. */
function run([command, ...args]) {
  const begun = performance.now();
  const isElectron = command !== process.execPath;
  const openInBrowser = (reason) => {
    console.error(`Electron cannot start here (${reason}), so the panel opens in the browser.`);
    run(inBrowser);
  };
  child = spawn(command, [...args, ...process.argv.slice(2)], { stdio: 'inherit' });
  child.on('exit', (code, signal) => {
    const reason = startFailure({ code, signal, afterMs: performance.now() - begun });
    if (reason && isElectron) openInBrowser(reason);
    else process.exit(code ?? (signal ? 1 : 0));
  });
  child.on('error', (error) => {
    if (!isElectron) throw error;
    openInBrowser(error.message);
  });
}

/** The program to run: Electron, or the panel in the browser with the reason in one line. */
function shell() {
  if (process.env.MICRO_CDN_SHELL === 'browser') return inBrowser;
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
    // The first line of standard output is the panel's address, so notes go to standard error.
    console.error('There is no display, so the panel is served for a browser. Open this address:');
    return [...inBrowser, '--no-open'];
  }
  const binary = electronBinary() ?? fetchElectron();
  if (binary) {
    // Chromium refuses to run its sandbox as root.
    return [binary, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '.'];
  }
  console.error(
    'Electron is not on this machine and could not be fetched, so the panel opens in the browser.',
  );
  return inBrowser;
}

function fetchElectron() {
  console.error('Fetching Electron, once …');
  spawnSync(process.execPath, [join(electronPackage(), 'install.js')], {
    stdio: 'ignore',
    timeout: FETCH_TIMEOUT_MS,
  });
  return electronBinary();
}

function outOfDate() {
  const built = ['out/main/cli.js', 'out/preload/index.cjs', 'out/renderer/index.html'];
  if (built.some((path) => !existsSync(path))) return true;
  const oldest = Math.min(...built.map((path) => statSync(path).mtimeMs));
  return (
    newest('src') > oldest ||
    ['package.json', 'electron.vite.config.ts'].some((path) => statSync(path).mtimeMs > oldest)
  );
}

function newest(folder) {
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile())
      latest = Math.max(latest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return latest;
}
