/** Faults outlive the processes that they act in, and the panel itself; and all of it can be done without a mouse. */
import { startPanel } from './fixtures';
import { expect, test } from './network';
import { StudioPage } from './pages/studio-page';

test('a fault of a link with its schedule outlives both its ends, and the panel', async ({
  studio,
  panel,
  page,
  home,
}) => {
  await studio.breakLink('CS1', 'Monitor1', 'Loss');
  await studio.setFigure('Lost', 100);
  await studio.inspector.getByRole('button', { name: /^(Whom and when|Narrowed)/ }).click();
  await studio.setFigure('Begins after', 2);
  await studio.setFigure('Lasts', 3600);
  await expect(studio.node('Monitor1')).toContainText('1/2 alive');

  for (const name of ['CS1', 'Monitor1']) {
    await test.step(`${name} is killed and started again`, async () => {
      await studio.act(name, 'Kill');
      await studio.expectState(name, 'crashed');
      await expect(studio.linkBadge(/Loss \(100 % loss\)/)).toContainText('100 % loss');
      await studio.act(name, 'Start');
      await studio.expectState(name, 'running');
    });
  }
  // The new monitor has never heard of CS1, whose new process beats.
  await expect(studio.node('Monitor1')).toContainText('1/1 alive');
  await expect(studio.faultBanner).toContainText('1 active fault');

  await test.step('the panel is closed, and opened again', async () => {
    expect(await panel.stop()).toBe(0);
    const again = await startPanel(home);
    await page.goto(again.url);
    const restored = new StudioPage(page, again);
    for (const name of ['Index1', 'Monitor1', 'CS1', 'CS2']) await restored.expectState(name, 'running');
    await expect(restored.node('Index1')).toContainText('2/2 alive');
    await expect(restored.node('Monitor1')).toContainText('1/1 alive');
    await expect(restored.linkBadge(/Loss \(100 % loss\), UDP, after 2 s, for 60 min/)).toBeVisible();
    await restored.openLink('CS1', 'Monitor1');
    await expect(restored.inspector.getByRole('timer')).toContainText(
      /^Acts now, for (59(\.\d)?|60) min more/,
    );
    await expect(restored.inspector.getByText(/(\d+) of \1 datagrams lost so far/)).toBeVisible();
    await restored.button('Heal all').click();
    await expect(restored.node('Monitor1')).toContainText('2/2 alive');
    expect(await again.stop()).toBe(0);
  });
});

test('several nodes: one card for the same fault of all of them, and cut off from the rest by one action', async ({
  studio,
}) => {
  await studio.node('CS1').click();
  await studio.node('CS2').click({ modifiers: ['Shift'] });
  await expect(studio.inspector.getByRole('heading', { name: '2 nodes selected' })).toBeVisible();
  await studio.addFault('Latency');
  const card = studio.inspector.getByRole('listitem', { name: 'Latency CS1, CS2' });
  await expect(card).toBeVisible();
  await studio.setFigure('Delay', 30);
  for (const name of ['CS1', 'CS2']) await expect(studio.node(name)).toContainText('30 ms');
  await card.getByRole('button', { name: 'Heal Latency' }).click();
  await expect(studio.faultBanner).toBeHidden();

  await studio.node('CS1').click({ button: 'right' });
  await studio.page.getByRole('menuitem', { name: 'Break', exact: true }).click();
  await studio.page.getByRole('menuitem', { name: 'Partition from the rest', exact: true }).click();
  await expect(studio.linkBadge(/Partition/)).toHaveCount(4);
  await expect(studio.node('Monitor1')).toContainText('0/2 alive');
  await studio.button('Heal all').click();
  await expect(studio.node('Monitor1')).toContainText('2/2 alive');
});

test('faults by keyboard alone: set, changed, put in order, healed', async ({ studio }) => {
  const { keyboard } = studio.page;
  const link = studio.topology.getByRole('group', { name: 'heartbeat, CS1 to Monitor1', exact: true });
  await link.focus();
  await keyboard.press('Enter');
  await expect(studio.inspector).toBeFocused();

  const add = studio.inspector.getByRole('combobox', { name: 'Add a fault' });
  const addByTyping = async (label: string): Promise<void> => {
    await add.focus();
    await keyboard.type(label);
    await expect(studio.page.getByRole('option', { name: new RegExp(`^${label}`) })).toHaveCount(1);
    await keyboard.press('ArrowDown');
    await keyboard.press('Enter');
  };
  await addByTyping('Latency');
  await expect(studio.linkBadge(/Latency/)).toContainText('200 ms');
  await studio.inspector.getByRole('slider', { name: 'Delay, slider' }).focus();
  await keyboard.press('ArrowRight');
  await expect(studio.linkBadge(/Latency/)).not.toContainText('200 ms');

  await addByTyping('Loss');
  const cards = studio.inspector.getByRole('list', { name: 'Faults' }).getByRole('listitem');
  await expect(cards).toHaveCount(2);
  await expect(cards.first()).toHaveAccessibleName(/^Latency/);
  await studio.inspector.getByRole('button', { name: 'Move Loss up' }).focus();
  await keyboard.press('Enter');
  await expect(cards.first()).toHaveAccessibleName(/^Loss/);
  await studio.inspector.getByRole('switch', { name: 'Loss acts' }).focus();
  await keyboard.press('Space');
  await expect(studio.faultBanner).toContainText('1 active fault');

  await studio.button(/^1 active fault/).focus();
  await keyboard.press('Enter');
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await expect(studio.inspector.getByRole('heading', { name: 'CS1 – Monitor1' })).toBeVisible();
  await studio.inspector.getByRole('button', { name: 'Heal Latency' }).focus();
  await keyboard.press('Enter');
  await expect(cards).toHaveCount(1);
  await expect(studio.faultBanner).toBeHidden();
  await studio.inspector.getByRole('button', { name: 'Heal Loss' }).focus();
  await keyboard.press('Enter');
  await expect(cards).toHaveCount(0);
});
