/** How many pages a second, and how many MiB/s, from a replica: between ours, and as foreign programs take them? */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchPage } from '../src/nodes/replica-client/fetch-page';
import { ReplicaKinds } from '../src/nodes/replica-client/replica-kinds';
import { systemClock } from '../src/runtime/clock';
import type { NodeContext } from '../src/runtime/context';
import { FlowMeter } from '../src/runtime/flow-meter';
import { systemNetwork } from '../src/runtime/network';
import { exchangeOnce, load } from './lib/load';
import { interleave, percentile, seconds, show, spread } from './lib/measure';
import { cpuSeconds, freePort, scratchFolder, startNode } from './lib/programs';
import { printTable } from './lib/table';

const ROUNDS = 3;
const ROUND_MS = 1500;
const CLIENTS = 8;
const MIB = 2 ** 20;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const context = {
  net: systemNetwork(new FlowMeter()),
  clock: systemClock,
  log: quiet,
  random: Math.random,
  telemetry: { count() {}, publish: () => ({ changed() {} }), event() {}, trace() {} },
} as unknown as NodeContext;

const kinds = new ReplicaKinds(context);
const folder = scratchFolder();
const rows: string[][] = [];
for (const size of [1024, 64 * 1024, MIB, 64 * MIB]) {
  const file = join(folder, `page-${size}`);
  writeFileSync(file, Buffer.alloc(size, 'page '));
  const replica = await startNode('replica', '-p', String(await freePort()), '-w', file);
  const port = await freePort();
  const at = { host: '127.0.0.1', port };
  const balancer = await startNode(
    'replica-balancer',
    '-p',
    String(port),
    '--replicas',
    `127.0.0.1:${replica.ports.tcp}`,
  );
  const once = async (strict: boolean): Promise<void> => {
    const hash = createHash('sha256');
    let bytes = 0;
    await fetchPage(context, {
      balancer: at,
      config: { timeoutMs: 10_000, attempts: 1, strict },
      target: {
        begin() {},
        write(part) {
          hash.update(part);
          bytes += part.length;
        },
        sha256: () => hash.digest(),
      },
      kinds,
      signal: new AbortController().signal,
      progress() {},
    });
    if (bytes !== size) throw new Error(`${bytes} bytes arrived, not ${size}`);
  };
  await once(false);
  const large = size >= 64 * MIB;
  const rate = async (strict: boolean): Promise<number> => {
    // A large page stop-and-wait takes seconds: one is enough. Small ones come from several clients at once.
    if (large) return 1 / (await seconds(() => once(strict)));
    return (await load(CLIENTS, ROUND_MS, () => once(strict))).perSecond;
  };
  const cpuBefore = cpuSeconds(replica.pid);
  const results = await interleave(large ? 2 : ROUNDS, {
    ours: () => rate(false),
    foreign: () => rate(true),
  });
  rows.push([
    size >= MIB ? `${size / MIB} MiB` : `${size / 1024} KiB`,
    show(results.ours, 1),
    ((results.ours.median * size) / MIB).toFixed(1),
    show(results.foreign, 1),
    ((results.foreign.median * size) / MIB).toFixed(1),
    (cpuSeconds(replica.pid) - cpuBefore).toFixed(1),
  ]);
  replica.process.kill('SIGKILL');
  balancer.process.kill('SIGKILL');
}

const port = await freePort();
const replica = await startNode('replica', '-p', String(await freePort()), '-w', join(folder, 'page-1024'));
const balancer = await startNode(
  'replica-balancer',
  '-p',
  String(port),
  '--replicas',
  `127.0.0.1:${replica.ports.tcp}`,
);
const answers = await load(1, 2000, () => exchangeOnce(port, '', (received) => received > 12));
const idleBefore = cpuSeconds(balancer.pid) + cpuSeconds(replica.pid);
await new Promise((resolve) => setTimeout(resolve, 5000));
const idle = (cpuSeconds(balancer.pid) + cpuSeconds(replica.pid) - idleBefore) / 5;

printTable(
  'Replica: pages through the balancer, verified',
  ['page', 'pages/s, ours–ours', 'MiB/s', 'pages/s, stop-and-wait', 'MiB/s', 'CPU s of the replica'],
  rows,
  [
    `${CLIENTS} clients at once; one for 64 MiB. Stop-and-wait is what a foreign program on either side makes of it.`,
    `The balancer's answer: ${show(spread(answers.latencies), 2)} ms, 99th percentile ${percentile(answers.latencies, 0.99).toFixed(2)} ms.`,
    `Idle balancer and replica together, probes included: ${(idle * 100).toFixed(1)} % of a core.`,
    'Foreign programs are not installed here, and not measured.',
  ],
);
process.exit(0);
