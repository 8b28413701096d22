/** The command line with real processes: the seed's own commands, failures in the middle, and bad input. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from '@playwright/test';
import { freePort } from './programs';
import { makeScratchFolder, removeScratchFolder } from './scratch-folder';

interface Finished {
  code: number | null;
  out: string;
  err: string;
}

let folder: string;
const running = new Set<ChildProcess>();

test.beforeEach(() => {
  folder = makeScratchFolder();
});
test.afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
  removeScratchFolder(folder);
});

function launch(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['out/main/cli.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

function finish(child: ChildProcess): Promise<Finished> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

/** Starts a node and resolves at its READY line. */
async function start(...args: string[]): Promise<{ child: ChildProcess; ready: string }> {
  const child = launch(...args);
  child.stderr?.resume();
  if (!child.stdout) throw new Error('Standard output is piped.');
  const ready = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)));
  });
  return { child, ready };
}

interface Network {
  index: number;
  servers: Map<string, ChildProcess>;
  folders: Map<string, string>;
}

/** Index, monitor and content servers in the fast profile, every server with a folder of its own. */
async function startNetwork(ids: string[], ...contentFlags: string[]): Promise<Network> {
  const [index, udp, tcp] = [await freePort(), await freePort(), await freePort()];
  const network: Network = { index, servers: new Map(), folders: new Map() };
  expect((await start('index', '--port', `${index}`, '--monitor-tcp-port', `${tcp}`)).ready).toBe(
    `READY index tcp=${index}`,
  );
  await start(
    ...['monitor', '--udp-port', `${udp}`, '--tcp-port', `${tcp}`, '--index-port', `${index}`],
    ...['--timeout-ms', '250', '--check-ms', '0'],
  );
  for (const id of ids) {
    const files = join(folder, id);
    mkdirSync(files, { recursive: true });
    network.folders.set(id, files);
  }
  const begin = async (id: string): Promise<void> => {
    const { child } = await start(
      ...[
        'content',
        '--server-id',
        id,
        '--tcp-port',
        `${await freePort()}`,
        '--udp-port',
        `${await freePort()}`,
      ],
      ...[
        '--files',
        join(folder, id),
        '--index-port',
        `${index}`,
        '--monitor-udp-port',
        `${udp}`,
        '--heartbeat-ms',
        '50',
      ],
      ...contentFlags,
    );
    network.servers.set(id, child);
  };
  for (const id of ids) await begin(id);
  return network;
}

