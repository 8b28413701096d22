/**
 * Failure detectors side by side, in simulated time with seeds: how long until a server that was killed, that hangs,
 * or that is cut off is declared dead; and how many healthy ones are, by the share of packets lost. Everything is the
 * monitor's own code. Where detectors ask others, whole nodes run on the simulated network, since there the answer
 * depends on who reaches whom; elsewhere the monitor's book of heartbeats is driven by hand, which is the same and
 * quicker. Beside the measured figures stands the arithmetic.
 */

import { detectorOf } from '../src/nodes/monitor/detector';
import { Heartbeats } from '../src/nodes/monitor/heartbeats';
import { type MonitorConfig, manifest } from '../src/nodes/monitor/manifest';
import { defaultsOf, HOST, World } from '../src/nodes/shared/testing/micro-cdn-world';
import type { Heartbeat } from '../src/protocol/micro-cdn';
import { seededRandom } from '../src/runtime/random';
import { percentile } from './lib/measure';
import { printTable } from './lib/table';

const HEARTBEAT_MS = 3000;
const HOUR_MS = 3_600_000;
const LOSSES = [0, 0.05, 0.1, 0.2, 0.3];
/** Hours of one server, driven by hand. */
const HOURS = 400;
/** Hours of a whole Micro-CDN, and the servers in it. */
const WORLD_HOURS = 12;
const SERVERS = 8;
const CASES = 200;
/** Asks three others at most, and they must be alive. */
const WITNESSES = 3;
/** A death is noticed in steps of this. */
const STEP_MS = 100;
const GIVE_UP_MS = 60_000;

interface Contender {
  name: string;
  config: MonitorConfig;
}

function contender(name: string, config: Partial<MonitorConfig> = {}): Contender {
  return { name, config: { ...(defaultsOf(manifest.fields) as MonitorConfig), index: null, ...config } };
}

const seed = contender('fixed time-out 8 s (seed)');
const contenders: Contender[] = [
  seed,
  contender('fixed time-out 13 s', { timeoutMs: 13_000 }),
  contender('φ accrual, threshold 3', { detector: 'accrual', threshold: 3 }),
  contender('φ accrual, threshold 8', { detector: 'accrual', threshold: 8 }),
  contender('φ accrual, threshold 16 (default)', { detector: 'accrual' }),
  contender('fixed 8 s, asks 1 other (SWIM)', { confirm: 1 }),
  contender('fixed 8 s, asks 3 others (SWIM)', { confirm: 3 }),
  contender('φ accrual 8, asks 3 others', { detector: 'accrual', threshold: 8, confirm: 3 }),
];

// ── Driven by hand ──────────────────────────────────────────────────────────────────────────────────────

const beat: Heartbeat = { type: 'heartbeat', serverId: 'CS1', host: HOST, tcpPort: 7001, load: 0, files: 0 };

/** One healthy server. Yields the times at which it is declared dead, ms; never ends. */
function* falseDeaths(config: MonitorConfig, loss: number, seed: number): Generator<number> {
  const random = seededRandom(seed);
  const heartbeats = new Heartbeats(detectorOf(config));
  let nextBeat = 0;
  let nextCheck = random() * config.checkMs;
  for (;;) {
    if (nextBeat <= nextCheck) {
      if (random() >= loss) heartbeats.heard(beat, nextBeat, nextBeat);
      nextBeat += HEARTBEAT_MS;
      continue;
    }
    if (heartbeats.check(nextCheck).some(({ what }) => what === 'dead')) yield nextCheck;
    nextCheck += config.checkMs;
  }
}

function perHourByHand(config: MonitorConfig, loss: number): number {
  if (loss === 0) return 0;
  let deaths = 0;
  for (const at of falseDeaths(config, loss, 11)) {
    if (at > HOURS * HOUR_MS) break;
    deaths++;
  }
  return deaths / HOURS;
}

// ── Whole nodes ─────────────────────────────────────────────────────────────────────────────────────────

/**
 * A share p of all packets is lost on the way to and from the monitor. A datagram is one packet. A TCP handshake is
 * two, and one that is sent again comes too late: RFC 6298 waits a second, which is all the time that is given.
 */
function lossy(world: World, loss: number, servers: number): void {
  if (loss === 0) return;
  const ports = Array.from({ length: servers }, (_, n) => ({ host: HOST, port: 7001 + n * 100 }));
  // By where a server listens: of each question only the asking side is narrowed.
  const unanswered = {
    kind: 'black-hole',
    scope: { transport: 'tcp' as const, endpoints: ports },
    pick: { probability: handshakeFails(loss) },
  };
  world.setFaults('monitor', { kind: 'loss', params: { percent: 100 * loss } }, unanswered);
  for (let number = 1; number <= servers; number++) world.setFaults(`CS${number}`, unanswered);
}

function handshakeFails(loss: number): number {
  return 1 - (1 - loss) ** 2;
}

/** A monitor and content servers that beat at different moments of the interval. */
async function begin(config: MonitorConfig, servers: number, seed: number): Promise<World> {
  const world = new World(seed);
  const random = seededRandom(seed ^ 0x5eed);
  await world.monitor(config);
  for (let number = 1; number <= servers; number++) {
    await world.sim.advance(Math.round(random() * HEARTBEAT_MS));
    await world.content(number, { index: null });
  }
  return world;
}

function forget(world: World, servers: number): void {
  const names = ['monitor', ...Array.from({ length: servers }, (_, n) => `CS${n + 1}`)];
  for (const name of names) {
    const { events, logs, traces } = world.recorded(name);
    for (const list of [events, logs, traces]) list.length = 0;
  }
}

