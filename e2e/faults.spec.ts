/** Breaking things by hand beyond the menus: presets, the slider and the chain of a link, and a fail-over. */
import { expect, test } from './network';

test('a monitor that is deaf to one server kills it, and the journal says why; healed, it is back', async ({
  studio,
}) => {
  await studio.breakNode('CS1', 'Preset', 'Monitor deaf to one server');
  await expect(studio.faultBanner).toContainText('1 active fault');
  await expect(studio.linkBadge(/Loss/)).toContainText('100 % loss');
  await studio.openDock('Journal');
  await expect(studio.dock.getByText(/CS1 is dead: no heartbeat/).first()).toBeVisible();
  await expect(
    studio.dock.getByText(/HEARTBEAT datagrams were lost from CS1 to Monitor1/).first(),
  ).toBeVisible();
  await studio.button('Heal all').click();
  await expect(studio.faultBanner).toBeHidden();
  await expect(studio.dock.getByText(/CS1 is back: heartbeats resumed/).first()).toBeVisible();
});

test('a link is broken with its slider, drawn broken, and the chain can be changed', async ({ studio }) => {
  await studio.openLink('CS1', 'Monitor1');
  await studio.addFault('Latency');
  await expect(studio.linkBadge(/Latency/)).toContainText('200 ms');
  const delay = studio.inspector.getByRole('slider', { name: 'Delay, slider' });
  await delay.focus();
  await delay.press('Home');
  await expect(studio.linkBadge(/Latency/)).toContainText(/\b0 ms/);
  await studio.addFault('Loss');
  await expect(studio.linkBadge(/Loss/)).toContainText('20 % loss +1');
  await studio.inspector.getByRole('button', { name: 'Move Loss up' }).click();
  await expect(studio.inspector.getByRole('listitem').first()).toHaveAccessibleName(/^Loss/);
  await studio.inspector.getByRole('button', { name: 'Heal Loss' }).click();
  await expect(studio.linkBadge(/Latency/)).toContainText(/\b0 ms/);
});

test('the time of a fault counts from when it is chosen, and only once it is typed to the end', async ({
  studio,
}) => {
  await studio.breakLink('CS1', 'Monitor1', 'Latency');
  await studio.inspector.getByRole('button', { name: 'Whom and when…' }).click();
  const lasts = studio.inspector.getByRole('textbox', { name: 'Lasts', exact: true });
  const timer = studio.inspector.getByRole('timer');
  await lasts.fill('1');
  await expect(timer).toBeHidden();
  await lasts.press('Enter');
  await expect(timer).toContainText('Its time is over');
  await lasts.fill('600');
  await lasts.press('Enter');
  await expect(timer).toContainText('Acts now');
  await lasts.fill('100');
  await lasts.press('Enter');
  await expect(timer).toContainText(/^Acts now, for (100|9\d) s more/);
});

test('a link that both ends open has one card for the fault, which changes it at both', async ({
  studio,
}) => {
  await studio.breakLink('Index1', 'Monitor1', 'Latency');
  await expect(studio.faultBanner).toContainText('2 active faults');
  const card = studio.inspector.getByRole('listitem', { name: 'Latency Index1 ⇄ Monitor1' });
  await card.getByText('To Monitor1').click();
  await studio.setFigure('Delay', 40);
  await expect(studio.linkBadge(/Latency/)).toContainText('40 ms');
  await expect(studio.linkBadge(/Latency \(40 ms\), sent; Latency \(40 ms\), received/)).toBeVisible();
  await card.getByRole('button', { name: 'Heal Latency' }).click();
  await expect(studio.faultBanner).toBeHidden();
});

test('a server that refuses is failed over', async ({ studio }) => {
  await studio.select('CS1');
  await studio.openInspectorTab('Faults');
  await studio.addFault('Refuse');
  await expect(studio.node('CS1')).toContainText('refused');
  for (let more = 1; more <= 3; more++) {
    await studio.download('both.txt');
    await expect(studio.transfers('both.txt', 'done')).toHaveCount(more);
  }
  await expect(studio.transfers('both.txt', 'done').filter({ hasText: 'CS2' }).first()).toBeVisible();
});
