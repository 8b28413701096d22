/** How fast does one content server deliver 1 GiB, against nginx and against the loopback limit? */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { discard } from './lib/discard';
import { interleave, seconds, show } from './lib/measure';
import { accepting, startNginx } from './lib/nginx';
import { cpuSeconds, findPeer, freePort, runPeer, scratchFolder, startNode, startPeer } from './lib/programs';
import { printTable } from './lib/table';

const SIZE = 2 ** 30;
const ROUNDS = 5;
const name = 'big.bin';

const folder = scratchFolder();
makeFile(join(folder, name), SIZE);

const index = await startNode('index', '--port', String(await freePort()), '--no-monitor');
const content = await startNode(
  ...['content', '--tcp-port', String(await freePort()), '--udp-port', String(await freePort())],
  ...['--files', folder, '--index-port', String(index.ports.tcp), '--no-monitor'],
);
const nginx = await startNginx(folder);
const curl = findPeer('curl');
const iperf = findPeer('iperf3');

const contenders: Record<string, () => Promise<number>> = {
  'content → receiver that discards': () =>
    rate(() => discard(content.ports.tcp as number, `GET ${name}\n`, SIZE)),
};
const missing: string[] = [];
if (nginx) {
  contenders['nginx → the same receiver'] = () =>
    rate(() => discard(nginx, `GET /${name} HTTP/1.0\r\nHost: localhost\r\n\r\n`, SIZE));
}
if (nginx && curl) {
  contenders['nginx → curl'] = () =>
    rate(async () => void execFileSync(curl, ['-s', '-o', '/dev/null', `http://127.0.0.1:${nginx}/${name}`]));
} else missing.push(nginx ? 'curl' : 'nginx');
if (iperf) {
  const port = await freePort();
  startPeer(iperf, ['-s', '-B', '127.0.0.1', '-p', String(port)], { stderr: 'ignore' });
  await accepting(port);
  contenders['iperf3 (the loopback limit)'] = async () => {
    const report = JSON.parse(
      runPeer(iperf, ['-c', '127.0.0.1', '-p', String(port), '-n', String(SIZE), '-J']),
    );
    return report.end.sum_received.bits_per_second / 8 / 2 ** 30;
  };
} else missing.push('iperf3');

const cpuBefore = cpuSeconds(content.pid);
const results = await interleave(ROUNDS, contenders);
const cpu = (cpuSeconds(content.pid) - cpuBefore) / ROUNDS;
const reference = results['nginx → curl']?.median;
const limit = results['iperf3 (the loopback limit)']?.median;
printTable(
  '1 GiB from one server, receiver discards',
  ['path', 'GiB/s: median (min–max)', 'of nginx → curl', 'of iperf3'],
  Object.entries(results).map(([path, spread]) => [
    path,
    show(spread),
    reference ? (spread.median / reference).toFixed(2) : '–',
    limit ? (spread.median / limit).toFixed(2) : '–',
  ]),
  [
    `content server: ${cpu.toFixed(2)} CPU seconds per GiB`,
    ...missing.map((peer) => `missing here, so not compared: ${peer}`),
  ],
);
process.exit(0);

/** GiB per second. */
async function rate(run: () => Promise<unknown>): Promise<number> {
  return SIZE / 2 ** 30 / (await seconds(run));
}

function makeFile(path: string, size: number): void {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(2 ** 20, 'micro-cdn ');
  truncateSync(path, size);
  for (let at = 0; at < size; at += block.length) writeSync(file, block, 0, block.length, at);
  closeSync(file);
}
