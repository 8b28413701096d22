import { createHash, randomBytes } from 'node:crypto';
import { readFile, unlink, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../runtime/clock';
import type { CreateNode, Log, NodeContext, NodeProgram } from '../../runtime/context';
import { systemFiles } from '../../runtime/files';
import { FlowMeter } from '../../runtime/flow-meter';
import { systemHashing } from '../../runtime/hashing';
import { systemNetwork } from '../../runtime/network';
import { seededRandom } from '../../runtime/random';
import { scratchFolder } from '../../testing/scratch-folder';
import { manifest as clientManifest, type DownloadResult } from '../client/manifest';
import { createNode as createClient } from '../client/node';
import { manifest as contentManifest } from '../content-server/manifest';
import { createNode as createContent } from '../content-server/node';
import { manifest as indexManifest } from '../index-server/manifest';
import { createNode as createIndex } from '../index-server/node';
import { manifest as monitorManifest } from '../monitor/manifest';
import { createNode as createMonitor } from '../monitor/node';
import { defaultsOf } from './testing/micro-cdn-world';

/** The same programs on real sockets, a real clock and a real disk; nothing here asserts how long a thing takes. */
const HOST = '127.0.0.1';
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let root: string;
let programs: NodeProgram[];
let sockets: Socket[];
beforeEach(async () => {
  root = await scratchFolder();
  programs = [];
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const program of programs.reverse()) await program.stop();
});

interface Running {
  program: NodeProgram;
  ports: Record<string, number>;
  snapshot(): Record<string, unknown>;
}

async function start<C>(createNode: CreateNode<C>, config: Record<string, unknown>): Promise<Running> {
  let read = (): Record<string, unknown> => ({});
  const context: NodeContext = {
    net: systemNetwork(new FlowMeter()),
    clock: systemClock,
    files: systemFiles(silent),
    hashing: systemHashing(),
    log: silent,
    random: seededRandom(7),
    telemetry: {
      count: () => {},
      publish: (publish) => {
        read = publish;
        return { changed: () => {} };
      },
      event: () => {},
      trace: () => {},
      hop: () => {},
      asked: () => undefined,
      answered: () => {},
    },
  };
  const program = createNode(config as C, context);
  const ports = await program.start();
  programs.push(program);
  return { program, ports, snapshot: () => read() };
}

const startIndex = () => start(createIndex, { ...defaultsOf(indexManifest.fields), tcpPort: 0 });

async function startContent(
  id: string,
  index: Running,
  more: Record<string, unknown> = {},
): Promise<Running> {
  const content = await start(createContent, {
    ...defaultsOf(contentManifest.fields),
    ...{ serverId: id, tcpPort: 0, udpPort: 0, files: join(root, id) },
    index: { host: HOST, port: index.ports.tcp },
    ...more,
  });
  await vi.waitFor(() => expect(content.snapshot().index).toBe('registered'), 10_000);
  return content;
}

function startClient(index: Running): Promise<Running> {
  const link = { host: HOST, port: index.ports.tcp };
  return start(createClient, { ...defaultsOf(clientManifest.fields), index: link, out: join(root, 'out') });
}

function download(client: Running, name: string, folder?: string): Promise<DownloadResult> {
  const run = client.program.operations?.download as (
    input: object,
    scope: object,
  ) => Promise<DownloadResult>;
  return run({ name, folder }, { signal: new AbortController().signal, progress: () => {} });
}

