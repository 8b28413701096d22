/** The panel itself: undo, keyboard, table, themes, palette, and the lock on its door. */
import { request } from 'node:http';
import { expect, test } from './fixtures';

test('edits can be undone and redone, by button and by key', async ({ studio }) => {
  await studio.startEmpty();
  await studio.button('Add index server').click();
  await studio.button('Add content server').click();
  await expect(studio.node('CS1')).toBeVisible();
  await studio.button('Undo').click();
  await expect(studio.node('CS1')).toBeHidden();
  await studio.page.keyboard.press('Control+z');
  await expect(studio.node('Index1')).toBeHidden();
  await studio.button('Redo').click();
  await studio.button('Redo').click();
  await expect(studio.node('CS1')).toBeVisible();
  await expect(studio.node('Index1')).toBeVisible();
});

test('the topology is a table with the same actions', async ({ studio }) => {
  await studio.buildSample();
  await studio.topology.getByText('Table', { exact: true }).click();
  const row = studio.topology.getByRole('row').filter({ hasText: 'CS1' });
  await expect(row).toContainText('Running');
  await row.getByRole('button', { name: 'Stop CS1' }).click();
  await expect(row).toContainText('Stopped');
});

test('the command palette finds actions by words', async ({ studio }) => {
  await studio.startEmpty();
  await studio.page.keyboard.press('Control+k');
  await studio.page
    .getByPlaceholder(/search/i)
    .last()
    .fill('add content');
  await studio.page.keyboard.press('Enter');
  await expect(studio.node('CS1')).toBeVisible();
});

test('light and dark are chosen by the person and kept', async ({ studio }) => {
  const scheme = () => studio.page.locator('html').getAttribute('data-mantine-color-scheme');
  const before = await scheme();
  await studio.page.getByRole('button', { name: /^Use (light|dark) theme$/ }).click();
  await expect.poll(scheme).not.toBe(before);
  const chosen = await scheme();
  await studio.page.reload();
  await expect.poll(scheme).toBe(chosen);
});

test('the journal ties a death to what was done and what came of it', async ({ studio }) => {
  await studio.buildSample();
  await studio.act('CS1', 'Kill');
  await studio.openDock('Journal');
  await expect(studio.dock.getByRole('row').filter({ hasText: 'CS1' }).first()).toBeVisible();
});

test('nobody without the token, and no other site, gets in', async ({ panel, page }) => {
  const { host, origin } = new URL(panel.url);
  await page.goto(origin);
  await expect(page.getByRole('button', { name: 'Build the Micro-CDN sample' })).toBeHidden();
  const status = (headers: Record<string, string>, path = '/'): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: new URL(panel.url).port, path, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
  expect(await status({ Host: host })).toBe(200);
  expect(await status({ Host: 'evil.example' })).toBe(421);
  expect(await status({ Host: host }, '/../../package.json')).not.toBe(200);
});
