/** What waits for a program that never answers can be ended. */
import { createServer } from 'node:net';
import { expect, test } from './fixtures';
import { freePort } from './programs';

test('a ring client that waits for a mute member is told to give up', async ({ studio }) => {
  const { page, inspector } = studio;
  const port = await freePort();
  const mute = createServer().listen(port, '127.0.0.1');
  await studio.startEmpty();
  await studio.button('Add ring client').click();
  await studio.openInspectorTab('Config');
  await inspector.getByRole('combobox', { name: 'Member' }).click();
  await page.getByRole('option', { name: 'Another address…' }).click();
  await inspector.getByRole('textbox', { name: 'Address of the member' }).fill(`127.0.0.1:${port}`);
  await inspector.getByRole('button', { name: 'Apply' }).click();
  await inspector.getByRole('button', { name: 'Start', exact: true }).click();
  await studio.expectState('RingClient1', 'running');
  await studio.openInspectorTab('Overview');
  await inspector.getByRole('textbox', { name: 'Name of the file' }).fill('a.txt');
  const get = inspector.getByRole('button', { name: 'Get', exact: true });
  await get.click();
  await inspector.getByRole('button', { name: 'Cancel' }).click();
  await expect(studio.toast('It was cancelled.')).toBeVisible();
  await expect(get).toBeEnabled();
  await expect(inspector.getByText('1 failed')).toBeVisible();
  mute.close();
});
