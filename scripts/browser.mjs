/** Finds a Chromium for the end-to-end tests, and installs one where there is none and that is possible. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright';

const candidates = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  `${process.env.PROGRAMFILES}\\Google\\Chrome\\Application\\chrome.exe`,
  `${process.env['PROGRAMFILES(X86)']}\\Microsoft\\Edge\\Application\\msedge.exe`,
];

/** The path of a browser that is here now, or undefined. */
export function findBrowser() {
  const own = chromium.executablePath();
  return [...candidates, own].find((path) => path && existsSync(path));
}

/** Installs a browser by the ways this machine offers; returns its path, or undefined. */
export function installBrowser() {
  console.log('No Chromium was found; trying to install one.');
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    run('apt-get', ['update']);
    run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core']);
    if (findBrowser()) return findBrowser();
  }
  run(process.execPath, ['node_modules/playwright/cli.js', 'install', 'chromium']);
  return findBrowser();
}

function run(command, args) {
  spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
}
