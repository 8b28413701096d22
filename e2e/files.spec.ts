/** Files go in by dropping them, from a folder that changes outside, and are seen by the index at once. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from './fixtures';

test('a file and a folder dropped from the disk arrive, are announced and can be downloaded', async ({
  studio,
  home,
}) => {
  await studio.buildSample();
  const drops = join(home, 'drops');
  mkdirSync(join(drops, 'album/cover art'), { recursive: true });
  writeFileSync(join(drops, 'my notes.txt'), 'dropped');
  writeFileSync(join(drops, 'album/cover art/äöü.bin'), Buffer.alloc(3 << 20, 7));

  await studio.dropFromDisk(studio.node('CS2'), [join(drops, 'my notes.txt')]);
  await studio.select('CS2');
  await studio.openInspectorTab('Files');
  await expect(studio.fileRow('my notes.txt')).toBeVisible();

  await studio.dropFromDisk(studio.inspector.getByRole('region', { name: 'Files of CS2' }), [
    join(drops, 'album'),
  ]);
  await expect(studio.fileRow('album/cover art/äöü.bin')).toBeVisible();

  for (const name of ['my notes.txt', 'album/cover art/äöü.bin']) {
    await studio.download(name);
    await expect(studio.transfers(name, 'done')).toBeVisible();
  }
});

test('an upload that the person cancels is cancelled, and nothing calls it a failure', async ({
  studio,
  home,
}) => {
  await studio.buildSample();
  const path = join(home, 'slow.bin');
  writeFileSync(path, Buffer.alloc(8 << 20));
  const session = await studio.page.context().newCDPSession(studio.page);
  const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 256 << 10 };
  await session.send('Network.emulateNetworkConditions', slow);
  const ended = Promise.race([
    studio.page.waitForEvent('requestfailed'),
    studio.page.waitForEvent('response', (response) => response.url().includes('/upload/')),
  ]);
  await studio.dropFromDisk(studio.node('CS2'), [path]);
  await studio.openDock('Tasks');
  await studio.dock.getByRole('button', { name: 'Cancel: Add slow.bin' }).click();
  await expect(studio.dock.getByRole('row').filter({ hasText: 'slow.bin' })).toContainText('Cancelled');
  await session.send('Network.emulateNetworkConditions', { ...slow, uploadThroughput: -1 });
  await ended;
  // One more that ends: what became of the first was told by then.
  const after = join(home, 'after.txt');
  writeFileSync(after, 'after');
  await studio.dropFromDisk(studio.node('CS2'), [after]);
  await expect(studio.toast('1 file added to CS2')).toBeVisible();
  // At once: a toast goes by itself, and waiting for that would prove nothing.
  expect(await studio.toast('could not be added').count()).toBe(0);
});

test('a removed file comes back by the toast, and later from the list of removed files', async ({
  studio,
}) => {
  await studio.buildSample();
  await studio.select('CS1');
  await studio.openInspectorTab('Files');
  const remove = async (): Promise<void> => {
    await studio.fileRow('hello.txt').click();
    await studio.page.keyboard.press('Delete');
    await expect(studio.fileRow('hello.txt')).toBeHidden();
  };
  await remove();
  await studio.toast('“hello.txt” removed from CS1').getByRole('button', { name: 'Undo' }).click();
  await expect(studio.fileRow('hello.txt')).toBeVisible();

  await remove();
  await studio.inspector.getByRole('button', { name: '1 removed file' }).click();
  await studio.fileRow('hello.txt').click();
  await studio.inspector.getByRole('button', { name: 'Restore' }).click();
  await expect(studio.inspector).toContainText('No file was removed from CS1.');
  await studio.inspector.getByRole('button', { name: 'Files', exact: true }).click();
  await expect(studio.fileRow('hello.txt')).toBeVisible();

  await remove();
  await studio.inspector.getByRole('button', { name: '1 removed file' }).click();
  await studio.inspector.getByRole('button', { name: 'Delete all' }).click();
  const dialog = studio.page.getByRole('dialog', { name: 'Delete removed files for good?' });
  await expect(dialog).toContainText('1 removed file of CS1 will be lost');
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await expect(studio.inspector).toContainText('No file was removed from CS1.');
});

test('files dropped beside every server ask which one takes them', async ({ studio, home }) => {
  await studio.buildSample();
  const path = join(home, 'loose.txt');
  writeFileSync(path, 'whose am I?');
  await studio.dropFromDisk(studio.node('Index1'), [path]);
  await expect(studio.fileRow('loose.txt')).toBeHidden();
  await studio.dropFromDisk(studio.dock, [path]);
  const dialog = studio.page.getByRole('dialog', { name: /Which server takes/ });
  await dialog.getByRole('button', { name: /^CS2/ }).click();
  await studio.select('CS2');
  await studio.openInspectorTab('Files');
  await expect(studio.fileRow('loose.txt')).toBeVisible();
});

test('a large file comes from as many servers at once as the dialog says', async ({ studio, home }) => {
  await studio.buildSample();
  const path = join(home, 'large.bin');
  writeFileSync(path, Buffer.alloc(9 << 20, 'piece'));
  for (const name of ['CS1', 'CS2']) {
    await studio.dropFromDisk(studio.node(name), [path]);
    await expect(studio.toast(`1 file added to ${name}`)).toBeVisible();
  }
  const transfers = studio.transfers('large.bin', 'done');
  const journal = async (words: string) => {
    await studio.openDock('Journal');
    await studio.dock.getByRole('searchbox', { name: 'Search the journal' }).fill(words);
    return studio.dock.getByRole('row').filter({ hasText: words });
  };
  const together = 'at once.';
  // As the client is set: from both, once both have told what its pieces are.
  await expect(async () => {
    await studio.openDock('Transfers');
    const before = await transfers.count();
    await studio.download('large.bin');
    await expect(transfers).toHaveCount(before + 1);
    await expect(await journal(together)).not.toHaveCount(0, { timeout: 3000 });
  }).toPass();
  const times = await (await journal(together)).count();
  await studio.openDock('Transfers');
  const before = await transfers.count();
  await studio.download('large.bin', { sources: 1 });
  await expect(transfers).toHaveCount(before + 1);
  await expect(await journal('large.bin is saved')).toHaveCount(before + 1);
  await expect(await journal(together)).toHaveCount(times);
});

test('the catalogue lists every file once, with its holders, and downloads from there', async ({
  studio,
}) => {
  await studio.buildSample();
  await studio.openDock('All files');
  await expect(studio.dock.getByRole('row').filter({ hasText: 'hello.txt' })).toHaveCount(1);
  await studio.dock.getByRole('button', { name: 'Download hello.txt' }).click();
  await studio.openDock('Transfers');
  await expect(studio.transfers('hello.txt', 'done')).toBeVisible();
});
