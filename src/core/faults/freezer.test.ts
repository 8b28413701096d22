import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratchFolder } from '../../testing/scratch-folder';
import { Freezer } from './freezer';

it('does nothing where there is no SIGSTOP', () => {
  const freezer = new Freezer('win32');
  freezer.freeze(process.pid);
  expect(freezer.isFrozen(process.pid)).toBe(false);
});

it.skipIf(process.platform === 'win32')('stops a process from outside, and lets it go on', async () => {
  const folder = await scratchFolder();
  const program = join(folder, 'echo.cjs');
  await writeFile(program, "process.on('message', (m) => process.send(m)); process.send('ready');");
  const child = fork(program, { execArgv: [] });
  try {
    await once(child, 'message');
    const freezer = new Freezer();
    const pid = child.pid as number;
    freezer.freeze(pid);
    const heard: unknown[] = [];
    child.on('message', (message) => heard.push(message));
    child.send('hello');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(heard).toEqual([]);
    expect(freezer.isFrozen(pid)).toBe(true);
    freezer.keepOnly(new Set());
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(heard).toEqual(['hello']);
  } finally {
    child.kill('SIGKILL');
  }
});
