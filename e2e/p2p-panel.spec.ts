/** P2P peers in the panel: limits that take effect on what is under way. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from './fixtures';

test('uploads and a download are limited while they run, and the limits are lifted', async ({
  studio,
  home,
}) => {
  await studio.startEmpty();
  await studio.button('Add p2p index').click();
  await studio.act('Tracker1', 'Start');
  const file = join(home, 'big.bin');
  writeFileSync(file, Buffer.alloc(8 * 2 ** 20, 'piece'));
  for (const name of ['Peer1', 'Peer2']) {
    await studio.button('Add p2p peer').click();
    if (name === 'Peer1') await studio.dropFromDisk(studio.node(name), [file]);
    await studio.act(name, 'Start');
    await studio.expectState(name, 'running');
  }
  await studio.select('Peer1');
  await studio.openInspectorTab('Overview');
  const uploads = studio.inspector.getByRole('textbox', { name: 'Limit of all uploads' });
  await uploads.fill('200');
  await uploads.press('Enter');
  await expect(uploads).toHaveValue('200 KiB/s');

  await studio.select('Peer2');
  await studio.inspector.getByRole('button', { name: 'Download…' }).click();
  const dialog = studio.page.getByRole('dialog', { name: 'Download a file' });
  await dialog.getByLabel('File name').fill('big.bin');
  await dialog.getByRole('button', { name: 'Download', exact: true }).click();
  const running = studio.inspector.getByRole('region', { name: 'big.bin' });
  await expect(running).toContainText('downloading');
  const limit = running.getByRole('textbox', { name: 'Limit of the download of big.bin' });
  await limit.fill('100');
  await limit.press('Enter');
  await expect(running).toContainText('of at most 100 KiB/s');
  await limit.fill('');
  await limit.press('Enter');
  await expect(running).not.toContainText('of at most');

  await studio.select('Peer1');
  await uploads.fill('');
  await uploads.press('Enter');
  await expect(studio.transfers('big.bin', 'done')).toBeVisible();
});
