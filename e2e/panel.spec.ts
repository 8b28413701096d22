/** The panel itself: undo, keyboard, table, themes, palette, and the lock on its door. */
import { request } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from './fixtures';

test('edits can be undone and redone, by button and by key', async ({ studio }) => {
  await studio.startEmpty();
  await studio.button('Add index server').click();
  await studio.button('Add content server').click();
  await expect(studio.node('CS1')).toBeVisible();
  await studio.button('Undo').click();
  await expect(studio.node('CS1')).toBeHidden();
  // It was selected: the keyboard must find another way in.
  await expect(studio.topology.locator('[data-node][tabindex="0"]')).toHaveCount(1);
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

test('the table needs no scrolling sideways beside the inspector: what matters least gives way', async ({
  studio,
}) => {
  await studio.buildSample();
  await studio.topology.getByText('Table', { exact: true }).click();
  const table = studio.topology.getByRole('grid', { name: 'Nodes' });
  const heads = table.getByRole('columnheader');
  const overhang = () => table.evaluate((grid) => grid.scrollWidth - grid.clientWidth);
  await expect(heads).toHaveText(['Name', 'Kind', 'State', 'Actions', 'Figures', 'Links']);
  expect(await overhang()).toBe(0);
  await studio.page.setViewportSize({ width: 1920, height: 800 });
  await expect(heads).toContainText(['Ports', 'CPU', 'Heap', 'Links']);
  expect(await overhang()).toBe(0);
});

test('in the table, links are opened and broken, and nodes are duplicated by key', async ({ studio }) => {
  const { page } = studio;
  await studio.buildSample();
  await studio.topology.getByText('Table', { exact: true }).click();
  await studio.button('Link of CS1: heartbeat → Monitor1').click();
  await expect(studio.inspector.getByRole('heading', { name: 'CS1 – Monitor1' })).toBeVisible();
  await studio.addFault('Latency');
  await expect(studio.faultBanner).toContainText('1 active fault');
  await studio.button('Link of CS1: registration → Index1').click({ button: 'right' });
  await expect(page.getByRole('menu', { name: 'Actions for the link CS1 – Index1' })).toBeVisible();
  await page.keyboard.press('Escape');

  await studio.topology.getByRole('row').filter({ hasText: 'CS2' }).getByText('CS2').click();
  await page.keyboard.press('ControlOrMeta+d');
  await expect(studio.topology.getByRole('row').filter({ hasText: 'CS3' })).toBeVisible();
});

test('“why?” of a download opens the decision that it followed, not the newest', async ({ studio }) => {
  const expanded = studio.inspector.locator('[aria-expanded="true"]');
  await studio.buildSample();
  await studio.download('hello.txt');
  await expect(studio.transfers('hello.txt', 'done')).toBeVisible();
  await studio.download('missing.txt');
  await expect(studio.transfers('missing.txt', 'failed')).toBeVisible();
  await studio.dock.getByRole('button', { name: 'Why this server? hello.txt' }).click();
  await expect(expanded).toContainText('hello.txt');
  await studio.inspector.getByRole('button', { name: 'All lookups' }).click();
  await expect(expanded).toContainText('missing.txt');
});

test('a foreign server that registers at our index is a row of the table too', async ({ studio }) => {
  await studio.buildSample();
  // Wide enough for the ports.
  await studio.page.setViewportSize({ width: 1600, height: 800 });
  await studio.topology.getByText('Table', { exact: true }).click();
  const index = await studio.topology.getByRole('row', { name: /^Index1 / }).innerText();
  const foreign = connect(Number(/\b\d{4,5}\b/.exec(index)?.[0]), '127.0.0.1');
  foreign.write('REGISTER THEIRS 9 0\n');
  const row = studio.topology.getByRole('row').filter({ hasText: 'THEIRS' });
  await expect(row).toContainText('Outside program');
  await expect(row).toContainText('→ Index1');
  await row.click();
  await expect(studio.inspector).toContainText('A program outside this workspace');

  // On the canvas, the arrows lead to it and away.
  await studio.topology.getByText('Canvas', { exact: true }).click();
  const theirs = studio.topology.getByRole('group', { name: /^THEIRS, outside program/ });
  await theirs.focus();
  await studio.page.keyboard.press('ArrowUp');
  const ours = studio.topology.locator('[data-node]:focus');
  await expect(ours).toHaveAccessibleName(/running$/);
  await studio.page.keyboard.press('ArrowDown');
  await expect(theirs).toBeFocused();
  await expect(studio.inspector).toContainText('A program outside this workspace');
  foreign.destroy();
});

test('a dialog gives the keyboard back to where it was opened', async ({ studio }) => {
  await studio.startEmpty();
  const { keyboard } = studio.page;
  await keyboard.press('Alt+1');
  await expect(studio.node('Index1')).toBeFocused();
  await keyboard.press('F2');
  await expect(studio.page.getByRole('textbox', { name: 'Name', exact: true }).last()).toBeFocused();
  await keyboard.type('Directory');
  await keyboard.press('Enter');
  await expect(studio.node('Directory')).toBeFocused();

  await keyboard.press('Shift+F10');
  await studio.page.getByRole('menuitem', { name: /^Rename/ }).press('Enter');
  await expect(studio.page.getByRole('dialog', { name: 'Rename Directory' })).toBeVisible();
  await keyboard.press('Escape');
  await expect(studio.node('Directory')).toBeFocused();
});

test('links are reached, opened and broken by keyboard', async ({ studio }) => {
  await studio.buildSample();
  const { keyboard } = studio.page;
  const link = (title: string) => studio.topology.getByRole('group', { name: title, exact: true });
  await studio.select('CS1');
  await studio.node('CS1').focus();
  await keyboard.press('Shift+Tab');
  const focused = studio.topology.locator('[data-link]:focus');
  await expect(focused).toHaveAccessibleName(/^(registration|heartbeat), CS1 to /);

  const seen = new Set<string | null>();
  for (let i = 0; i < 5; i++) {
    await keyboard.press('ArrowRight');
    seen.add(await focused.getAttribute('aria-label'));
  }
  expect(seen).toContain('registration, CS2 to Index1');
  expect(seen.size).toBe(5);

  await link('registration, CS1 to Index1').focus();
  await keyboard.press('Enter');
  await expect(studio.inspector.getByRole('heading', { name: 'CS1 – Index1' })).toBeVisible();
  await expect(studio.inspector).toBeFocused();

  await link('registration, CS1 to Index1').focus();
  await keyboard.press('Delete');
  await keyboard.press('Shift+F10');
  await expect(studio.page.getByRole('menu', { name: 'Actions for the link CS1 – Index1' })).toBeVisible();
  // Until the menu has the keyboard, the key would be the canvas's.
  await expect(link('registration, CS1 to Index1')).not.toBeFocused();
  await keyboard.press('Escape');
  await expect(link('registration, CS1 to Index1')).toBeFocused();
  await expect(studio.node('CS1')).toBeVisible();
});

test('the network is fitted into a window of another size until a view is chosen', async ({ studio }) => {
  const { page } = studio;
  await studio.buildSample();
  const width = async () => (await studio.node('CS1').boundingBox())?.width ?? 0;
  const before = await width();
  await page.setViewportSize({ width: 1900, height: 1100 });
  await expect.poll(width).toBeGreaterThan(before);

  await studio.button('Zoom out').click();
  await expect.poll(width).toBeLessThan(208);
  const chosen = (await studio.boxAtRest(studio.node('CS1'))).width;
  await page.setViewportSize({ width: 1280, height: 800 });
  await expect(studio.topology).toBeVisible();
  expect(await width()).toBeCloseTo(chosen, 0);
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

test('the command palette knows the state that each node is in now', async ({ studio }) => {
  await studio.buildSample();
  await studio.page.keyboard.press('Control+k');
  await expect(studio.button(/^Monitor1 ?Health monitor · running/)).toBeVisible();
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

test('edits of settings outlive a look elsewhere, and an address field shows the address that it has', async ({
  studio,
}) => {
  const { page, inspector } = studio;
  await studio.startEmpty();
  await studio.button('Add http balancer').click();
  await studio.openInspectorTab('Config');
  const addTo = inspector.getByRole('combobox', { name: /^Add to / });
  const addresses = inspector.getByRole('textbox', { name: /^Address \d$/ });
  for (const [i, address] of ['127.0.0.1:8001', '127.0.0.1:8002'].entries()) {
    await addTo.click();
    await page.getByRole('option', { name: 'Another address…' }).click();
    await addresses.nth(i).fill(address);
  }
  await inspector.getByRole('button', { name: 'Remove 127.0.0.1:8001' }).click();
  await expect(addresses).toHaveCount(1);
  await expect(addresses).toHaveValue('127.0.0.1:8002');

  await studio.button('Add index server').click();
  await studio.select('Balancer1');
  await expect(inspector.getByRole('tab', { name: /^Config/ })).toHaveAccessibleName(/not applied/);
  await studio.openInspectorTab('Overview');
  await studio.openInspectorTab('Config');
  await expect(addresses).toHaveValue('127.0.0.1:8002');
  await inspector.getByRole('button', { name: 'Apply' }).click();
  await expect(inspector.getByRole('tab', { name: /^Config/ })).not.toHaveAccessibleName(/not applied/);

  await addresses.fill('127.0.0.1:9999');
  await inspector.getByRole('button', { name: 'Discard' }).click();
  await expect(addresses).toHaveValue('127.0.0.1:8002');
});

test('a digit with Alt adds a node, but in a field it belongs to the text', async ({ studio }) => {
  await studio.startEmpty();
  await studio.page.keyboard.press('Alt+1');
  await expect(studio.node('Index1')).toBeVisible();
  await studio.inspector.getByRole('textbox', { name: 'Name' }).focus();
  await studio.page.keyboard.press('Alt+1');
  await studio.page.keyboard.press('Escape');
  await studio.button('Add health monitor').click();
  await expect(studio.node('Monitor1')).toBeVisible();
  await expect(studio.topology.locator('[data-node]')).toHaveCount(2);
});

test('opening a recent workspace says what it stops', async ({ studio }) => {
  const { page } = studio;
  await studio.buildSample();
  await studio.button(/^Workspace /).click();
  await page.getByRole('menuitem', { name: 'New workspace…' }).click();
  await page.getByRole('textbox', { name: 'Name' }).last().fill('Second');
  await studio.button('Create').click();
  await studio.startEmpty();
  await studio.button('Add index server').click();
  await studio.act('Index1', 'Start');
  await studio.expectState('Index1', 'running');

  await studio.button('Workspace Second').click();
  await page.getByRole('menuitem', { name: /^My network/ }).click();
  const dialog = page.getByRole('dialog', { name: /^Open / });
  await expect(dialog).toContainText('1 running node will be stopped first.');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await studio.expectState('Index1', 'running');
});
