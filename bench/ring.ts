/** How many GETs and PUTs a second does a ring of 3, 10 and 50 members do, how fast does it heal, what does it cost idle? */
import { join } from 'node:path';
import { exchangeOnce, load } from './lib/load';
import { percentile, show, spread } from './lib/measure';
import { cpuSeconds, freePort, type RunningNode, scratchFolder, startNode } from './lib/programs';
import { printTable } from './lib/table';

const ROUND_MS = 3000;
const HEALS = 3;
const IDLE_MS = 10_000;

const rows: string[][] = [];
for (const size of [3, 10, 50]) {
  const members = await startRing(size);
  const any = (): number =>
    (members[Math.floor(Math.random() * members.length)] as RunningNode).ports.tcp as number;
  let names = 0;
  const content = 'x'.repeat(400);
  const put = (): Promise<void> =>
    exchangeOnce(
      any(),
      JSON.stringify({ type: 'PUT', data: { item: `file${names++ % 500}`, content } }),
      (_n, text) => text.includes('200 OK'),
    );
  const get = (): Promise<void> =>
    exchangeOnce(
      any(),
      JSON.stringify({ type: 'GET', data: 'file0' }),
      (received) => received > content.length,
    );
  await put();
  const gets = await load(16, ROUND_MS, get);
  const onePut = await load(1, ROUND_MS, put);
  const puts = await load(16, ROUND_MS, put);
  const idle = await idleShare(members);
  const heals: number[] = [];
  for (let n = 0; n < HEALS && members.length > 2; n++) heals.push(await heal(members, put, 1));
  const double = members.length > 4 ? [await heal(members, put, 2)] : [];
  rows.push([
    String(size),
    gets.perSecond.toFixed(0),
    onePut.perSecond.toFixed(0),
    percentile(onePut.latencies, 0.5).toFixed(1),
    puts.perSecond.toFixed(0),
    String(gets.failed + onePut.failed + puts.failed),
    show(spread(heals), 0),
    double.length > 0 ? show(spread(double), 0) : '–',
    ((idle / size) * 100).toFixed(2),
  ]);
  for (const { process: child } of members) child.kill('SIGKILL');
}

printTable(
  'Ring: 400 bytes, a connection for each request, at any member',
  [
    'members',
    'GET/s, 16 clients',
    'PUT/s, 1 client',
    'ms each',
    'PUT/s, 16 clients',
    'failed',
    'ms from a kill to a PUT on all',
    'two neighbours at once',
    'idle, % of a core each',
  ],
  rows,
  [
    'A PUT is acknowledged when every live member has it on its disk. All members share the cores of this machine.',
    'From a kill to a PUT on all: the PUT that begins at once and completes when the dead member is out of the circle.',
    'Foreign programs are not installed here, and not measured.',
  ],
);
process.exit(0);

async function startRing(size: number): Promise<RunningNode[]> {
  const folder = scratchFolder();
  const members: RunningNode[] = [];
  for (let n = 0; n < size; n++) {
    const prev = members.at(-1)?.ports.tcp;
    const port = String(await freePort());
    const joining = prev === undefined ? [] : ['--prev-port', String(prev)];
    members.push(await startNode('ring', '--port', port, '--files', join(folder, port), ...joining));
  }
  // The last one is in when a PUT through the first one reaches it.
  const [first, last] = [members[0], members.at(-1)] as [RunningNode, RunningNode];
  for (let attempt = 0; ; attempt++) {
    const put = { type: 'PUT', data: { item: 'first', content: String(attempt) } };
    await exchangeOnce(first.ports.tcp as number, JSON.stringify(put), (_n, text) => text.includes('200 OK'));
    const get = JSON.stringify({ type: 'GET', data: 'first' });
    const there = exchangeOnce(last.ports.tcp as number, get, (_n, text) => text.includes(`"${attempt}"`));
    if (
      await there.then(
        () => true,
        () => false,
      )
    )
      return members;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Kills so many neighbours in the circle; resolves to the milliseconds until a PUT is on all that are left. */
async function heal(members: RunningNode[], put: () => Promise<void>, deaths: number): Promise<number> {
  const at = 1 + Math.floor(Math.random() * (members.length - deaths - 1));
  const killed = members.splice(at, deaths);
  const began = performance.now();
  for (const { process: child } of killed) child.kill('SIGKILL');
  await put();
  return performance.now() - began;
}

async function idleShare(members: readonly RunningNode[]): Promise<number> {
  const used = (): number => members.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const before = used();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  return (used() - before) / (IDLE_MS / 1000);
}
