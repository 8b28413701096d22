/**
 * Requests per second, latency and CPU per request of cache hits and of static files, against nginx: one process
 * each, keep-alive, in the same run and interleaved. The load comes from a process on the other core, this one and,
 * where it is installed, wrk; where it is the limit, CPU per request tells the two servers apart.
 */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LoadGenerator, loadGenerators } from './lib/http-load';
import { load as connectionLoad, exchangeOnce } from './lib/load';
import { interleave, show, spread } from './lib/measure';
import { startNginx } from './lib/nginx';
import { cpuSeconds, findPeer, freePort, proportionalMemory, scratchFolder, startNode } from './lib/programs';
import { printTable } from './lib/table';

const CLIENTS = 32;
const ROUNDS = 5;
const ROUND_MS = 2000;
const sizes = { '1 KiB': 1024, '64 KiB': 64 * 1024, '1 MiB': 1024 * 1024 };

interface Contender {
  name: string;
  port: number;
  pid: number;
}

const folder = scratchFolder();
for (const size of Object.values(sizes)) writeFileSync(join(folder, `${size}.bin`), Buffer.alloc(size, 'x'));

const origin = await startNode(
  'origin',
  '--port',
  String(await freePort()),
  '--files',
  folder,
  '--headers',
  '/ Cache-Control: max-age=3600',
);
const cache = await startNode(
  'cache',
  '--port',
  String(await freePort()),
  '--origin',
  `127.0.0.1:${origin.ports.http}`,
);
const caches: Contender[] = [{ name: 'micro-cdn cache', port: cache.ports.http as number, pid: cache.pid }];
const files: Contender[] = [{ name: 'micro-cdn origin', port: origin.ports.http as number, pid: origin.pid }];
const missing = ['varnishd', 'wrk'].filter((name) => !findPeer(name));
if (findPeer('nginx')) {
  files.push(await nginxContender('nginx (sendfile)', ''));
  caches.push(await nginxCacheContender(origin.ports.http as number));
} else missing.push('nginx');

for (const generator of loadGenerators()) {
  await compare('Cache hits', caches, generator);
  await compare('Static files', files, generator);
}
await compareConnections([...files, ...caches]);
process.exit(0);

async function compare(
  title: string,
  contenders: Contender[],
  { name: generator, load }: LoadGenerator,
): Promise<void> {
  const rows: string[][] = [];
  for (const [label, size] of Object.entries(sizes)) {
    const results = contenders.map(() => ({
      rates: [] as number[],
      p50: [] as number[],
      p99: [] as number[],
      cpu: [] as number[],
      failed: 0,
    }));
    for (const { port } of contenders) await load(port, `/${size}.bin`, 4, 300);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [at, { port, pid }] of contenders.entries()) {
        const before = cpuSeconds(pid);
        const { requests, perSecond, p50, p99, failed } = await load(port, `/${size}.bin`, CLIENTS, ROUND_MS);
        const result = results[at] as (typeof results)[number];
        result.cpu.push(((cpuSeconds(pid) - before) / requests) * 1e6);
        result.rates.push(perSecond);
        result.p50.push(p50);
        result.p99.push(p99);
        result.failed += failed;
      }
    }
    const reference = results[1];
    for (const [at, { name, pid }] of contenders.entries()) {
      const { rates, p50, p99, cpu, failed } = results[at] as (typeof results)[number];
      const ratio = reference ? (spread(rates).median / spread(reference.rates).median).toFixed(2) : '–';
      const perCore = reference ? (spread(reference.cpu).median / spread(cpu).median).toFixed(2) : '–';
      rows.push([
        label,
        name,
        show(spread(rates), 0),
        ratio,
        show(spread(cpu), 1),
        perCore,
        spread(p50).median.toFixed(2),
        spread(p99).median.toFixed(2),
        (proportionalMemory(pid).private / 2 ** 20).toFixed(0),
        String(failed),
      ]);
    }
  }
  printTable(
    `${title}, ${CLIENTS} connections, keep-alive, ${generator}`,
    [
      'size',
      'server',
      'requests/s: median (min–max)',
      'of nginx',
      'CPU µs/request',
      'per core, of nginx',
      'p50 ms',
      'p99 ms',
      'private MiB',
      'failed',
    ],
    rows,
    missing.map((peer) => `missing here, so not compared: ${peer}`),
  );
}

/** A connection for each request: what it costs to accept one. */
async function compareConnections(contenders: Contender[]): Promise<void> {
  const path = `/${sizes['1 KiB']}.bin`;
  const runs = contenders.map(({ name, port }): [string, () => Promise<number>] => [
    name,
    async () => {
      const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
      const complete = (received: number): boolean => received > sizes['1 KiB'];
      return (await connectionLoad(CLIENTS, ROUND_MS, () => exchangeOnce(port, request, complete))).perSecond;
    },
  ]);
  const results = await interleave(ROUNDS, Object.fromEntries(runs));
  const reference = results['nginx (sendfile)']?.median;
  printTable(
    `1 KiB, a connection each, ${CLIENTS} at once`,
    ['server', 'requests/s: median (min–max)', 'of nginx'],
    Object.entries(results).map(([name, result]) => [
      name,
      show(result, 0),
      reference ? (result.median / reference).toFixed(2) : '–',
    ]),
    missing.map((peer) => `missing here, so not compared: ${peer}`),
  );
}

async function nginxContender(name: string, extra: string): Promise<Contender> {
  const port = (await startNginx(folder, extra)) as number;
  return { name, port, pid: workerListening(port) };
}

async function nginxCacheContender(upstream: number): Promise<Contender> {
  const store = join(scratchFolder(), 'cache');
  mkdirSync(store);
  const port = await freePort();
  const extra = `proxy_cache_path ${store} keys_zone=bench:16m max_size=1g use_temp_path=off;
  server {
    listen 127.0.0.1:${port} backlog=4096; tcp_nopush off;
    location / { proxy_pass http://127.0.0.1:${upstream}; proxy_cache bench; proxy_http_version 1.1; proxy_set_header Connection ""; add_header X-Cache $upstream_cache_status; }
  }`;
  await startNginx(folder, extra);
  return { name: 'nginx (proxy_cache)', port, pid: workerListening(port) };
}

/** The process that has the listening socket and is not the master: nginx's only worker. */
function workerListening(port: number): number {
  const inode = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(
      (columns) =>
        columns[1] === `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}` && columns[3] === '0A',
    )?.[9];
  const owners = processes().filter((pid) => socketsOf(pid).includes(`socket:[${inode}]`));
  return Math.max(...owners);
}

function processes(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  } catch {
    return [];
  }
}
