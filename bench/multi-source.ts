/** One and four HTTP mirrors → our engine, to disk and verified, against curl and aria2; and what a killed mirror costs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createReadStream,
  createWriteStream,
  linkSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { downloadFromMirrors } from '../src/nodes/engine/mirror-download';
import type { MetalinkFile } from '../src/protocol/metalink';
import { systemClock } from '../src/runtime/clock';
import { systemFiles } from '../src/runtime/files';
import { FlowMeter } from '../src/runtime/flow-meter';
import { systemHashing } from '../src/runtime/hashing';
import { systemNetwork } from '../src/runtime/network';
import { seededRandom } from '../src/runtime/random';
import { interleave, type Spread, show, spread } from './lib/measure';
import { accepting } from './lib/nginx';
import { clear, findPeer, freePort, scratchFolder, startPeer, stop } from './lib/programs';
import { printTable } from './lib/table';
import { TwoEnds } from './lib/two-ends';

const NAME = 'big.bin';
const MIRRORS = 4;
const CURL = 'curl, 1 mirror, unchecked';
const CHECKED = 'curl, then openssl dgst -sha256';
const ARIA2 = `aria2, ${MIRRORS} mirrors, sha-256 checked`;

// The same file is the downloading program: each contender is a process of its own, as curl and aria2 are.
if (process.argv[2] === 'download') await downloadAndReport();
else await bench();

interface Report {
  /** Bytes that came twice or were not wanted. */
  wasted: number;
  /** Longest time without a new byte on the disk, milliseconds, after the kill. */
  stallMs: number;
  maxRss: number;
  /** From the order to the verified file, in a program that runs; seconds. */
  tookS: number;
}

async function downloadAndReport(): Promise<void> {
  const [, , , folderPath, description, killPid] = process.argv as string[];
  const file = JSON.parse(readFileSync(description as string, 'utf8')) as MetalinkFile;
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const context = {
    net: systemNetwork(new FlowMeter()),
    clock: systemClock,
    files: systemFiles(quiet),
    hashing: systemHashing(),
    log: quiet,
    telemetry: {
      count: () => {},
      publish: () => ({ changed: () => {} }),
      event: () => {},
      trace: () => {},
      hop: () => {},
      asked: () => undefined,
      answered: () => {},
    },
    random: seededRandom(1),
  };
  let killed = !killPid;
  let lastPiece = 0;
  let stallMs = 0;
  const began = performance.now();
  let download: { view(): { bytes: number } } | undefined;
  const outcome = await downloadFromMirrors(context, {
    folder: await context.files.folder(folderPath as string),
    file,
    timeoutMs: 5000,
    maxSources: 8,
    limit: 0,
    signal: new AbortController().signal,
    started: (running) => {
      download = running;
    },
    listener: {
      event: () => {},
      changed: () => {},
      pieceKept: () => {
        const now = performance.now();
        if (killed && lastPiece > 0 && killPid) stallMs = Math.max(stallMs, now - lastPiece);
        lastPiece = now;
        if (killed || !download || download.view().bytes < (file.size as number) / 2) return;
        killed = true;
        process.kill(Number(killPid), 'SIGKILL');
      },
    },
  });
  const report: Report = {
    wasted: outcome.view.wasted,
    stallMs,
    maxRss: process.resourceUsage().maxRSS * 1024,
    tookS: (performance.now() - began) / 1000,
  };
  process.stdout.write(JSON.stringify(report));
}

async function bench(): Promise<void> {
  const curl = findPeer('curl');
  const aria2 = findPeer('aria2c');
  const openssl = findPeer('openssl');
  const sha256sum = findPeer('sha256sum');
  const nginx = findPeer('nginx');
  if (!nginx) {
    console.log('multi-source: nginx is not installed, so there are no mirrors to download from.');
    return;
  }
  for (const [size, rounds] of [
    [256 * 2 ** 20, 5],
    [2 ** 30, 5],
  ] as const) {
    await compare(nginx, { curl, aria2, openssl, sha256sum }, size, rounds);
  }
  await failover(nginx);
  process.exit(0);
}

