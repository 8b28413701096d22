/** Recording what is done in the panel, and doing it again: in the panel, and by the command line without one. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from './fixtures';

/** On the second content server alone: whichever is killed, there is one place that it can come from. */
const file = 'only on the second server.txt';

test('what was done is done again: kill, break, heal, download', async ({ studio }) => {
  await studio.buildSample();
  await studio.record();
  await studio.act('CS1', 'Kill');
  await studio.expectState('CS1', 'crashed');
  await studio.breakLink('CS2', 'Monitor1', 'Loss');
  await expect(studio.faultBanner).toBeVisible();
  expect(await studio.toolbarFits()).toBe(true);
  await studio.button('Heal all').click();
  await expect(studio.faultBanner).toBeHidden();
  await studio.download(file);
  await expect(studio.transfers(file, 'done')).toHaveCount(1);
  await expect(studio.recording).toContainText('4 steps');
  await studio.button('Stop recording').click();
  await expect(studio.toast('Recording 1 is saved')).toContainText('4 steps, in ');
  await expect(studio.button('Record')).toBeFocused();

  await studio.actOnRecording('Recording 1', 'Replay');
  await expect(studio.replay('Recording 1')).toBeVisible();
  await expect(studio.button('Record')).toBeVisible();
  await studio.expectState('CS1', 'crashed');
  await studio.openDock('Transfers');
  await expect(studio.transfers(file, 'done')).toHaveCount(2);
  await studio.openDock('Tasks');
  await expect(studio.dock.getByRole('row').filter({ hasText: 'Replay Recording 1' })).toContainText(
    '4 steps replayed',
  );
  for (const words of ['CS1 was killed', 'was set.', 'was healed'])
    await expect(await studio.inJournal(words)).toHaveCount(2);
  await expect(await studio.inJournal('The replay of Recording 1')).toHaveCount(2);
});

test('the command line does again what was done in the panel', async ({ studio, panel }) => {
  await studio.buildSample();
  await studio.record();
  await studio.act('Monitor1', 'Kill');
  await studio.expectState('Monitor1', 'crashed');
  await studio.act('CS1', 'Restart');
  await studio.expectState('CS1', 'running');
  await studio.button('Stop recording').click();
  await expect(studio.toast('Recording 1 is saved')).toBeVisible();
  expect(await panel.stop()).toBe(0);

  const recording = join(panel.home, 'workspaces/my-network/recordings/recording-1.json');
  const { code, out } = await replay(panel.home, recording);
  const lines = out.trimEnd().split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/^0\/2 Start /),
    '1/2 Kill Monitor1',
    '2/2 Restart CS1',
    '2 steps replayed.',
  ]);
  expect(code).toBe(0);
});

test('a replay that lacks a node says so, and recordings are renamed, exported and deleted', async ({
  studio,
}) => {
  const { page } = studio;
  await studio.startEmpty();
  await studio.button('Add index server').click();
  await studio.record();
  await studio.act('Index1', 'Start');
  await studio.expectState('Index1', 'running');
  await studio.button('Stop recording').click();
  await studio.actOnRecording('Recording 1', 'Rename…');
  const naming = page.getByRole('dialog', { name: 'Rename Recording 1' });
  await naming.getByLabel('Name').fill('The beginning');
  await naming.getByRole('button', { name: 'Rename' }).click();

  await studio.act('Index1', 'Delete');
  await expect(studio.node('Index1')).toBeHidden();
  await studio.actOnRecording('The beginning', 'Replay');
  const failure = studio.toast('The replay of The beginning has failed');
  await expect(failure).toContainText('Step 1 of 1, “Start Index1”');
  await expect(failure).toContainText('Index1 is not in this workspace.');

  const exported = page.waitForEvent('download');
  await studio.actOnRecording('The beginning', 'Export as file');
  const text = readFileSync(await (await exported).path(), 'utf8');
  expect(JSON.parse(text)).toMatchObject({ name: 'The beginning', steps: [{ call: 'nodes.start' }] });

  await studio.actOnRecording('The beginning', 'Delete…');
  const dialog = page.getByRole('dialog', { name: 'Delete The beginning for good?' });
  await expect(dialog).toContainText('Its 1 step');
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await studio.button('Recordings').click();
  await expect(page.getByRole('menu', { name: 'Recordings' })).toContainText('Nothing is recorded yet.');
});

test('the command palette records and stops, and a recording of nothing is not kept', async ({ studio }) => {
  await studio.startEmpty();
  await studio.command('Record');
  await expect(studio.recording).toContainText('0 steps');
  await studio.command('Stop recording');
  await expect(studio.toast('Nothing was recorded')).toBeVisible();
  await expect(studio.button('Record')).toBeVisible();
});

/** Runs `micro-cdn replay` to its end. */
function replay(home: string, recording: string): Promise<{ code: number; out: string }> {
  const args = ['out/main/cli.js', 'replay', recording];
  return new Promise((resolve) =>
    execFile(process.execPath, args, { env: { ...process.env, MICRO_CDN_DATA: home } }, (error, out) =>
      resolve({ code: error ? Number(error.code) : 0, out }),
    ),
  );
}
