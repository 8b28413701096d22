/**
 * Do injected faults do what they say? Latency, bandwidth and loss on real sockets, between two networks in one
 * process, and what the possibility of faults costs while none is set.
 */
import { systemClock } from '../src/runtime/clock';
import type { Connection, Network, NodeContext } from '../src/runtime/context';
import { createFaultyContext } from '../src/runtime/faulty-context';
import { FlowMeter } from '../src/runtime/flow-meter';
import { systemNetwork } from '../src/runtime/network';
import { seededRandom } from '../src/runtime/random';
import { interleave, percentile, show } from './lib/measure';
import { printTable } from './lib/table';

const anyPort = { host: '127.0.0.1', port: 0 };

const sound: Network = systemNetwork(new FlowMeter());
const { context, setFaults } = createFaultyContext({
  net: systemNetwork(new FlowMeter()),
  clock: systemClock,
  random: seededRandom(1),
  telemetry: { count: () => {}, publish: () => ({ changed: () => {} }), event: () => {}, trace: () => {} },
} as unknown as NodeContext);

function set(kind: string, params: Record<string, unknown>, scope = {}): void {
  setFaults([{ id: kind, kind, node: 'bench', scope, params, enabled: true }]);
}

async function pair(dialling: Network): Promise<{ near: Connection; far: Connection }> {
  let accepted: ((connection: Connection) => void) | undefined;
  const taken = new Promise<Connection>((resolve) => {
    accepted = resolve;
  });
  const listener = await sound.listen(anyPort, (connection) => accepted?.(connection));
  const near = await dialling.connect(listener.local, { receiveBufferSize: 1 << 20 });
  const far = await taken;
  await listener.close();
  return { near, far };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function latency(delay: number): Promise<number> {
  const { near, far } = await pair(context.net);
  near.handle({ data: () => {} });
  let sentAt = 0;
  let arrived: (() => void) | undefined;
  const times: number[] = [];
  far.handle({
    data: () => {
      times.push(performance.now() - sentAt);
      arrived?.();
    },
  });
  set('latency', { delay }, { direction: 'out' });
  for (let round = 0; round < 40; round++) {
    const answer = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    sentAt = performance.now();
    near.write('x');
    await answer;
  }
  setFaults([]);
  near.destroy();
  far.destroy();
  return percentile(times, 0.5);
}

/** kB/s over five seconds, after the first half second. */
async function bandwidth(rate: number): Promise<number> {
  const { near, far } = await pair(context.net);
  near.handle({ data: () => {} });
  let received = 0;
  far.handle({
    data: (bytes) => {
      received += bytes.length;
    },
  });
  set('bandwidth', { rate }, { direction: 'out' });
  let sending = true;
  const chunk = new Uint8Array(256 * 1024);
  const pump = (async () => {
    while (sending) await near.send(chunk);
  })();
  await pause(500);
  const [before, from] = [received, performance.now()];
  await pause(5000);
  const result = (received - before) / (performance.now() - from);
  sending = false;
  setFaults([]);
  await pump;
  near.destroy();
  far.destroy();
  return result;
}

/** Datagrams that arrived, of 4000. */
async function loss(percent: number): Promise<number> {
  let arrived = 0;
  const receiver = await sound.bind(anyPort, () => {
    arrived++;
  });
  const sender = await context.net.bind(anyPort, () => {});
  set('loss', { percent });
  for (let sent = 0; sent < 4000; sent++) {
    sender.send('x', receiver.local);
    // What the socket's own buffer loses is no fault of the fault.
    if (sent % 50 === 49) await settled(() => arrived);
  }
  await pause(100);
  setFaults([]);
  await receiver.close();
  await sender.close();
  return arrived;
}

/** Resolves when a number grows no more. */
async function settled(read: () => number): Promise<void> {
  let before: number;
  do {
    before = read();
    await pause(2);
  } while (read() > before);
}

/** CPU seconds of this process for moving so many bytes: steadier than the rate, on a machine that is shared. */
async function bulkCost(net: Network, bytes: number): Promise<number> {
  const { near, far } = await pair(net);
  const chunk = new Uint8Array(1 << 20);
  let received = 0;
  const done = new Promise<void>((resolve) =>
    near.handle({
      data: (lent) => {
        received += lent.length;
        if (received >= bytes) resolve();
      },
    }),
  );
  far.handle({ data: () => {} });
  const before = process.cpuUsage();
  for (let sent = 0; sent < bytes; sent += chunk.length) await far.send(chunk);
  await done;
  const cost = cpuSince(before);
  near.destroy();
  far.destroy();
  return cost;
}

/** CPU seconds for so many small requests, each answered before the next. */
async function exchangeCost(net: Network, count: number): Promise<number> {
  const { near, far } = await pair(net);
  far.handle({ data: () => far.write('OK\n') });
  let left = count;
  const before = process.cpuUsage();
  await new Promise<void>((resolve) => {
    near.handle({
      data: () => {
        left--;
        if (left === 0) resolve();
        else near.write('GET a\n');
      },
    });
    near.write('GET a\n');
  });
  const cost = cpuSince(before);
  near.destroy();
  far.destroy();
  return cost;
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const rows: string[][] = [];
for (const delay of [5, 20, 100, 500]) {
  const median = await latency(delay);
  const error = Math.abs(median - delay);
  rows.push([
    `latency ${delay} ms`,
    `${median.toFixed(2)} ms`,
    `${error.toFixed(2)} ms`,
    'within 2 ms or 5 %',
    verdict(error <= Math.max(2, 0.05 * delay)),
  ]);
}
for (const rate of [50, 1000, 20_000]) {
  const measured = await bandwidth(rate);
  const error = Math.abs(measured / rate - 1);
  rows.push([
    `bandwidth ${rate} kB/s`,
    `${measured.toFixed(1)} kB/s`,
    `${(100 * error).toFixed(2)} %`,
    'within 3 % over 5 s',
    verdict(error <= 0.03),
  ]);
}
for (const percent of [1, 5, 20, 50]) {
  const lost = 4000 - (await loss(percent));
  const expected = 40 * percent;
  const deviation = Math.sqrt(4000 * (percent / 100) * (1 - percent / 100));
  rows.push([
    `loss ${percent} %`,
    `${(lost / 40).toFixed(2)} %`,
    `${(Math.abs(lost - expected) / deviation).toFixed(2)} σ`,
    'within 3 σ (binomial)',
    verdict(Math.abs(lost - expected) <= 3 * deviation),
  ]);
}
printTable('Faults do what they say', ['set', 'measured', 'off by', 'target', ''], rows);

setFaults([]);
const bulk = await interleave(31, {
  without: () => bulkCost(sound, 512 << 20),
  with: () => bulkCost(context.net, 512 << 20),
});
const small = await interleave(31, {
  without: () => exchangeCost(sound, 10_000),
  with: () => exchangeCost(context.net, 10_000),
});
const more = ({ without, with: faulty }: typeof bulk): string =>
  `${(100 * (faulty.median / without.median - 1)).toFixed(1)} %, of minima ${(100 * (faulty.min / without.min - 1)).toFixed(1)} %`;
printTable(
  'What faults cost while none is set: CPU seconds, median (min–max) of 31 interleaved rounds',
  ['', 'without', 'with', 'more', 'target'],
  [
    ['512 MiB in one connection', show(bulk.without, 3), show(bulk.with, 3), more(bulk), '< 2 %'],
    ['10 000 exchanges of a few bytes', show(small.without, 3), show(small.with, 3), more(small), '< 2 %'],
  ],
);
process.exit(0);

function verdict(holds: boolean): string {
  return holds ? 'holds' : 'MISSED';
}
