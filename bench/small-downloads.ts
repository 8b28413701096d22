/** How many 1 KiB downloads a second, a connection each, with 1 and with 64 clients, against nginx? */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exchangeOnce, load } from './lib/load';
import { interleave, percentile, type Spread, show } from './lib/measure';
import { startNginx } from './lib/nginx';
import { freePort, scratchFolder, startNode } from './lib/programs';
import { printTable } from './lib/table';

const ROUNDS = 3;
const ROUND_MS = 2000;

const folder = scratchFolder();
writeFileSync(join(folder, 'small.bin'), Buffer.alloc(1024, 'x'));
const content = await startNode(
  ...['content', '--tcp-port', String(await freePort()), '--udp-port', String(await freePort())],
  ...['--files', folder, '--no-index', '--no-monitor'],
);
const nginx = await startNginx(folder);

const whole = 'OK 1024\n'.length + 1024;
const ours = (): Promise<void> =>
  exchangeOnce(content.ports.tcp as number, 'GET small.bin\n', (received) => received >= whole);
const theirs = (): Promise<void> =>
  exchangeOnce(
    nginx as number,
    'GET /small.bin HTTP/1.0\r\nHost: localhost\r\n\r\n',
    (received, text) => received >= text.indexOf('\r\n\r\n') + 4 + 1024,
  );

const rows: string[][] = [];
let failures = 0;
for (const clients of [1, 64]) {
  const p99: Record<string, number[]> = { ours: [], nginx: [] };
  const measure = (who: string, exchange: () => Promise<void>) => async (): Promise<number> => {
    const result = await load(clients, ROUND_MS, exchange);
    failures += result.failed;
    p99[who]?.push(percentile(result.latencies, 0.99));
    return result.perSecond;
  };
  const results: Record<string, Spread> = await interleave<string>(ROUNDS, {
    ours: measure('ours', ours),
    ...(nginx ? { nginx: measure('nginx', theirs) } : {}),
  });
  for (const [who, spread] of Object.entries(results)) {
    const reference = results.nginx?.median;
    rows.push([
      String(clients),
      who === 'ours' ? 'content' : who,
      show(spread, 0),
      reference ? (spread.median / reference).toFixed(2) : '–',
      percentile(p99[who] ?? [], 0.5).toFixed(2),
    ]);
  }
}
printTable(
  '1 KiB downloads, a connection each',
  ['clients', 'server', 'per second: median (min–max)', 'of nginx', 'p99 ms'],
  rows,
  [
    `${failures} requests failed`,
    'the load generator is one Node process and the same for both; it is the limit as much as the servers are',
    ...(nginx ? [] : ['missing here, so not compared: nginx']),
  ],
);
process.exit(0);