async function put(id: string, name: string, bytes: Uint8Array | string): Promise<void> {
  await systemFiles(silent).folder(join(root, id));
  await writeFile(join(root, id, name), bytes);
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function dial(port: number | undefined): Socket {
  const socket = connect({ host: HOST, port: port as number, allowHalfOpen: true });
  socket.on('error', () => {});
  sockets.push(socket);
  return socket;
}

/** Everything that a socket receives until its peer ends. */
async function received(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

describe('on real sockets and disks', () => {
  it('downloads a large file whole, and to 200 clients at once', async () => {
    const large = randomBytes(20_000_000);
    const one = randomBytes(1 << 20);
    await put('CS1', 'large.bin', large);
    await put('CS1', 'one.bin', one);
    const index = await startIndex();
    await startContent('CS1', index);
    const client = await startClient(index);
    const result = await download(client, 'large.bin');
    expect(result).toMatchObject({ size: large.length, sha256: sha256(large) });
    expect(result.verified).toContain('hash');
    expect((await readFile(result.path)).equals(large)).toBe(true);
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, at) => download(client, 'one.bin', join(root, 'many', String(at)))),
    );
    expect(new Set(all.map((each) => each.sha256))).toEqual(new Set([sha256(one)]));
  });

  it('goes on from another server when one dies in the middle', async () => {
    const large = randomBytes(60_000_000);
    const index = await startIndex();
    const servers: Running[] = [];
    for (const id of ['CS1', 'CS2']) {
      await put(id, 'large.bin', large);
      servers.push(await startContent(id, index));
    }
    const client = await startClient(index);
    const running = download(client, 'large.bin');
    await vi.waitFor(() => expect(servers.some((server) => server.snapshot().load === 1)).toBe(true), 10_000);
    await servers.find((server) => server.snapshot().load === 1)?.program.stop();
    const result = await running;
    expect(result.sha256).toBe(sha256(large));
    // The servers may not have hashed it yet.
    expect(result.verified).toContain('hash');
  });

  it('shows what is put into the folder and taken from it', async () => {
    const index = await startIndex();
    await put('CS1', 'first.txt', 'x');
    await startContent('CS1', index);
    const client = await startClient(index);
    await put('CS1', 'später.txt', 'later');
    await vi.waitFor(() => expect(index.snapshot().files).toBe(2), 10_000);
    expect((await download(client, 'später.txt')).size).toBe(5);
    await unlink(join(root, 'CS1', 'first.txt'));
    await vi.waitFor(() => expect(index.snapshot().files).toBe(1), 10_000);
    await expect(download(client, 'first.txt')).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });

  it('counts no client that vanished, by reset or by silence', async () => {
    await put('CS1', 'large.bin', randomBytes(50_000_000));
    const index = await startIndex();
    const content = await startContent('CS1', index, { idleMs: 500 });
    for (const vanish of [(socket: Socket) => void socket.resetAndDestroy(), () => {}]) {
      const socket = dial(content.ports.tcp).pause();
      socket.write('GET large.bin\n');
      await vi.waitFor(() => expect(content.snapshot().load).toBe(1), 10_000);
      vanish(socket);
      await vi.waitFor(() => expect(content.snapshot().load).toBe(0), 10_000);
    }
  });

  it('answers a half-closed client, bytes one at a time, and a refused one before it closes', async () => {
    await put('CS1', 'hello.txt', 'Hello!');
    const index = await startIndex();
    const content = await startContent('CS1', index);
    const halfClosed = dial(content.ports.tcp);
    halfClosed.end('GET hello.txt');
    expect(String(await received(halfClosed))).toBe('OK 6\nHello!');

    const slow = dial(index.ports.tcp).setNoDelay();
    for (const byte of 'HELLO\r\nGET hello.txt\r\n') slow.write(byte);
    slow.end();
    expect(String(await received(slow))).toBe(
      `WELCOME MICRO-CDN\nSERVER ${HOST} ${content.ports.tcp} CS1 6\n`,
    );

    const refused = dial(index.ports.tcp);
    refused.write(`NONSENSE\n${'and much more\n'.repeat(10_000)}`);
    expect(String(await received(refused))).toBe('ERROR UNKNOWN_COMMAND\n');
  });

  it('registers from the address that it listens on, so that the index hands out the right one', async () => {
    await put('CS1', 'hello.txt', 'Hello!');
    const index = await startIndex();
    await startContent('CS1', index, { host: '127.0.0.2' });
    const client = await startClient(index);
    const result = await download(client, 'hello.txt');
    expect(result.source?.address).toMatch(/^127\.0\.0\.2:/);
  });

  it('takes a killed server off, and puts it back, with the fast profile', async () => {
    const index = await startIndex();
    const monitor = await start(createMonitor, {
      ...defaultsOf(monitorManifest.fields),
      ...{ udpPort: 0, tcpPort: 0, timeoutMs: 250, checkMs: 0 },
      index: { host: HOST, port: index.ports.tcp },
    });
    const heartbeats = { heartbeatMs: 50, monitor: { host: HOST, port: monitor.ports.udp } };
    const content = await startContent('CS1', index, heartbeats);
    const status = () => (index.snapshot().servers as { status: string }[])[0]?.status;
    await content.program.stop();
    await vi.waitFor(() => expect(status()).toBe('dead'), 10_000);
    await startContent('CS1', index, heartbeats);
    await vi.waitFor(() => expect(status()).toBe('alive'), 10_000);
  });
});
