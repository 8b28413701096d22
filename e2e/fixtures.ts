/** Each test gets a panel of its own: a profile that nothing else uses, and a teardown with an end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test as base, expect } from '@playwright/test';
import { StudioPage } from './pages/studio-page';
import { makeScratchFolder, removeScratchFolder } from './scratch-folder';

/** A panel that is asked to end gets so long before it is killed; both are failures of the test that see it. */
const STOP_DEADLINE_MS = 60_000;

export interface PanelProcess {
  child: ChildProcess;
  pid: number;
  /** Its address with the token. */
  url: string;
  /** The folder of its settings, workspaces and downloads. */
  home: string;
  /** Ends it as Ctrl-C does and resolves to its exit code. */
  stop(): Promise<number | null>;
}

/** Every panel that was started and has not ended: none outlives its test, even one that fails. */
const started = new Set<ChildProcess>();

/** Starts `micro-cdn panel` in `home`. */
export async function startPanel(home: string, ...args: string[]): Promise<PanelProcess> {
  const child = spawn(process.execPath, ['out/main/cli.js', 'panel', '--no-open', ...args], {
    env: { ...process.env, MICRO_CDN_DATA: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.add(child);
  child.once('exit', () => started.delete(child));
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', (code) => reject(new Error(`The panel ended with ${code} before it was ready.`)));
  });
  return {
    child,
    pid: child.pid as number,
    url,
    home,
    stop: () => stopPanel(child),
  };
}

async function stopPanel(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  const code = await exit;
  clearTimeout(late);
  return code;
}

/** True while a process of this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Fixtures {
  home: string;
  panel: PanelProcess;
  studio: StudioPage;
}

export const test = base.extend<Fixtures>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright wants a destructured first argument
  home: async ({}, use) => {
    const home = makeScratchFolder();
    await use(home);
    for (const child of started) child.kill('SIGKILL');
    removeScratchFolder(home);
  },
  panel: async ({ home }, use) => {
    const panel = await startPanel(home);
    await use(panel);
    expect(await panel.stop()).toBe(0);
  },
  studio: async ({ panel, page }, use) => {
    const errors: Error[] = [];
    page.on('pageerror', (error) => errors.push(error));
    await page.goto(panel.url);
    await use(new StudioPage(page, panel));
    expect(errors).toEqual([]);
  },
});

export { expect };
