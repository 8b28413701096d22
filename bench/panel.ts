/** How smooth is the panel with many nodes, how soon is a click seen, and what does it cost to have it open? */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { findBrowser } from '../scripts/browser.mjs';
import { discard } from './lib/discard';
import { interleave, seconds, show, spread } from './lib/measure';
import { openPanel, type Panel } from './lib/panel';
import { cpuSeconds, descendants, scratchFolder } from './lib/programs';
import { printTable } from './lib/table';

const MIB = 2 ** 20;
/** Of the nodes in the picture so many run, or it would be their heartbeats that are measured. */
const MAX_RUNNING = 100;
const WATCHED_MS = 5000;
/** What a hundred running nodes and their panel do not use in a second, s of CPU. */
const BUSY_S = 0.5;

interface Frames {
  perSecond: number;
  /** Longest time between two, ms. */
  worst: number;
}

const executablePath = findBrowser();
if (!executablePath) {
  console.log('panel: there is no Chromium, so there is nothing to look at the panel with.');
  process.exit(0);
}
const browser: Browser = await chromium.launch({
  executablePath,
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});

await smoothness();
await scrolling();
await clicks();
await idle();
await watching();
await browser.close();
process.exit(0);

async function smoothness(): Promise<void> {
  const rows: string[][] = [];
  for (const [count, target] of [
    [20, 60],
    [200, 60],
    [500, 50],
  ] as const) {
    const { panel, page } = await network(count);
    const still = await frames(page);
    const moved = await frames(page, () => drag(page));
    rows.push([
      String(count),
      String(Math.min(count, MAX_RUNNING)),
      ...[still, moved].flatMap(({ perSecond, worst }) => [perSecond.toFixed(0), worst.toFixed(0)]),
      `≥ ${target}`,
    ]);
    await page.close();
    await panel.close();
  }
  printTable(
    'Frames of the canvas, with heartbeats on their way',
    ['nodes', 'of them run', 'frames/s', 'longest ms', 'frames/s, dragged', 'longest ms', 'target'],
    rows,
    ['Headless Chromium draws without a graphics card, on the cores that the nodes run on; 60 is its most.'],
  );
}

async function scrolling(): Promise<void> {
  const { panel, page } = await network(1, 20_000);
  await page.getByRole('region', { name: 'Dock' }).getByRole('tab', { name: 'All files' }).click();
  const grid = page.getByRole('region', { name: 'Dock' }).getByRole('grid');
  await grid.getByRole('row').nth(5).waitFor();
  await grid.hover();
  const { perSecond, worst } = await frames(page, async () => {
    await page.mouse.wheel(0, 120);
    await page.waitForTimeout(1000 / 60);
  });
  printTable(
    'A list of 20 000 files, scrolled by the wheel',
    ['frames/s', 'longest ms', 'target'],
    [[perSecond.toFixed(0), worst.toFixed(0), '≥ 55']],
  );
  await page.close();
  await panel.close();
}

async function clicks(): Promise<void> {
  const { panel, page } = await network(3);
  await page.getByRole('group', { name: /^CS1, / }).click();
  const took: number[] = [];
  for (let round = 0; round < 11; round++) {
    await panel.call('nodes.stop', { ids: ['cs1'] });
    await page.getByRole('group', { name: /^CS1, .*, stopped$/ }).waitFor();
    took.push(
      await page.evaluate(async () => {
        const buttons = [...document.querySelectorAll<HTMLButtonElement>('aside button')];
        const start = buttons.find(({ textContent }) => textContent?.trim() === 'Start');
        const began = performance.now();
        start?.click();
        const isGreen = (): boolean =>
          document.querySelector('[aria-label^="CS1, "][aria-label$=", running"]') !== null;
        while (!isGreen()) await new Promise(requestAnimationFrame);
        return performance.now() - began;
      }),
    );
  }
  printTable(
    'From the click on Start to the node being shown as running',
    ['ms: median (min–max)', 'target'],
    [[show(spread(took), 0), '≤ 400']],
  );
  await page.close();
  await panel.close();
}

async function idle(): Promise<void> {
  const { panel, page } = await network(20);
  // A program that has just started is still being compiled.
  await page.waitForTimeout(20_000);
  const share = async (pids: () => number[]): Promise<string> => {
    const used = (): number => pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0);
    const before = used();
    await new Promise((resolve) => setTimeout(resolve, 2 * WATCHED_MS));
    return `${(((used() - before) / (2 * WATCHED_MS)) * 100_000).toFixed(1)} %`;
  };
  const ours = (): number[] => [panel.pid, ...descendants(panel.pid)];
  const browsers = (): number[] => descendants(process.pid).filter((pid) => !ours().includes(pid));
  const seen = await Promise.all([
    share(() => [panel.pid]),
    share(() => descendants(panel.pid)),
    share(browsers),
  ]);
  await page.close();
  const unseen = await Promise.all([share(() => [panel.pid]), share(() => descendants(panel.pid))]);
  printTable(
    '20 nodes run and nobody does anything: share of one core',
    ['', 'panel', 'its nodes', 'browser'],
    [
      ['the canvas is looked at', ...seen],
      ['no browser', ...unseen, '–'],
    ],
    ['target: ≤ 3 % in all; the browser draws each heartbeat on its way without a graphics card'],
  );
  await panel.close();
}