async function compare(
  nginx: string,
  { curl, aria2, openssl, sha256sum }: Record<'curl' | 'aria2' | 'openssl' | 'sha256sum', string | undefined>,
  size: number,
  rounds: number,
): Promise<void> {
  const root = scratchFolder();
  const sha256 = await makeFile(join(root, NAME), size);
  const mirrors = await Promise.all(Array.from({ length: MIRRORS }, () => startMirror(nginx, root)));
  const urls = mirrors.map(({ port }) => `http://127.0.0.1:${port}/${NAME}`);
  const pids = mirrors.map(({ process: child }) => child.pid as number);
  const out = scratchFolder();
  const path = join(out, NAME);
  const reports: Report[] = [];
  const ends = new TwoEnds(size);
  const contenders: Record<string, () => Promise<number>> = {};
  const contend = (name: string, receive: () => Promise<unknown>): void => {
    contenders[name] = () => {
      clear(out);
      return ends.measure(name, pids, receive);
    };
  };
  const ours = (count: number) => async (): Promise<number> => {
    const report = await runOurs(out, describe(urls.slice(0, count), size, sha256));
    reports.push(report);
    return report.tookS;
  };
  const byCurl = async (): Promise<void> =>
    void (await run(curl as string, ['-s', '-o', path, urls[0] as string]));
  contend('ours, 1 mirror, sha-256 checked', ours(1));
  contenders['ours, 1 mirror, by a program that runs'] = () => {
    clear(out);
    return ours(1)();
  };
  if (curl) contend(CURL, byCurl);
  if (curl && openssl)
    contend(CHECKED, async () => {
      await byCurl();
      await run(openssl, ['dgst', '-sha256', path]);
    });
  if (curl && sha256sum)
    contend('curl, then sha256sum', async () => {
      await byCurl();
      await run(sha256sum, [path]);
    });
  if (aria2) {
    const options = ['-q', '--allow-overwrite=true', '--file-allocation=none', '-d', out, '-o', NAME];
    options.push(`--checksum=sha-256=${sha256}`);
    contend('aria2, 1 mirror, sha-256 checked', () => run(aria2, [...options, urls[0] as string]));
    contend(ARIA2, () => run(aria2, [...options, '-s', String(MIRRORS), '-x', '1', '-k', '1M', ...urls]));
  }
  contend(`ours, ${MIRRORS} mirrors, sha-256 checked`, ours(MIRRORS));
  const results = await interleave(rounds, contenders);
  const times = (name: string, { median }: Spread): string =>
    results[name] ? (results[name].median / median).toFixed(2) : '–';
  printTable(
    `${size / 2 ** 20} MiB from 1 and ${MIRRORS} HTTP mirrors (nginx), to disk`,
    [
      'downloader',
      'MiB/s: median (min–max)',
      '× curl, unchecked',
      '× curl, checked',
      `× aria2 with ${MIRRORS}`,
      'its CPU s/GiB',
      'the mirrors’',
    ],
    Object.entries(results).map(([name, spreadOf]) => [
      name,
      ends.rate(spreadOf),
      times(CURL, spreadOf),
      times(CHECKED, spreadOf),
      times(ARIA2, spreadOf),
      ...ends.columns(name),
    ]),
    [
      'Each download is a process of its own; its start counts, except where the program runs, as in the panel.',
      `ours: at most ${Math.round(Math.max(...reports.map(({ maxRss }) => maxRss)) / 2 ** 20)} MiB resident, ${Math.max(...reports.map(({ wasted }) => wasted))} bytes fetched twice at most`,
      ...missing({ curl, openssl, sha256sum, aria2 }),
    ],
  );
  for (const { process: child } of mirrors) await stop(child);
}

async function failover(nginx: string): Promise<void> {
  const size = 512 * 2 ** 20;
  const root = scratchFolder();
  const sha256 = await makeFile(join(root, NAME), size);
  const out = scratchFolder();
  const reports: Report[] = [];
  for (let round = 0; round < 7; round++) {
    const mirrors = await Promise.all(Array.from({ length: MIRRORS }, () => startMirror(nginx, root)));
    const urls = mirrors.map(({ port }) => `http://127.0.0.1:${port}/${NAME}`);
    clear(out);
    reports.push(await runOurs(out, describe(urls, size, sha256), mirrors[0]?.process.pid));
    for (const { process: child } of mirrors) await stop(child);
  }
  const stalls = spread(reports.map(({ stallMs }) => stallMs));
  const wasted = spread(reports.map(({ wasted }) => wasted / 1024));
  printTable(
    `${size / 2 ** 20} MiB from ${MIRRORS} mirrors, one of them killed (SIGKILL) in the middle`,
    ['what it cost', 'median (min–max)'],
    [
      ['longest time without a new piece after the kill, ms', show(stalls, 0)],
      ['fetched twice, KiB', show(wasted, 0)],
    ],
    ['Every download ended with the right SHA-256, or the bench would have failed.'],
  );
}

function describe(urls: string[], size: number, sha256: string): MetalinkFile {
  return {
    name: NAME,
    size,
    hashes: { 'sha-256': sha256 },
    pieces: null,
    urls: urls.map((url, at) => ({ url, priority: at + 1 })),
  };
}

async function runOurs(out: string, file: MetalinkFile, killPid?: number): Promise<Report> {
  const description = join(scratchFolder(), 'file.json');
  writeFileSync(description, JSON.stringify(file));
  const args = [
    fileURLToPath(import.meta.url),
    'download',
    out,
    description,
    ...(killPid ? [String(killPid)] : []),
  ];
  return JSON.parse(await run(process.execPath, args)) as Report;
}

function run(command: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (part: Buffer) => {
      text += part.toString();
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${command} ended with code ${code}.`)),
    );
  });
}

/** An nginx that is one process, so that killing it kills the server and nothing is left. */
async function startMirror(nginx: string, root: string): Promise<{ port: number; process: ChildProcess }> {
  const port = await freePort();
  const folder = scratchFolder();
  const served = join(folder, 'www');
  mkdirSync(served);
  linkSync(join(root, NAME), join(served, NAME));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; root ${served}; } }`,
  );
  const child = startPeer(nginx, ['-c', join(folder, 'nginx.conf'), '-p', folder]);
  await accepting(port);
  return { port, process: child };
}

/** Random bytes, so that no two pieces are alike; resolves to their SHA-256. */
async function makeFile(path: string, size: number): Promise<string> {
  const file = createWriteStream(path);
  const random = seededRandom(size);
  const block = Buffer.alloc(2 ** 20);
  for (let at = 0; at < size; at += block.length) {
    for (let word = 0; word < block.length; word += 4) block.writeUInt32LE((random() * 2 ** 32) >>> 0, word);
    if (!file.write(Buffer.from(block)))
      await new Promise<void>((resolve) => file.once('drain', () => resolve()));
  }
  file.end();
  await finished(file);
  const hash = createHash('sha256');
  for await (const part of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(part as Buffer);
  return hash.digest('hex');
}

function missing(peers: Record<string, string | undefined>): string[] {
  return Object.entries(peers).flatMap(([name, path]) =>
    path ? [] : [`missing here, so not compared: ${name}`],
  );
}
