/** The test scenario of the seed protocol, by five clicks: download, kill, notice, download elsewhere, return. */
import { readFileSync } from 'node:fs';
import { expect, test } from './fixtures';

test('sample → download → kill → SERVER_DOWN → the other server → restart → routed again', async ({
  studio,
}) => {
  await studio.buildSample();

  await studio.tourStep('Download hello.txt').click();
  const first = studio.transfers('hello.txt', 'done').first();
  await expect(first).toBeVisible();
  await expect(first).toContainText('size and hash verified');
  const savedTo = /saved to (.+)$/m.exec(await first.innerText())?.[1] ?? '';
  expect(readFileSync(savedTo.trim(), 'utf8').length).toBeGreaterThan(0);

  await studio.tourStep('Kill CS1').click();
  await studio.expectState('CS1', 'crashed');
  // The seed's detector: dead after 8 s without a heartbeat.
  await studio.openDock('Journal');
  await expect(studio.dock.getByText(/SERVER_DOWN|declared CS1 dead|CS1 .*dead/i).first()).toBeVisible();

  await studio.tourStep('Download again').click();
  await studio.openDock('Transfers');
  await expect(studio.transfers('hello.txt', 'done')).toHaveCount(2);
  await expect(studio.transfers('hello.txt', 'done').filter({ hasText: 'CS2' }).first()).toBeVisible();

  await studio.tourStep('Restart CS1').click();
  await studio.expectState('CS1', 'running');
  await studio.select('Index1');
  await expect(studio.inspector.getByText(/^CS1$/).first()).toBeVisible();
  await studio.act('CS2', 'Kill');
  await studio.expectState('CS2', 'crashed');
  await studio.download('hello.txt');
  await expect(studio.transfers('hello.txt', 'done')).toHaveCount(3);
});

test('a server that dies in the middle of a file is replaced, and the transfer says so', async ({
  studio,
}) => {
  await studio.buildSample();
  // Slow enough to be in the middle: the server hangs, then dies.
  await studio.select('CS1');
  await studio.openInspectorTab('Files');
  await expect(studio.fileRow('hello.txt')).toBeVisible();
  await studio.act('CS1', 'Hang');
  await studio.expectState('CS1', 'hung');
  await studio.download('hello.txt');
  await expect(studio.transfers('hello.txt', 'done')).toBeVisible();
  await studio.act('CS1', 'Resume');
  await studio.expectState('CS1', 'running');
});
