/** 256 MiB and 1 GiB from 1 and 4 of our peers, to disk and verified, against curl and aria2; and a seeder killed in the middle. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, linkSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { seededRandom } from '../src/runtime/random';
import { type Downloaded, Downloader } from './lib/downloader';
import { interleave, type Spread, seconds, show, spread } from './lib/measure';
import { startNginx } from './lib/nginx';
import {
  clear,
  findPeer,
  freePort,
  type RunningNode,
  scratchFolder,
  startNode,
  startPeer,
  stop,
} from './lib/programs';
import { printTable } from './lib/table';
import { TwoEnds } from './lib/two-ends';

const NAME = 'big.bin';
const SEEDERS = 4;
const MIB = 2 ** 20;
const quiet = [
  '-q',
  '--enable-dht=false',
  '--bt-enable-lpd=false',
  '--enable-peer-exchange=false',
  '--file-allocation=none',
  '--allow-overwrite=true',
];

const CURL = 'nginx → curl, unchecked';
const CHECKED = 'nginx → curl, then openssl dgst -sha256';
const ARIA2 = `aria2, BitTorrent, ${SEEDERS} seeders`;

interface Swarm {
  /** Port of the index. */
  index: number;
  /** The index, then the peers. */
  nodes: RunningNode[];
}

for (const [size, rounds] of [
  [256 * MIB, 5],
  [1024 * MIB, 5],
] as const) {
  await compare(size, rounds);
}
await failover(512 * MIB, 7);
process.exit(0);

async function compare(size: number, rounds: number): Promise<void> {
  const root = scratchFolder();
  makeFile(join(root, NAME), size);
  const one = await swarm(root, 1);
  const four = await swarm(root, SEEDERS);
  const nginx = await startNginx(root);
  const curl = findPeer('curl');
  const openssl = findPeer('openssl');
  const aria2 = findPeer('aria2c');
  const out = scratchFolder();
  const ours: Downloaded[] = [];
  const ends = new TwoEnds(size);
  const contenders: Record<string, () => Promise<number>> = {};
  const contend = (name: string, senders: (number | undefined)[], receive: () => Promise<unknown>): void => {
    const pids = senders.filter((pid) => pid !== undefined);
    contenders[name] = () => {
      clear(out);
      return ends.measure(name, pids, receive);
    };
  };
  const from =
    ({ index }: Swarm) =>
    async () =>
      void ours.push(await download(index, out));
  const peersOf = ({ nodes }: Swarm) => nodes.slice(1).map(({ pid }) => pid);
  contend('ours, 1 seeder', peersOf(one), from(one));
  contenders['ours, 1 seeder, by a peer that runs'] = async () => {
    clear(out);
    const peer = await Downloader.start(one.index, out, NAME);
    await peer.ready;
    const took = await seconds(() => peer.download());
    ours.push(await peer.end());
    return took;
  };
  contend(`ours, ${SEEDERS} seeders`, peersOf(four), from(four));
  const byCurl = (): Promise<void> =>
    run(curl as string, ['-s', '-o', join(out, NAME), `http://127.0.0.1:${nginx}/${NAME}`]);
  if (nginx && curl) contend(CURL, [], byCurl);
  if (nginx && curl && openssl)
    contend(CHECKED, [], async () => {
      await byCurl();
      await run(openssl, ['dgst', '-sha256', join(out, NAME)]);
    });
  const torrent = aria2 ? await bitTorrent(aria2, root, size) : undefined;
  if (aria2 && torrent) {
    const seeders = torrent.processes.map(({ pid }) => pid);
    contend(ARIA2, seeders, async () =>
      run(aria2, [...quiet, '--seed-time=0', '-d', out, ...(await ports()), torrent.path]),
    );
  }
  const results = await interleave(rounds, contenders);
  const times = (name: string, { median }: Spread): string =>
    results[name] ? (results[name].median / median).toFixed(2) : '–';
  printTable(
    `${size / MIB} MiB from peers, to disk, every piece verified`,
    [
      'downloader',
      'MiB/s: median (min–max)',
      '× curl, unchecked',
      '× curl, checked',
      '× aria2',
      'its CPU s/GiB',
      'the seeders’',
    ],
    Object.entries(results).map(([name, spreadOf]) => [
      name,
      ends.rate(spreadOf),
      times(CURL, spreadOf),
      times(CHECKED, spreadOf),
      times(ARIA2, spreadOf),
      ...ends.columns(name).slice(0, name === CURL || name === CHECKED ? 1 : 2),
    ]),
    [
      'Each download is a process of its own; its start counts, except where the peer runs, as in the panel.',
      `our downloader: at most ${Math.round(Math.max(...ours.map(({ memory }) => memory)) / MIB)} MiB resident, ${Math.max(...ours.map(({ wasted }) => wasted))} bytes fetched twice at most`,
      ...(curl && nginx && openssl ? [] : ['missing here, so not compared: curl with nginx, openssl']),
      ...(aria2 ? [] : ['missing here, so not compared: aria2']),
    ],
  );
  for (const node of [...one.nodes, ...four.nodes]) await stop(node.process);
  for (const child of torrent?.processes ?? []) await stop(child);
  torrent?.close();
}

