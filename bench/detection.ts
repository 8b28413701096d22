/** How long after a kill -9 is a content server no longer routed to, in the seed's profile and in the fast one? */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { show, spread } from './lib/measure';
import { freePort, type RunningNode, scratchFolder, startNode, stop } from './lib/programs';
import { printTable } from './lib/table';

interface Profile {
  name: string;
  monitor: string[];
  content: string[];
  index: string[];
  rounds: number;
  target: string;
}

const profiles: Profile[] = [
  {
    name: 'seed (3 s, dead after 8 s, checked every 1 s)',
    monitor: [],
    content: [],
    index: [],
    rounds: 5,
    target: '≤ 9 s always',
  },
  {
    name: 'fast (50 ms, dead after 250 ms, checked when due)',
    monitor: ['--timeout-ms', '250', '--check-ms', '0'],
    content: ['--heartbeat-ms', '50'],
    index: [],
    rounds: 20,
    target: '≤ 0.3 s median',
  },
];

const folder = scratchFolder();
writeFileSync(join(folder, 'hello.txt'), 'hello\n');

const rows: string[][] = [];
for (const profile of profiles) {
  const times: number[] = [];
  const network = await startNetwork(profile);
  for (let round = 0; round < profile.rounds; round++) {
    const victim = await startContent(profile, network, 'Victim');
    await routed(network.indexPort, 'SERVER 127.0.0.1');
    // At a random moment of the heartbeat period, so that the whole distribution is seen.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * (round === 0 ? 100 : 3000)));
    const before = performance.now();
    await stop(victim.process);
    await routed(network.indexPort, 'ERROR');
    times.push((performance.now() - before) / 1000);
  }
  await Promise.all(network.nodes.map((node) => stop(node.process)));
  rows.push([profile.name, String(profile.rounds), show(spread(times), 3), profile.target]);
}
printTable('Kill -9 → no longer routed, seconds', ['profile', 'kills', 'median (min–max)', 'target'], rows);
process.exit(0);

interface RunningNetwork {
  nodes: RunningNode[];
  indexPort: number;
  monitorUdp: number;
}

async function startNetwork(profile: Profile): Promise<RunningNetwork> {
  const [indexPort, monitorTcp, monitorUdp] = [await freePort(), await freePort(), await freePort()];
  const index = await startNode(
    ...['index', '--port', String(indexPort), '--monitor-tcp-port', String(monitorTcp)],
    ...profile.index,
  );
  const monitor = await startNode(
    ...['monitor', '--tcp-port', String(monitorTcp), '--udp-port', String(monitorUdp)],
    ...['--index-port', String(indexPort), ...profile.monitor],
  );
  return { nodes: [index, monitor], indexPort, monitorUdp };
}

async function startContent(profile: Profile, network: RunningNetwork, id: string): Promise<RunningNode> {
  return startNode(
    ...['content', '--server-id', id, '--files', folder],
    ...['--tcp-port', String(await freePort()), '--udp-port', String(await freePort())],
    ...['--index-port', String(network.indexPort), '--monitor-udp-port', String(network.monitorUdp)],
    ...profile.content,
  );
}

/** Resolves when the index's answer for the file begins so. Asked every few milliseconds. */
async function routed(indexPort: number, answer: string): Promise<void> {
  for (;;) {
    if ((await ask(indexPort)).startsWith(answer)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('GET hello.txt\n'));
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString());
    });
    socket.once('error', reject);
  });
}
