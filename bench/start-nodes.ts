/** How long do 1, 20 and 100 content servers take to start from the panel's core, and what memory do they take? */
import { openPanel } from './lib/panel';
import { proportionalMemory } from './lib/programs';
import { printTable } from './lib/table';

const counts = [1, 20, 100];

const rows: string[][] = [];
for (const count of counts) {
  const panel = await openPanel();
  await panel.call('workspace.apply', { command: { type: 'add-node', kind: 'index-server' } });
  await panel.call('workspace.apply', { command: { type: 'add-node', kind: 'monitor' } });
  const ids: string[] = [];
  for (let made = 0; made < count; made++) {
    const added = await panel.call('workspace.apply', {
      command: { type: 'add-node', kind: 'content-server' },
    });
    ids.push(...(added as { ids: string[] }).ids);
  }
  const { nodes } = (await panel.call('studio.snapshot', {})) as { nodes: { id: string }[] };
  await panel.call('nodes.start', { ids: nodes.map((node) => node.id).filter((id) => !ids.includes(id)) });
  await panel.running(2);
  const before = performance.now();
  await panel.call('nodes.start', { ids });
  const pids = await panel.running(count + 2);
  const seconds = (performance.now() - before) / 1000;
  const memory = pids.map(proportionalMemory);
  const mebibytes = (values: number[]): string =>
    (values.reduce((sum, value) => sum + value, 0) / 2 ** 20).toFixed(0);
  rows.push([
    String(count),
    seconds.toFixed(2),
    mebibytes(memory.map((each) => each.private)),
    mebibytes(memory.map((each) => each.proportional)),
    (memory.reduce((sum, each) => sum + each.private, 0) / memory.length / 2 ** 20).toFixed(1),
  ]);
  await panel.close();
}
printTable(
  'Start of content servers, from the call to all running',
  ['servers', 'seconds', 'private MiB in all', 'proportional MiB in all', 'private MiB each'],
  rows,
  ['targets: 100 within 15 s on 2 cores; ≤ 1 GiB of their own in all'],
);
process.exit(0);
