/**
 * Failure detectors side by side, in simulated time with seeds: how long until a server that was killed, that
 * hangs, or that is cut off from the monitor is declared dead; and how many healthy ones are, by the share of
 * heartbeats lost. Beside the measured figures stands the arithmetic of the fixed time-out.
 */
import { AccrualDetector } from '../src/protocol/accrual-detector';
import { type FailureDetector, TimeoutDetector } from '../src/protocol/failure-detector';
import { seededRandom } from '../src/runtime/random';
import { percentile } from './lib/measure';
import { printTable } from './lib/table';

const HEARTBEAT_MS = 3000;
const CHECK_MS = 1000;
const HOUR_MS = 3_600_000;
const LOSSES = [0, 0.05, 0.1, 0.2, 0.3];
const HOURS = 400;
const KILLS = 2000;

interface Contender {
  name: string;
  make(): FailureDetector;
  /** Others that are asked about a suspect; undefined: silence is enough. */
  witnesses?: number;
}

const accrual = (threshold: number) => (): FailureDetector =>
  new AccrualDetector({
    threshold,
    suspectThreshold: 1,
    window: 200,
    minDeviationMs: HEARTBEAT_MS / 4,
    firstIntervalMs: HEARTBEAT_MS,
    pauseMs: 0,
  });
const timeout = (deadAfterMs: number, suspectAfterMs: number) => (): FailureDetector =>
  new TimeoutDetector({ deadAfterMs, suspectAfterMs });

const contenders: Contender[] = [
  { name: 'fixed time-out 8 s (seed)', make: timeout(8000, 4000) },
  { name: 'fixed time-out 13 s', make: timeout(13_000, 6500) },
  { name: 'φ accrual, threshold 3', make: accrual(3) },
  { name: 'φ accrual, threshold 8', make: accrual(8) },
  { name: 'φ accrual, threshold 16', make: accrual(16) },
  { name: 'fixed 8 s, asked itself', make: timeout(8000, 7000), witnesses: 0 },
  { name: 'fixed 8 s, and 2 others (SWIM)', make: timeout(8000, 7000), witnesses: 2 },
];

/** What is the matter with the server. */
type Trouble = 'none' | 'killed' | 'hangs' | 'cut off from the monitor';

interface Outcome {
  /** Times at which a server was declared dead, ms. */
  deaths: number[];
}

/** One server and one monitor. Until `troubleAt` the server is well. */
function simulate(
  { make, witnesses }: Contender,
  options: { loss: number; untilMs: number; seed: number; trouble?: Trouble; troubleAt?: number },
): Outcome {
  const { loss, untilMs, seed, trouble = 'none', troubleAt = Number.POSITIVE_INFINITY } = options;
  const random = seededRandom(seed);
  const detector = make();
  const deaths: number[] = [];
  const phase = random() * CHECK_MS;
  let nextBeat = 0;
  let nextCheck = phase;
  while (Math.min(nextBeat, nextCheck) < untilMs) {
    if (nextBeat <= nextCheck) {
      if (nextBeat < troubleAt && random() >= loss) detector.observe('CS1', nextBeat);
      nextBeat += HEARTBEAT_MS;
      continue;
    }
    const now = nextCheck;
    nextCheck += CHECK_MS;
    for (const { to } of detector.check(now)) {
      if (to === 'dead') deaths.push(now);
      else if (
        witnesses !== undefined &&
        vouched(now >= troubleAt ? trouble : 'none', witnesses, loss, random)
      ) {
        detector.observe('CS1', now);
      }
    }
    if ((deaths.at(-1) ?? 0) >= troubleAt) break;
  }
  return { deaths };
}

/** Whether the monitor, or one of the others, gets an answer from the suspect. */
function vouched(trouble: Trouble, witnesses: number, loss: number, random: () => number): boolean {
  if (trouble === 'killed' || trouble === 'hangs') return false;
  // The monitor asks over TCP, which sends again what is lost.
  if (trouble === 'none') return true;
  // A witness is asked, and answers, by one datagram each.
  return Array.from({ length: witnesses }, () => random() >= loss && random() >= loss).some(Boolean);
}

function detection(contender: Contender, trouble: Trouble, loss: number): string {
  const times: number[] = [];
  for (let seed = 1; seed <= KILLS; seed++) {
    // Long enough before for an accrual detector to have learnt, and at every phase of the heartbeat.
    const troubleAt = 300_000 + seededRandom(seed ^ 0x5eed)() * HEARTBEAT_MS;
    const untilMs = troubleAt + 120_000;
    const { deaths } = simulate(contender, { loss, untilMs, seed, trouble, troubleAt });
    const after = deaths.find((at) => at >= troubleAt);
    if (after !== undefined) times.push((after - troubleAt) / 1000);
  }
  if (times.length < KILLS / 2)
    return `not within 2 min (${((100 * times.length) / KILLS).toFixed(0)} % were)`;
  return `${percentile(times, 0.5).toFixed(1)} / ${percentile(times, 0.99).toFixed(1)} s`;
}

const troubles = ['killed', 'hangs', 'cut off from the monitor'] as const;
printTable(
  `Until a server is declared dead: median / p99 of ${KILLS} simulated cases, no heartbeat lost otherwise`,
  ['detector', ...troubles, 'killed, at 10 % loss'],
  contenders.map((contender) => [
    contender.name,
    ...troubles.map((trouble) => detection(contender, trouble, 0)),
    detection(contender, 'killed', 0.1),
  ]),
  [
    `A heartbeat every ${HEARTBEAT_MS / 1000} s, looked at every ${CHECK_MS / 1000} s.`,
    'Cut off from the monitor alone, a server is not dead: with witnesses it is rightly spared.',
  ],
);

printTable(
  `False deaths of a healthy server per hour, from ${HOURS} simulated hours each`,
  ['detector', ...LOSSES.map((loss) => `${loss * 100} % lost`)],
  [
    ...contenders.map((contender) => [
      contender.name,
      ...LOSSES.map((loss) =>
        (simulate(contender, { loss, untilMs: HOURS * HOUR_MS, seed: 11 }).deaths.length / HOURS).toFixed(2),
      ),
    ]),
    [
      'arithmetic of 8 s: 1200 p² (1 − p)',
      ...LOSSES.map((loss) => ((HOUR_MS / HEARTBEAT_MS) * loss ** 2 * (1 - loss)).toFixed(2)),
    ],
  ],
  ['Two heartbeats lost in a row, after one that arrived, are 9 s of silence: a death by the rule of 8 s.'],
);

const lossy = LOSSES.filter((loss) => loss > 0);
printTable(
  'Mean time to the first false SERVER_DOWN by the rule of 8 s, seconds',
  ['', ...lossy.map((loss) => `${loss * 100} % lost`)],
  [
    ['simulated, 1000 runs', ...lossy.map((loss) => meanFirstDeath(loss).toFixed(0))],
    ['arithmetic: 3 (1 + p) / p²', ...lossy.map((loss) => ((3 * (1 + loss)) / loss ** 2).toFixed(0))],
  ],
);

function meanFirstDeath(loss: number): number {
  const [seedRule] = contenders;
  if (!seedRule) throw new Error('The first contender is the rule of the seed.');
  let sum = 0;
  for (let seed = 1; seed <= 1000; seed++) {
    let untilMs = (8 * 3000 * (1 + loss)) / loss ** 2;
    let first: number | undefined;
    while (first === undefined) {
      [first] = simulate(seedRule, { loss, untilMs, seed }).deaths;
      untilMs *= 4;
    }
    sum += first / 1000;
  }
  return sum / 1000;
}
