/** The HTTP family in the panel: built by clicks, used by clicks, and what the person sees of it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from '@playwright/test';
import { expect, test } from './fixtures';
import type { StudioPage } from './pages/studio-page';

const PAGE = 'page.txt';

async function add(studio: StudioPage, kind: string, name: string): Promise<void> {
  await studio.button(`Add ${kind}`).click();
  await expect(studio.node(name)).toBeVisible();
}

async function startAll(studio: StudioPage, names: string[]): Promise<void> {
  await studio.button('Start all').click();
  for (const name of names) await studio.expectState(name, 'running');
}

/** Downloads the page once more; resolves when there are so many finished downloads of it. */
async function downloadAgain(studio: StudioPage, count: number): Promise<void> {
  await studio.download(PAGE);
  await expect(studio.transfers(PAGE, 'done')).toHaveCount(count);
}

async function overview(studio: StudioPage, name: string): Promise<(section: string) => Locator> {
  await studio.select(name);
  await studio.openInspectorTab('Overview');
  return (section) => studio.inspector.getByRole('region', { name: section, exact: true });
}

function dropped(home: string): string {
  const file = join(home, PAGE);
  writeFileSync(file, 'content of the page\n'.repeat(500));
  return file;
}

test('a file dropped on an origin is downloaded through the cache, seen in it, and purged', async ({
  studio,
  home,
}) => {
  await studio.startEmpty();
  await add(studio, 'origin', 'Origin1');
  await add(studio, 'caching proxy', 'Cache1');
  await add(studio, 'http client', 'Getter1');
  await startAll(studio, ['Origin1', 'Cache1', 'Getter1']);
  await studio.dropFromDisk(studio.node('Origin1'), [dropped(home)]);
  await expect(studio.node('Origin1')).toContainText('1 file');

  await studio.select('Origin1');
  await studio.openInspectorTab('Config');
  const settings = studio.inspector.getByRole('form', { name: 'Settings of Origin1' });
  await settings.getByRole('button', { name: 'Add rule' }).click();
  const cell = (column: string) => settings.getByLabel(`${column} of rule 1`);
  await cell('Path').fill('txt');
  await expect(settings).toContainText('A folder (/img/), a file (/a.css) or an ending (*.html).');
  await cell('Path').fill('*.txt');
  await cell('Header').fill('Content-Length');
  await expect(settings).toContainText('The server makes this field itself.');
  await cell('Header').fill('Cache-Control');
  await cell('Value').fill('max-age=600');
  await expect(settings).toContainText('Applies at once.');
  await settings.getByRole('button', { name: 'Apply' }).click();
  await expect(settings.getByRole('button', { name: 'Apply' })).toBeHidden();
  await expect(studio.inspector).not.toContainText('still has the former settings');

  await downloadAgain(studio, 1);
  await downloadAgain(studio, 2);

  let section = await overview(studio, 'Cache1');
  const stored = section('Stored').getByRole('listitem');
  await expect(stored).toHaveCount(1);
  await expect(stored).toContainText('http://127.0.0.1:8000/page.txt');
  await expect(stored).toContainText('9.8 KiB');
  await expect(stored).toContainText('1 hit');
  await expect(stored).toContainText('fresh');
  await expect(stored).toContainText(/fresh for 5\d\d s more by max-age/);
  const effect = section('Effect');
  await expect(effect).toContainText(/Hit ratio\s*50 %/);
  await expect(effect).toContainText(/Byte-hit ratio\s*50 %/);
  await expect(effect).toContainText(/Origin offload\s*50 %/);
  await expect(effect).toContainText(/Origin1\s*reachable/);
  const requests = section('Newest requests').getByRole('listitem');
  await expect(requests.first()).toContainText(
    /GET http:\/\/127\.0\.0\.1:8000\/page\.txt.*micro-cdn; hit; ttl=/s,
  );
  await expect(requests.last()).toContainText('micro-cdn; fwd=uri-miss; fwd-status=200; stored');

  section = await overview(studio, 'Getter1');
  const fetched = section('Downloads').getByRole('listitem').first();
  await expect(fetched).toContainText('micro-cdn; hit; ttl=');
  await expect(fetched).toContainText(/Cache1\s*answered 200/);
  await expect(fetched).toContainText('size and hash');

  section = await overview(studio, 'Cache1');
  await section('Purge').getByLabel('What to purge').fill('http://127.0.0.1:8000/page.txt');
  await section('Purge').getByRole('button', { name: 'Purge' }).click();
  await expect(section('Purge')).toContainText('1 reply removed.');
  await expect(section('Stored')).toContainText('Nothing is stored.');
  await downloadAgain(studio, 3);
  await expect(section('Newest requests').getByRole('listitem').first()).toContainText('fwd=uri-miss');
  await expect(section('Stored').getByRole('listitem')).toHaveCount(1);
});

