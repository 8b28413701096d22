/** Processes: started, stopped, broken and never left behind. */

import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, isAlive, startPanel, test } from './fixtures';
import { StudioPage } from './pages/studio-page';

test('kill -9 of the panel leaves no process, and the next panel finds the ports free', async ({
  page,
  home,
}) => {
  const panel = await startPanel(home);
  await page.goto(panel.url);
  const studio = new StudioPage(page, panel);
  await studio.buildSample();
  const pids = await studio.nodePids();
  expect(pids).toHaveLength(4);
  panel.child.kill('SIGKILL');
  await expect.poll(() => pids.filter(isAlive)).toEqual([]);

  const again = await startPanel(home);
  await page.goto(again.url);
  const restored = new StudioPage(page, again);
  for (const name of ['Index1', 'Monitor1', 'CS1', 'CS2']) await restored.expectState(name, 'stopped');
  await restored.button('Start all').click();
  for (const name of ['Index1', 'Monitor1', 'CS1', 'CS2']) await restored.expectState(name, 'running');
  const second = await restored.nodePids();
  expect(await again.stop()).toBe(0);
  expect(second.filter(isAlive)).toEqual([]);
});

test('stop, start, restart, drain and kill from the menu of a node', async ({ studio }) => {
  await studio.buildSample();
  await studio.act('CS1', 'Stop');
  await studio.expectState('CS1', 'stopped');
  await studio.act('CS1', 'Start');
  await studio.expectState('CS1', 'running');
  const before = await studio.nodePid('CS1');
  await studio.act('CS1', 'Restart');
  await expect.poll(() => studio.nodePid('CS1')).not.toBe(before);
  await studio.expectState('CS1', 'running');
  await studio.act('CS1', 'Drain');
  await studio.expectState('CS1', 'stopped');
  await studio.act('CS2', 'Kill');
  await studio.expectState('CS2', 'crashed');
});

test('a port in use is named, and the next free one is offered', async ({ studio }) => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as { port: number };
  await studio.startEmpty();
  await studio.button('Add index server').click();
  await studio.select('Index1');
  await studio.openInspectorTab('Config');
  const field = studio.inspector.getByLabel('TCP port');
  await field.fill(String(port));
  await field.press('Tab');
  await expect(studio.inspector.getByText(/in use/i).first()).toBeVisible();
  await studio.inspector.getByRole('button', { name: /use/i }).first().click();
  await expect(field).not.toHaveValue(String(port));
  await new Promise((resolve) => holder.close(resolve));
});

test('a workspace file cut in half: the backup is used, and the person is told', async ({ page, home }) => {
  const file = join(home, 'lesson.json');
  const first = await startPanel(home, '--workspace', file);
  await page.goto(first.url);
  const studio = new StudioPage(page, first);
  await studio.startEmpty();
  await studio.button('Add index server').click();
  await studio.expectState('Index1', 'stopped');
  await studio.button('Add content server').click();
  await studio.expectState('CS1', 'stopped');
  expect(await first.stop()).toBe(0);

  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.slice(0, text.length / 2));
  const second = await startPanel(home, '--workspace', file);
  await page.goto(second.url);
  await expect(page.getByText(/backup/i).first()).toBeVisible();
  await new StudioPage(page, second).expectState('Index1', 'stopped');
  expect(await second.stop()).toBe(0);
});
