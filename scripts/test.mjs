/** `npm test`: build, lint, types, unit and integration tests, end-to-end tests; ends with one summary line. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBrowser, installBrowser } from './browser.mjs';

process.chdir(join(import.meta.dirname, '..'));
const reports = mkdtempSync(join(tmpdir(), 'micro-cdn-test-'));
const totals = { passed: 0, failed: 0, skipped: 0 };

const module = (path, ...args) => [process.execPath, [join('node_modules', path), ...args]];

check('build', module('electron-vite/bin/electron-vite.js', 'build', '--logLevel', 'warn'));
check('lint', module('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'));
check('types of core and shells', module('typescript/bin/tsc', '-p', 'tsconfig.node.json'));
check('types of the renderer', module('typescript/bin/tsc', '-p', 'tsconfig.web.json'));
vitest();
playwright();

rmSync(reports, { recursive: true, force: true });
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exit(totals.failed > 0 ? 1 : 0);

/** A step that counts as one test. The rest makes no sense after a failed build, but its lint does. */
function check(title, [command, args]) {
  console.log(`\n── ${title}`);
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status === 0) totals.passed++;
  else totals.failed++;
}

function vitest() {
  console.log('\n── unit and integration tests');
  const report = join(reports, 'vitest.json');
  const [command, args] = module(
    'vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  );
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  const result = read(report);
  totals.passed += result?.numPassedTests ?? 0;
  totals.failed += result?.numFailedTests ?? 0;
  totals.skipped += result?.numPendingTests ?? 0;
  // A file that cannot be loaded fails the run without a failed test.
  if (status !== 0 && !result?.numFailedTests) totals.failed++;
}

function playwright() {
  console.log('\n── end-to-end tests');
  const browser = findBrowser() ?? installBrowser();
  if (!browser) {
    console.log(
      'There is no Chromium on this machine and none could be installed. Set CHROMIUM_PATH to one.',
    );
    totals.failed++;
    return;
  }
  const report = join(reports, 'playwright.json');
  const [command, args] = module('@playwright/test/cli.js', 'test', '--reporter=list,json');
  const { status } = spawnSync(command, args, {
    stdio: 'inherit',
    env: { ...process.env, CHROMIUM_PATH: browser, PLAYWRIGHT_JSON_OUTPUT_NAME: report },
  });
  const stats = read(report)?.stats;
  totals.passed += (stats?.expected ?? 0) + (stats?.flaky ?? 0);
  totals.failed += stats?.unexpected ?? 0;
  totals.skipped += stats?.skipped ?? 0;
  if (status !== 0 && !stats?.unexpected) totals.failed++;
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
