/** The same first steps in Electron, wherever its binary is. Where it is not, this says so and shows nothing. */
import { _electron, expect, test } from '@playwright/test';
import { electronBinary } from '../scripts/electron-binary.mjs';
import { makeScratchFolder, removeScratchFolder } from './scratch-folder';

const binary = electronBinary();

test('Electron opens the panel, builds the sample and quits with all its nodes', async () => {
  test.skip(binary === undefined, 'the Electron binary is not on this machine');
  const home = makeScratchFolder();
  const app = await _electron.launch({
    executablePath: binary as string,
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '.'],
    env: { ...(process.env as Record<string, string>), MICRO_CDN_DATA: home },
  });
  const window = await app.firstWindow();
  await window.getByRole('button', { name: 'Build the Micro-CDN sample' }).click();
  for (const name of ['Index1', 'Monitor1', 'CS1', 'CS2']) {
    await expect(window.getByRole('group', { name: new RegExp(`^${name}, .*, running$`) })).toBeVisible();
  }
  expect(await window.evaluate(() => typeof (globalThis as { require?: unknown }).require)).toBe('undefined');
  await app.close();
  removeScratchFolder(home);
});