async function failover(size: number, rounds: number): Promise<void> {
  const root = scratchFolder();
  makeFile(join(root, NAME), size);
  const out = scratchFolder();
  const stalls: number[] = [];
  const wasted: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { index, nodes } = await swarm(root, SEEDERS);
    clear(out);
    let killedAt = 0;
    let lastGrowth = performance.now();
    let blocks = 0;
    let stall = 0;
    const watching = setInterval(() => {
      const now = performance.now();
      const grown = blocksOf(join(out, `${NAME}.part`));
      if (grown > blocks) {
        if (killedAt > 0) stall = Math.max(stall, now - lastGrowth);
        blocks = grown;
        lastGrowth = now;
      }
      if (killedAt === 0 && blocks * 512 > size / 2) {
        killedAt = now;
        nodes[1]?.process.kill('SIGKILL');
      }
    }, 2);
    const report = await download(index, out);
    clearInterval(watching);
    if (killedAt > 0) {
      stalls.push(stall);
      wasted.push(report.wasted / 1024);
    }
    for (const node of nodes) await stop(node.process);
  }
  if (stalls.length === 0) return console.log('The downloads were over before a seeder could be killed.');
  printTable(
    `${size / MIB} MiB from ${SEEDERS} seeders, one of them killed (SIGKILL) in the middle`,
    ['what it cost', 'median (min–max)'],
    [
      ['longest time without a new block on the disk after the kill, ms', show(spread(stalls), 0)],
      ['fetched twice, KiB', show(spread(wasted), 0)],
    ],
    [
      `${stalls.length} of ${rounds} rounds; every one ended with every piece verified, or the bench would have failed.`,
    ],
  );
}

/** An index and peers that all have the file, hashed. */
async function swarm(root: string, seeders: number): Promise<Swarm> {
  const index = await startNode(
    'p2p-index',
    '127.0.0.1',
    String(await freePort()),
    '--data',
    scratchFolder(),
  );
  const port = index.ports.tcp as number;
  const nodes = [index];
  for (let seeder = 0; seeder < seeders; seeder++) {
    const folder = scratchFolder();
    linkSync(join(root, NAME), join(folder, NAME));
    nodes.push(
      await startNode(
        'p2p-peer',
        '127.0.0.1',
        String(port),
        String(await freePort()),
        folder,
        '--log-file',
        join(scratchFolder(), 'log'),
      ),
    );
    // The hashes are on the disk once they are known.
    while (blocksOf(join(folder, '.p2p-hashes.json')) === 0)
      await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { index: port, nodes };
}

/** A peer of ours from its start to its end, for one download. */
async function download(index: number, out: string): Promise<Downloaded> {
  const peer = await Downloader.start(index, out, NAME);
  await peer.download();
  return peer.end();
}

async function ports(): Promise<string[]> {
  return [`--listen-port=${await freePort()}`];
}

/** aria2 as seeders behind a tracker of a few lines. */
async function bitTorrent(
  aria2: string,
  root: string,
  size: number,
): Promise<{ path: string; processes: ChildProcess[]; close(): void }> {
  const peers = await Promise.all(Array.from({ length: SEEDERS }, freePort));
  const compact = Buffer.concat(peers.map((port) => Buffer.from([127, 0, 0, 1, port >> 8, port & 255])));
  const tracker = createServer((_request, response) =>
    response.end(
      Buffer.concat([Buffer.from(`d8:intervali60e5:peers${compact.length}:`), compact, Buffer.from('e')]),
    ),
  );
  await new Promise<void>((resolve) => tracker.listen(0, '127.0.0.1', resolve));
  const announce = `http://127.0.0.1:${(tracker.address() as AddressInfo).port}/announce`;
  const pieces: Buffer[] = [];
  const file = readFileSync(join(root, NAME));
  for (let at = 0; at < size; at += MIB)
    pieces.push(
      createHash('sha1')
        .update(file.subarray(at, at + MIB))
        .digest(),
    );
  const path = join(scratchFolder(), 'big.torrent');
  const head = `d8:announce${announce.length}:${announce}4:infod6:lengthi${size}e4:name${NAME.length}:${NAME}12:piece lengthi${MIB}e6:pieces${pieces.length * 20}:`;
  writeFileSync(path, Buffer.concat([Buffer.from(head), ...pieces, Buffer.from('ee')]));
  const processes = peers.map((port) => {
    const folder = scratchFolder();
    linkSync(join(root, NAME), join(folder, NAME));
    return startPeer(aria2, [
      ...quiet,
      '--seed-ratio=0.0',
      '--bt-seed-unverified=true',
      '--check-integrity=false',
      `--listen-port=${port}`,
      '-d',
      folder,
      path,
    ]);
  });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return { path, processes, close: () => tracker.close() };
}

function run(command: string, args: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ended with code ${code}.`)),
    );
  });
}

/** Blocks of 512 bytes that a file takes on the disk; a file that is written in any order grows in them. */
function blocksOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.blocks ?? 0;
}

/** Random bytes, so that no two pieces are alike. */
function makeFile(path: string, size: number): void {
  const file = openSync(path, 'w');
  const random = seededRandom(size);
  const block = Buffer.alloc(MIB);
  for (let at = 0; at < size; at += MIB) {
    for (let word = 0; word < MIB; word += 4) block.writeUInt32LE((random() * 2 ** 32) >>> 0, word);
    writeSync(file, block);
  }
  closeSync(file);
}
