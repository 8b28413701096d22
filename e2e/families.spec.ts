/** The replica balancer and the ring in the panel: launched by click, broken, healed, looked at. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from './fixtures';

test('a ring is built by clicks, holds what is dropped on it, and closes when a member is killed', async ({
  studio,
  home,
}) => {
  await studio.startEmpty();
  for (const name of ['Ring1', 'Ring2', 'Ring3']) {
    await studio.button('Add ring member').click();
    await studio.act(name, 'Start');
    await studio.expectState(name, 'running');
  }
  for (const name of ['Ring1', 'Ring2', 'Ring3'])
    await expect(studio.node(name)).toContainText('3 in the ring');

  const file = join(home, 'dropped.txt');
  writeFileSync(file, 'round it goes');
  await studio.dropFromDisk(studio.node('Ring2'), [file]);
  for (const name of ['Ring1', 'Ring2', 'Ring3']) await expect(studio.node(name)).toContainText('1 item');
  await studio.select('Ring3');
  await studio.openInspectorTab('Overview');
  const copies = studio.inspector.getByRole('region', { name: 'Copies of the list' });
  await expect(copies).toContainText('all agree');
  const lists = readFileSync(await studio.save('Export the copies of the list'), 'utf8');
  expect(lists).toMatch(/^Member,List,.*\r\nRing1,127\.0\.0\.1:\d+ .*,false,\w+,false\r\n/);
  await expect(studio.inspector.getByRole('region', { name: 'Items' })).toContainText('dropped.txt');

  await studio.act('Ring2', 'Kill');
  await studio.expectState('Ring2', 'crashed');
  for (const name of ['Ring1', 'Ring3']) await expect(studio.node(name)).toContainText('2 in the ring');
  await studio.select('Ring3');
  await expect(copies).toContainText('all agree');
  await studio.act('Ring2', 'Start');
  for (const name of ['Ring1', 'Ring2', 'Ring3'])
    await expect(studio.node(name)).toContainText('3 in the ring');
});

test('a replica balancer shows its scores, and sends a reader on when a replica is killed', async ({
  studio,
  home,
}) => {
  await studio.startEmpty();
  const page = join(home, 'index.html');
  writeFileSync(page, '<h1>hello</h1>'.repeat(200));
  for (const name of ['Replica1', 'Replica2']) {
    await studio.button('Add replica').click();
    await studio.dropFromDisk(studio.node(name), [page]);
    await studio.act(name, 'Start');
    await studio.expectState(name, 'running');
  }
  await studio.button('Add replica balancer').click();
  await studio.act('Balancer1', 'Start');
  await expect(studio.node('Balancer1')).toContainText('2/2 up');
  await studio.button('Add replica client').click();
  await studio.act('Reader1', 'Start');
  await studio.expectState('Reader1', 'running');
  await studio.select('Reader1');
  await studio.openInspectorTab('Overview');
  const get = studio.inspector.getByRole('button', { name: 'Get the page' });
  await get.click();
  await expect(studio.inspector).toContainText('1 done');
  await expect(studio.inspector).toContainText('size and hash');

  await studio.act('Replica1', 'Kill');
  await expect(studio.node('Balancer1')).toContainText('1/2 up');
  await studio.select('Reader1');
  await get.click();
  await expect(studio.inspector).toContainText('2 done');
  await studio.select('Balancer1');
  const scores = studio.inspector.getByRole('region', { name: 'Replicas' });
  await expect(scores).toContainText('Replica2');
  await expect(scores).toContainText('down');
  await expect(studio.inspector.getByRole('region', { name: 'Why this replica?' })).toContainText('cheapest');
});
