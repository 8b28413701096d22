/**
 * Makes the README's pictures from the real thing: starts a panel with a profile of its own, builds the sample,
 * downloads, kills a server, and takes the screenshots. Needs `npm run build` first.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright';
import { findBrowser } from './browser.mjs';

process.chdir(join(import.meta.dirname, '..'));
const folder = 'resources/screenshots';
mkdirSync(folder, { recursive: true });
const home = mkdtempSync(join(tmpdir(), 'micro-cdn-shots-'));
const panel = spawn(process.execPath, ['out/main/cli.js', 'panel', '--no-open'], {
  env: { ...process.env, MICRO_CDN_DATA: home },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const url = await new Promise((resolve) => createInterface({ input: panel.stdout }).once('line', resolve));
const browser = await chromium.launch({
  executablePath: findBrowser(),
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});

const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark' });
await page.goto(url);
const node = (name, state) => page.getByRole('group', { name: new RegExp(`^${name}, .*, ${state}$`) });
await page.getByRole('button', { name: 'Build the Micro-CDN sample' }).click();
await node('CS2', 'running').waitFor();
await page.getByRole('button', { name: 'Download hello.txt' }).click();
await page.getByRole('article', { name: 'hello.txt, done' }).waitFor();
await page.getByRole('button', { name: 'Kill CS1' }).click();
await node('CS1', 'crashed').waitFor();
await page.getByRole('button', { name: 'Download again' }).click({ timeout: 60_000 });
await page.getByRole('article', { name: 'hello.txt, done' }).nth(1).waitFor();
await node('Index1', 'running').click();
// The toast covers what the picture is to show.
await page.getByText('hello.txt is downloaded').first().waitFor({ state: 'hidden', timeout: 30_000 });
await page.waitForTimeout(1500);
await page.screenshot({ path: `${folder}/panel-dark.png` });
await page.emulateMedia({ colorScheme: 'light' });
await page.waitForTimeout(500);
await page.screenshot({ path: `${folder}/panel-light.png` });

await browser.close();
const exit = new Promise((resolve) => panel.once('exit', resolve));
panel.kill('SIGINT');
await exit;
rmSync(home, { recursive: true, force: true });
