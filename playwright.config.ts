import { defineConfig } from '@playwright/test';
import { findBrowser } from './scripts/browser.mjs';
import { electronBinary } from './scripts/electron-binary.mjs';

export default defineConfig({
  testDir: 'e2e',
  // Each test runs a panel and its nodes: real processes, on few cores.
  workers: 1,
  // Against hanging alone: on a machine that is ten times as busy, a test is only later.
  timeout: 300_000,
  expect: { timeout: 45_000 },
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list']],
  use: {
    viewport: { width: 1280, height: 800 },
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
  },
  projects: [
    {
      name: 'browser',
      testIgnore: 'electron.spec.ts',
      use: {
        launchOptions: {
          executablePath: findBrowser(),
          args: [
            // Chromium refuses its sandbox as root, as in containers.
            ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
            '--no-first-run',
          ],
        },
      },
    },
    { name: 'electron', testMatch: 'electron.spec.ts', metadata: { binary: electronBinary() ?? null } },
  ],
});