async function watching(): Promise<void> {
  const size = 512 * MIB;
  const { panel, page, ports } = await network(3, 0, size);
  await page.getByRole('group', { name: /^CS1, / }).click();
  const fetch = (): Promise<number> => seconds(() => discard(ports[0] as number, 'GET big.bin\n', size));
  const address = page.url();
  const results = await interleave(7, {
    open: async () => {
      await page.goto(address);
      await page.getByRole('group', { name: /^CS1, / }).waitFor();
      return fetch();
    },
    closed: async () => {
      await page.goto('about:blank');
      return fetch();
    },
  });
  printTable(
    `${size / MIB} MiB from a content server while its panel is open, and while it is not`,
    ['panel', 's: median (min–max)', '× closed', 'target'],
    Object.entries(results).map(([name, result]) => [
      name,
      show(result),
      (results.closed.median / result.median).toFixed(2),
      name === 'open' ? '≥ 0.97' : '',
    ]),
  );
  await page.close();
  await panel.close();
}

/** A panel whose workspace has an index, a monitor and content servers, and a page that looks at it. */
async function network(
  count: number,
  files = 0,
  bytes = 0,
): Promise<{ panel: Panel; page: Page; ports: number[] }> {
  const home = scratchFolder();
  const base = 20_000 + Math.floor(Math.random() * 20_000);
  const [index, monitor] = [{ node: 'index' }, { node: 'monitor' }];
  const servers = Array.from({ length: Math.max(1, count - 2) }, (_, at) => ({
    id: `cs${at + 1}`,
    kind: 'content-server',
    name: `CS${at + 1}`,
    position: { x: 700 + (at % 25) * 260, y: Math.floor(at / 25) * 160 },
    config: {
      serverId: `CS${at + 1}`,
      tcpPort: base + 10 + 2 * at,
      udpPort: base + 11 + 2 * at,
      index,
      monitor,
    },
  }));
  const nodes = [
    {
      id: 'index',
      kind: 'index-server',
      name: 'Index',
      position: { x: 0, y: 0 },
      config: { tcpPort: base, monitor },
    },
    {
      id: 'monitor',
      kind: 'monitor',
      name: 'Monitor',
      position: { x: 0, y: 320 },
      config: { udpPort: base + 1, tcpPort: base + 2, index },
    },
    ...servers,
  ];
  const document = {
    format: 'micro-cdn-studio',
    version: 1,
    name: 'Bench',
    nodes,
    faults: [],
    startOnOpen: false,
  };
  writeFileSync(join(home, 'bench.json'), JSON.stringify(document));
  const folder = join(home, 'bench-data/nodes/cs1/files');
  mkdirSync(folder, { recursive: true });
  for (let file = 0; file < files; file++) writeFileSync(join(folder, `file-${file}.txt`), '');
  if (bytes > 0) writeFileSync(join(folder, 'big.bin'), Buffer.alloc(bytes));
  const panel = await openPanel(home);
  const running = nodes.slice(0, MAX_RUNNING).map(({ id }) => id);
  await panel.call('nodes.start', { ids: running });
  await panel.running(running.length);
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(panel.url);
  await page.getByRole('group', { name: /^CS1, .*, running$/ }).waitFor();
  await quiet(panel);
  return { panel, page, ports: servers.map(({ config }) => config.tcpPort) };
}

/** Resolves when what comes first is over: registrations, and reading every file once for its digest. */
async function quiet(panel: Panel): Promise<void> {
  const used = (): number =>
    [panel.pid, ...descendants(panel.pid)].reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  for (let seconds = 0; seconds < 4; seconds++) {
    const before = used();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if (used() - before > BUSY_S) seconds = -1;
  }
}

/** Counts frames, while something is done again and again. */
async function frames(page: Page, act?: () => Promise<void>): Promise<Frames> {
  let over = false;
  const acting = (async () => {
    while (act && !over) await act();
  })();
  const counted = await page.evaluate(async (ms) => {
    const times: number[] = [];
    for (let now = 0; times.length < 2 || now - (times[0] as number) < ms; times.push(now))
      now = await new Promise<number>(requestAnimationFrame);
    return times;
  }, WATCHED_MS);
  over = true;
  await acting;
  const gaps = counted.slice(1).map((time, at) => time - (counted[at] as number));
  const lasted = (counted.at(-1) as number) - (counted[0] as number);
  return { perSecond: (gaps.length * 1000) / lasted, worst: Math.max(...gaps) };
}

/** Pushes the picture to and fro. */
async function drag(page: Page): Promise<void> {
  const box = await page.getByRole('region', { name: 'Topology' }).boundingBox();
  if (!box) throw new Error('There is no canvas.');
  const [x, y] = [box.x + box.width / 2, box.y + 70];
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let step = 0; step < 20; step++) await page.mouse.move(x + 6 * step, y + 3 * step);
  for (let step = 20; step > 0; step--) await page.mouse.move(x + 6 * step, y + 3 * step);
  await page.mouse.up();
}