test('a balancer says why it chose, and nobody is sent to an origin that was killed', async ({
  studio,
  home,
}) => {
  const file = dropped(home);
  await studio.startEmpty();
  for (const name of ['Origin1', 'Origin2']) {
    await add(studio, 'origin', name);
    await studio.dropFromDisk(studio.node(name), [file]);
  }
  await add(studio, 'http balancer', 'Balancer1');
  await add(studio, 'http client', 'Getter1');
  await studio.select('Getter1');
  await studio.openInspectorTab('Config');
  await studio.inspector.getByRole('combobox', { name: 'Server', exact: true }).click();
  await studio.page.getByRole('option', { name: 'Balancer1' }).click();
  await studio.button('Apply').click();
  await startAll(studio, ['Origin1', 'Origin2', 'Balancer1', 'Getter1']);
  for (const name of ['Origin1', 'Origin2']) await expect(studio.node(name)).toContainText('1 file');
  await expect(studio.node('Balancer1')).toContainText('2/2 up');

  await downloadAgain(studio, 1);
  let section = await overview(studio, 'Getter1');
  const fetched = section('Downloads').getByRole('listitem');
  const way = fetched.first();
  await expect(way).toContainText(/Balancer1\s*answered 301\s*redirected/);
  await expect(way).toContainText(/Origin\d\s*answered 200/);
  const chosen = (await way.innerText()).match(/Origin\d/)?.[0] as string;
  const other = chosen === 'Origin1' ? 'Origin2' : 'Origin1';

  section = await overview(studio, 'Balancer1');
  const why = section('Why this server?').getByRole('listitem');
  await expect(why).toHaveCount(1);
  await expect(why).toContainText(chosen);
  await expect(why).toContainText(/was drawn with \d of 3 tickets/);
  const row = (name: string) => section('Servers').getByRole('row').filter({ hasText: name });
  await expect(row(chosen)).toContainText('up');
  const servers = readFileSync(await studio.save('Export the servers'), 'utf8');
  expect(servers).toMatch(/^Server,State,.*\r\n127\.0\.0\.1:8\d00,up,/);
  const decisions = readFileSync(await studio.save('Export the decisions'), 'utf8');
  expect(decisions).toMatch(/^Time,Client,Path,.*\r\n.*was drawn with \d of 3 tickets.*\r\n$/s);

  await studio.act(chosen, 'Kill');
  await studio.expectState(chosen, 'crashed');
  await expect(studio.node('Balancer1')).toContainText('1/2 up');
  await downloadAgain(studio, 2);
  section = await overview(studio, 'Getter1');
  await expect(section('Downloads').getByRole('listitem').first()).toContainText(
    new RegExp(`${other}\\s*answered 200`),
  );
  section = await overview(studio, 'Balancer1');
  await expect(row(chosen)).toContainText('down');
  await expect(section('Servers')).toContainText('nothing listens there');
  await expect(why.first()).toContainText(other);
  await studio.openDock('Journal');
  await expect(studio.dock).toContainText(/127\.0\.0\.1:8\d00 is down/);

  await studio.act(chosen, 'Start');
  await expect(studio.node('Balancer1')).toContainText('2/2 up');
  await expect(studio.dock).toContainText(/127\.0\.0\.1:8\d00 is back/);
});
