/** How many lookups a second does the index answer, with 10 and with 1 000 000 files? How fast can they be registered? */
import { connect, type Socket } from 'node:net';
import { exchangeOnce, load } from './lib/load';
import { interleave, seconds, show, spread } from './lib/measure';
import { cpuSeconds, freePort, proportionalMemory, startNode } from './lib/programs';
import { printTable } from './lib/table';

const ROUNDS = 3;
const ROUND_MS = 2000;
const PIPELINE = 64;
const sizes = [10, 100_000, 1_000_000];

const rows: string[][] = [];
for (const files of sizes) {
  const index = await startNode('index', '--port', String(await freePort()), '--no-monitor');
  const port = index.ports.tcp as number;
  const registration = await seconds(() => register(port, files));
  const name = (): string => `file-${Math.floor(Math.random() * files)}.bin`;
  const cpuBefore = cpuSeconds(index.pid);
  let answered = 0;
  const results = await interleave(ROUNDS, {
    connection: async () => {
      const { perSecond, latencies } = await load(32, ROUND_MS, () =>
        exchangeOnce(port, `HELLO\nGET ${name()}\n`, (_received, text) => text.includes('\nSERVER ')),
      );
      answered += latencies.length;
      return perSecond;
    },
    pipelined: async () => {
      const perSecond = await pipelined(port, name);
      answered += (perSecond * ROUND_MS) / 1000;
      return perSecond;
    },
  });
  const cpu = ((cpuSeconds(index.pid) - cpuBefore) / answered) * 1e6;
  rows.push([
    files.toLocaleString('en'),
    registration.toFixed(2),
    show(results.connection, 0),
    show(results.pipelined, 0),
    cpu.toFixed(1),
    (proportionalMemory(index.pid).private / 2 ** 20).toFixed(0),
  ]);
  index.process.kill('SIGKILL');
}

const delta = await measureDelta();
printTable(
  'Index: registering and lookups',
  [
    'files',
    'register all, s',
    'lookups/s, a connection each',
    `lookups/s, ${PIPELINE} pipelined`,
    'µs CPU each',
    'private MiB',
  ],
  rows,
  [
    `one more file after 100 000: ${show(delta, 2)} ms until the index answers for it (a delta on the open connection)`,
    'the load generator is one Node process: of a connection each, it is the limit as much as the index',
  ],
);
process.exit(0);

async function register(port: number, files: number): Promise<void> {
  const socket = await open(port);
  socket.write('REGISTER CS1 7001 7002\n');
  await line(socket, 'OK REGISTERED');
  for (let at = 0; at < files; ) {
    let batch = '';
    for (const end = Math.min(files, at + 5000); at < end; at++)
      batch += `ADD_FILE CS1 file-${at}.bin ${at}\n`;
    if (!socket.write(batch)) await new Promise((resolve) => socket.once('drain', resolve));
  }
  socket.write('DONE_FILES\n');
  await line(socket, 'OK FILES_ADDED');
  socket.end();
}

/** Milliseconds from one more REGISTER … DONE_FILES of an own server to the first answer that names it. */
async function measureDelta(): Promise<ReturnType<typeof spread>> {
  const index = await startNode('index', '--port', String(await freePort()), '--no-monitor');
  const port = index.ports.tcp as number;
  await register(port, 100_000);
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    const before = performance.now();
    const socket = await open(port);
    socket.write('REGISTER CS2 7101 7102\n');
    await line(socket, 'OK REGISTERED');
    socket.write(`ADD_FILE CS2 extra-${round}.bin 1\nDONE_FILES\n`);
    await line(socket, 'OK FILES_ADDED');
    socket.write(`GET extra-${round}.bin\n`);
    await line(socket, 'SERVER ');
    times.push(performance.now() - before);
    socket.destroy();
  }
  return spread(times);
}

/** Keeps PIPELINE lookups in flight on one connection. */
async function pipelined(port: number, name: () => string): Promise<number> {
  const socket = await open(port);
  const started = performance.now();
  let answers = 0;
  return new Promise((resolve) => {
    const ask = (count: number): void => {
      let batch = '';
      for (let at = 0; at < count; at++) batch += `GET ${name()}\n`;
      socket.write(batch);
    };
    socket.on('data', (chunk) => {
      let lines = 0;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
      answers += lines;
      const elapsed = performance.now() - started;
      if (elapsed < ROUND_MS) return ask(lines);
      socket.destroy();
      resolve((answers / elapsed) * 1000);
    });
    ask(PIPELINE);
  });
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Resolves when a line that starts with `text` has come. */
function line(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = '';
    const onData = (chunk: Buffer): void => {
      received += chunk.toString();
      if (!received.split('\n').some((candidate) => candidate.startsWith(text))) return;
      socket.off('data', onData);
      resolve();
    };
    socket.on('data', onData);
    socket.once('close', () => reject(new Error(`closed before "${text}": ${received}`)));
  });
}
