/** Breaking things by hand: what a user does, what is drawn, what follows, and that healing always works. */
import { expect, test } from './fixtures';

test('a monitor that is deaf to one server kills it, and the journal says why; healed, it is back', async ({
  studio,
}) => {
  await studio.buildSample();
  await studio.breakNode('CS1', 'Preset', 'Monitor deaf to one server');
  await expect(studio.faultBanner).toContainText('1 active fault');
  await expect(studio.linkBadge(/Loss/)).toContainText('100 % loss');
  await studio.openDock('Journal');
  await expect(studio.dock.getByText(/CS1 is dead: no heartbeat/)).toBeVisible({ timeout: 30_000 });
  await expect(
    studio.dock.getByText(/HEARTBEAT datagrams were lost from CS1 to Monitor1/).first(),
  ).toBeVisible();
  await studio.button('Heal all').click();
  await expect(studio.faultBanner).toBeHidden();
  await expect(studio.dock.getByText(/CS1 is back: heartbeats resumed/)).toBeVisible({ timeout: 20_000 });
});

test('a frozen server answers nothing until it is resumed', async ({ studio }) => {
  await studio.buildSample();
  await studio.breakNode('CS1', 'Break', 'Freeze');
  await studio.expectState('CS1', 'hung');
  await studio.act('CS1', 'Resume');
  await studio.expectState('CS1', 'running');
  await studio.act('CS1', 'Stop');
  await studio.expectState('CS1', 'stopped');
});

test('a server crashes on the next request, and the download goes elsewhere', async ({ studio }) => {
  await studio.buildSample();
  for (const name of ['CS1', 'CS2']) await studio.breakNode(name, 'Break', 'Crash on the next request');
  await studio.download('hello.txt');
  await expect(studio.topology.getByRole('group', { name: /^CS[12], .*, crashed$/ }).first()).toBeVisible();
  // It was the process that was broken: the next one is sound.
  const crashed = await studio.topology
    .getByRole('group', { name: /^CS[12], .*, crashed$/ })
    .first()
    .getAttribute('aria-label');
  const name = crashed?.split(',')[0] ?? '';
  await studio.act(name, 'Start');
  await studio.expectState(name, 'running');
});

test('a client whose disk is full says so', async ({ studio }) => {
  await studio.buildSample();
  await studio.download('hello.txt');
  await expect(studio.transfers('hello.txt', 'done')).toHaveCount(1);
  await studio.breakNode('Client1', 'Break', 'Disk full');
  await studio.download('hello.txt');
  const failed = studio.transfers('hello.txt', 'failed');
  await expect(failed).toBeVisible();
  await expect(failed).toContainText(/no space|disk/i);
  await studio.button('Heal all').click();
  await studio.download('hello.txt');
  await expect(studio.transfers('hello.txt', 'done')).toHaveCount(2);
});

test('a partition holds a download back, and healing lets it finish', async ({ studio }) => {
  await studio.buildSample();
  await studio.download('hello.txt');
  await expect(studio.transfers('hello.txt', 'done')).toHaveCount(1);
  await studio.breakNode('Client1', 'Break', 'Partition');
  await expect(studio.node('Client1')).toContainText('cut');
  await studio.download('hello.txt');
  await expect(studio.dock.getByRole('article', { name: /^hello\.txt, (waiting|running)/ })).toBeVisible();
  await studio.button('Heal all').click();
  await expect(studio.transfers('hello.txt', 'done')).toHaveCount(2, { timeout: 30_000 });
});

test('a busy processor shows', async ({ studio }) => {
  await studio.buildSample();
  await studio.breakNode('CS1', 'Break', 'CPU burn');
  await studio.openInspectorTab('Overview');
  await expect(studio.inspector.getByText(/^(1[5-9]|[2-9]\d|1\d\d) %/).first()).toBeVisible({
    timeout: 20_000,
  });
  await studio.act('CS1', 'Heal');
  await expect(studio.faultBanner).toBeHidden();
});

test('a link is broken with its slider, drawn broken, and the chain can be changed', async ({ studio }) => {
  await studio.buildSample();
  await studio.openLink('CS1', 'Monitor1');
  await studio.addFault('Latency');
  await expect(studio.linkBadge(/Latency/)).toContainText('200 ms');
  const delay = studio.inspector.getByRole('slider', { name: 'Delay, slider' });
  await delay.focus();
  await delay.press('Home');
  await expect(studio.linkBadge(/Latency/)).toContainText('0 ms');
  await studio.addFault('Loss');
  await expect(studio.linkBadge(/Loss/)).toContainText('20 % loss +1');
  await studio.inspector.getByRole('button', { name: 'Move Loss up' }).click();
  await expect(studio.inspector.getByRole('listitem').first()).toHaveAccessibleName(/^Loss/);
  await studio.inspector.getByRole('button', { name: 'Heal Loss' }).click();
  await expect(studio.linkBadge(/Latency/)).toContainText('0 ms');
  await studio.breakLink('CS1', 'Monitor1', 'Partition');
  await expect(studio.linkBadge(/Partition/)).toContainText('cut');
});

test('slow answers and narrow links make a download slow, and it still arrives verified', async ({
  studio,
}) => {
  await studio.buildSample();
  for (const name of ['CS1', 'CS2']) await studio.breakNode(name, 'Break', 'Slow answers');
  await studio.download('hello.txt');
  await expect(studio.dock.getByRole('article', { name: /^hello\.txt, (waiting|running)/ })).toBeVisible();
  await expect(studio.transfers('hello.txt', 'done')).toBeVisible({ timeout: 30_000 });
  await expect(studio.transfers('hello.txt', 'done')).toContainText('verified');
});

test('a server that refuses is failed over', async ({ studio }) => {
  await studio.buildSample();
  await studio.download('hello.txt');
  await expect(studio.transfers('hello.txt', 'done')).toHaveCount(1);
  await studio.select('CS1');
  await studio.openInspectorTab('Faults');
  await studio.addFault('Refuse');
  await expect(studio.node('CS1')).toContainText('refused');
  for (let more = 2; more <= 4; more++) {
    await studio.download('hello.txt');
    await expect(studio.transfers('hello.txt', 'done')).toHaveCount(more);
  }
  await expect(studio.transfers('hello.txt', 'done').filter({ hasText: 'CS2' }).first()).toBeVisible();
});

test('split brain: one action cuts the chosen nodes off, and the banner heals it', async ({ studio }) => {
  await studio.buildSample();
  await studio.node('CS1').click();
  await studio.node('CS2').click({ modifiers: ['Shift'] });
  await expect(studio.inspector.getByRole('heading', { name: '2 nodes selected' })).toBeVisible();
  await studio.inspector.getByRole('button', { name: 'Presets' }).click();
  await studio.page.getByRole('menuitem', { name: /^Split brain/ }).click();
  await expect(studio.faultBanner).toContainText('4 active faults');
  await studio.openDock('Journal');
  await expect(studio.dock.getByText(/CS[12] is dead: no heartbeat/).first()).toBeVisible({
    timeout: 30_000,
  });
  await studio.button('Heal all').click();
  await expect(studio.dock.getByText(/CS[12] is back/).first()).toBeVisible({ timeout: 20_000 });
});