async function perHourInWorld(config: MonitorConfig, loss: number): Promise<number> {
  if (loss === 0) return 0;
  const world = await begin(config, SERVERS, 11);
  lossy(world, loss, SERVERS);
  let deaths = 0;
  for (let minute = 0; minute < WORLD_HOURS * 60; minute++) {
    await world.sim.advance(60_000);
    deaths += world.events('monitor', 'server-down').length;
    forget(world, SERVERS);
  }
  return deaths / (WORLD_HOURS * SERVERS);
}

type Trouble = 'killed' | 'hangs' | 'cut off from the monitor' | 'cut off from all';
const troubles: Trouble[] = ['killed', 'hangs', 'cut off from the monitor', 'cut off from all'];

function befall(world: World, trouble: Trouble): void {
  if (trouble === 'killed') return world.crash('CS1');
  if (trouble === 'hangs') return world.setFaults('CS1', { kind: 'hang' });
  const endpoints = [6000, 6001].map((port) => ({ host: HOST, port }));
  if (trouble === 'cut off from all') return world.setFaults('CS1', { kind: 'partition' });
  // Both ends: what the monitor dials is not known by a port of the server's own.
  world.setFaults('CS1', { kind: 'partition', scope: { endpoints } });
  world.setFaults('monitor', { kind: 'partition', scope: { endpoints: [{ host: HOST, port: 7001 }] } });
}

/** Median and 99th percentile of the time until the monitor says SERVER_DOWN. */
async function detection({ config }: Contender, trouble: Trouble): Promise<string> {
  const servers = config.confirm > 0 ? 1 + WITNESSES : 1;
  // An accrual detector has to learn first.
  const calmMs = config.detector === 'accrual' ? 180_000 : 20_000;
  const times: number[] = [];
  for (let seed = 1; seed <= CASES; seed++) {
    const world = await begin(config, servers, seed);
    await world.sim.advance(calmMs + Math.round(seededRandom(seed)() * HEARTBEAT_MS));
    forget(world, servers);
    befall(world, trouble);
    for (let waited = STEP_MS; waited <= GIVE_UP_MS; waited += STEP_MS) {
      await world.sim.advance(STEP_MS);
      if (world.events('monitor', 'server-down').length === 0) continue;
      times.push(waited / 1000);
      break;
    }
  }
  if (times.length === 0) return `never in ${GIVE_UP_MS / 1000} s`;
  const figures = `${percentile(times, 0.5).toFixed(1)} / ${percentile(times, 0.99).toFixed(1)} s`;
  return times.length === CASES ? figures : `${figures} (${times.length} of ${CASES})`;
}

// ── Tables ──────────────────────────────────────────────────────────────────────────────────────────────

const rows: string[][] = [];
for (const each of contenders) {
  const cells: string[] = [];
  for (const trouble of troubles) cells.push(await detection(each, trouble));
  rows.push([each.name, ...cells]);
}
printTable(
  `Until a server is declared dead: median / p99 of ${CASES} simulated cases, no packet lost otherwise`,
  ['detector', ...troubles],
  rows,
  [
    `A heartbeat every ${HEARTBEAT_MS / 1000} s, looked at every second.`,
    'Cut off from the monitor alone, a server is not dead: who asks others rightly spares it.',
  ],
);

const perHour: string[][] = [];
for (const { name, config } of contenders) {
  const cells: string[] = [];
  for (const loss of LOSSES) {
    const deaths = config.confirm > 0 ? await perHourInWorld(config, loss) : perHourByHand(config, loss);
    cells.push(deaths.toFixed(2));
  }
  perHour.push([name, ...cells]);
}
/** After each beat that arrives, two are lost in a row, which is 9 s of silence. */
const bySilence = (loss: number): number => (HOUR_MS / HEARTBEAT_MS) * loss ** 2 * (1 - loss);
/** … and the monitor's handshake fails, and every witness's question, handshake or answer. */
const byNobody = (loss: number, others: number): number => {
  const fails = handshakeFails(loss);
  return bySilence(loss) * fails * (1 - (1 - loss) ** 2 * (1 - fails)) ** others;
};
printTable(
  'False deaths of a healthy server per hour, by the share of packets lost',
  ['detector', ...LOSSES.map((loss) => `${loss * 100} % lost`)],
  [
    ...perHour,
    ['arithmetic, 8 s: 1200 p² (1 − p)', ...LOSSES.map((loss) => bySilence(loss).toFixed(2))],
    ['… asks 1 other', ...LOSSES.map((loss) => byNobody(loss, 1).toFixed(2))],
    ['… asks 3 others', ...LOSSES.map((loss) => byNobody(loss, 3).toFixed(2))],
  ],
  [
    `From ${HOURS} hours of one server; where others are asked, ${WORLD_HOURS} hours of ${SERVERS} servers.`,
    'A handshake that loses one of its two packets fails: q = 1 − (1 − p)². A witness fails with w = 1 − (1 − p)² (1 − q).',
    'With n others asked, false deaths are 1200 p² (1 − p) q wⁿ per hour.',
  ],
);

const lossy8 = LOSSES.filter((loss) => loss > 0);
printTable(
  'Mean time to the first false SERVER_DOWN by the rule of 8 s, seconds',
  ['', ...lossy8.map((loss) => `${loss * 100} % lost`)],
  [
    ['simulated, 1000 runs', ...lossy8.map((loss) => meanFirstDeath(loss).toFixed(0))],
    ['arithmetic: 3 (1 + p) / p²', ...lossy8.map((loss) => ((3 * (1 + loss)) / loss ** 2).toFixed(0))],
  ],
);

function meanFirstDeath(loss: number): number {
  let sum = 0;
  for (let run = 1; run <= 1000; run++) sum += (falseDeaths(seed.config, loss, run).next().value ?? 0) / 1000;
  return sum / 1000;
}