/** One line asked of the index, and its answer. */
function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${line}\n`));
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString().trim());
    });
    socket.once('error', reject);
    socket.once('close', () =>
      reject(Object.assign(new Error('closed without an answer'), { code: 'CLOSED' })),
    );
  });
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('a file is fetched whole, its path comes last, and what is missing fails', async () => {
  const network = await startNetwork(['CS1']);
  const content = randomBytes(5 << 20);
  writeFileSync(join(folder, 'CS1', 'my film äö.bin'), content);
  await expect
    .poll(() => ask(network.index, 'GET my film äö.bin'))
    .toMatch(/^SERVER 127\.0\.0\.1 \d+ CS1 5242880$/);

  const out = join(folder, 'out');
  const args = ['--index-port', `${network.index}`, '--out', out];
  const got = await finish(launch('client', 'my film äö.bin', ...args));
  expect(got.code).toBe(0);
  const path = got.out.trim().split('\n').at(-1) as string;
  expect(path).toBe(join(out, 'my film äö.bin'));
  expect(sha256(readFileSync(path))).toBe(sha256(content));
  expect(got.err).toContain(sha256(content));

  const missing = await finish(launch('client', 'nothing.bin', ...args));
  expect(missing.code).toBe(1);
  expect(missing.out).toBe('');
  expect(readdirSync(out)).toEqual(['my film äö.bin']);
});

test('kill -9 of the server in the middle of a file: the rest comes from the other, byte for byte', async () => {
  // Slow enough that there is a middle.
  const network = await startNetwork(['CS1', 'CS2'], '--fault', 'bandwidth:rate=2000');
  const content = randomBytes(16 << 20);
  writeFileSync(join(folder, 'CS1', 'film.bin'), content);
  await expect.poll(() => ask(network.index, 'GET film.bin')).toMatch(/ CS1 /);

  const out = join(folder, 'out');
  const client = launch('client', 'film.bin', '--index-port', `${network.index}`, '--out', out);
  const finished = finish(client);
  // The unfinished file is beside the place of the finished one, under another name.
  const partial = (): boolean => existsSync(out) && readdirSync(out).some((name) => name.endsWith('.part'));
  await expect.poll(partial, { intervals: [10] }).toBe(true);
  writeFileSync(join(folder, 'CS2', 'film.bin'), content);
  await expect
    .poll(async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(network.index, 'GET film.bin')));
      return answers.some((answer) => answer.includes(' CS2 '));
    })
    .toBe(true);
  expect(client.exitCode).toBeNull();
  network.servers.get('CS1')?.kill('SIGKILL');
  const { code, out: printed, err } = await finished;
  expect(err).toContain('CS2');
  expect(code).toBe(0);
  expect(sha256(readFileSync(printed.trim().split('\n').at(-1) as string))).toBe(sha256(content));
  expect(readdirSync(out)).toEqual(['film.bin']);
});

test('200 clients at once all get the whole file', async () => {
  const network = await startNetwork(['CS1', 'CS2']);
  const content = randomBytes(1 << 20);
  for (const id of ['CS1', 'CS2']) writeFileSync(join(folder, id, 'clip.bin'), content);
  await expect.poll(() => ask(network.index, 'GET clip.bin')).toMatch(/^SERVER /);
  const expected = sha256(content);
  const fetchOne = async (): Promise<string> => {
    const [, host, port] = (await ask(network.index, 'GET clip.bin')).split(' ');
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = connect(Number(port), host as string, () => socket.write('GET clip.bin\n'));
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('end', () => {
        const reply = Buffer.concat(chunks);
        resolve(sha256(reply.subarray(reply.indexOf('\n') + 1)));
      });
      socket.on('error', reject);
    });
  };
  const hashes = await Promise.all(Array.from({ length: 200 }, fetchOne));
  expect(hashes.filter((hash) => hash !== expected)).toEqual([]);
});

test('Ctrl-C drains: the client that is there is finished, no new one is taken, and the exit is clean', async () => {
  const network = await startNetwork(['CS1']);
  const content = Buffer.alloc(64 << 20, 'drain');
  writeFileSync(join(folder, 'CS1', 'long.bin'), content);
  await expect.poll(() => ask(network.index, 'GET long.bin')).toMatch(/^SERVER /);
  const port = Number((await ask(network.index, 'GET long.bin')).split(' ')[2]);

  const socket = connect(port, '127.0.0.1', () => socket.write('GET long.bin\n'));
  const chunks: Buffer[] = [];
  socket.once('data', (chunk) => {
    chunks.push(chunk);
    socket.pause();
  });
  await expect.poll(() => chunks.length).toBe(1);
  const server = network.servers.get('CS1') as ChildProcess;
  const exit = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGINT');
  await expect
    .poll(() =>
      ask(port, 'GET long.bin').then(
        () => 'served',
        (error: { code: string }) => error.code,
      ),
    )
    .toBe('ECONNREFUSED');
  await expect.poll(() => ask(network.index, 'GET long.bin')).toBe('ERROR FILE_NOT_FOUND');
  socket.on('data', (chunk) => chunks.push(chunk));
  const ended = new Promise((resolve) => socket.once('end', resolve));
  socket.resume();
  await ended;
  const reply = Buffer.concat(chunks);
  expect(reply.length).toBe(`OK ${content.length}\n`.length + content.length);
  expect(await exit).toBe(0);
});

test('mistakes are answered with what to do, and exit code 2', async () => {
  for (const [args, message] of [
    [['index', '--prot', '5050'], 'Did you mean --port?'],
    [['indx'], 'Did you mean index?'],
    [['content', '--server-id', 'CS1'], '--files DIR is needed'],
    [['monitor', '--timeout-ms', 'soon'], 'takes a number'],
    [['panel', '--prot', '1'], 'Did you mean --port?'],
  ] as const) {
    const { code, err } = await finish(launch(...args));
    expect(err).toContain(message);
    expect(code).toBe(2);
  }
  for (const args of [['--help'], ['index', '--help'], ['panel', '--help'], ['client', '--help']]) {
    const { code, out } = await finish(launch(...args));
    expect(code).toBe(0);
    expect(out).toContain('Usage: micro-cdn');
  }
  expect((await finish(launch('--version'))).out.trim()).toMatch(/^\d+\.\d+\.\d+$/);
});

test('a port that is taken is named, with the flag that changes it', async () => {
  const port = await freePort();
  const holder = createServer().listen(port, '127.0.0.1');
  const { code, err } = await finish(launch('index', '--port', `${port}`));
  expect(code).toBe(1);
  expect(err).toContain(`port ${port} is in use`);
  expect(err).toContain('--port');
  await new Promise((resolve) => holder.close(resolve));
});

test('what a peer sends is shown in the log and not obeyed by the terminal', async () => {
  const port = await freePort();
  const { child } = await start('index', '--port', `${port}`, '--no-monitor', '--verbose');
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  await ask(port, 'GET \x1b]0;pwned\x07.txt');
  await expect.poll(() => log).toContain('No server for \\x1b]0;pwned\\x07.txt');
  expect(log).toContain('GET \\x1b]0;pwned\\x07.txt');
  expect(log).not.toContain('\x1b');
});

test('a node whose log nobody reads any more goes on, and still stops when told to', async () => {
  const port = await freePort();
  const { child } = await start('index', '--port', `${port}`, '--no-monitor', '--verbose');
  child.stderr?.destroy();
  child.stdout?.destroy();
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('HELLO\n'));
      socket.once('data', (bytes) => {
        resolve(bytes.toString('utf8'));
        socket.destroy();
      });
      socket.once('error', reject);
    });
  // The first answer makes it write to its log, the second shows that it survived that.
  expect(await ask()).toBe('WELCOME MICRO-CDN\n');
  expect(await ask()).toBe('WELCOME MICRO-CDN\n');
  const ended = finish(child);
  child.kill('SIGINT');
  expect((await ended).code).toBe(0);
});
