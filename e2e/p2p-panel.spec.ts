/** P2P peers in the panel: limits that take effect on what is under way. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from './fixtures';

test('uploads and a download are limited and prioritised while they run, and the limits are lifted', async ({
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

  // Which piece came from whom, how many have what is missing, and the line on the canvas.
  const map = running.getByRole('img', { name: /^32 pieces, \d+ % there/ });
  await expect(map.getByTitle(/^Piece \d+: from 127\.0\.0\.1:\d+$/).first()).toBeVisible();
  await expect(map.getByTitle(/^Piece \d+: missing; held by 1 source$/).first()).toBeVisible();
  await expect(running).toContainText('The rarest missing piece is held by 1 source.');
  await expect(studio.link('Peer1', 'Peer2')).toBeAttached();
  await expect(studio.link('Peer1', 'Peer2')).toContainText('transfer');

  // Priority, by keyboard: from the menu of the download's row.
  const row = studio.transfers('big.bin', 'running');
  await row.getByRole('button', { name: 'Menu: big.bin' }).press('Enter');
  const menu = studio.page.getByRole('menu', { name: 'Actions for big.bin' });
  const high = menu.getByRole('menuitemradio', { name: 'High' });
  await expect(menu.getByRole('menuitemradio', { name: 'Normal' })).toBeChecked();
  await high.press('Enter');
  await expect(menu).toBeHidden();
  await expect(running).toContainText('high priority');
  // What was chosen survives that it is paused, which ends it at the peer.
  await row.getByRole('button', { name: 'Pause: big.bin' }).click();
  const paused = studio.transfers('big.bin', 'paused');
  await paused.click({ button: 'right' });
  await expect(high).toBeChecked();
  await menu.getByRole('menuitem', { name: 'Resume' }).click();
  await expect(running).toContainText('high priority');
  await limit.fill('');
  await limit.press('Enter');
  await expect(running).not.toContainText('of at most');

  await studio.select('Peer1');
  await studio.dock.getByRole('button', { name: 'Why this server? big.bin' }).click();
  await expect(running).toContainText(/\d of 8 upload slots were taken; has the whole file/);

  await studio.select('Peer1');
  await uploads.fill('');
  await uploads.press('Enter');
  await expect(studio.transfers('big.bin', 'done')).toContainText('every piece (SHA-256) verified');
});
