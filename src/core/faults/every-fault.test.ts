/**
 * Every fault of the registry, set through the core on a real process, is felt by its neighbours on real sockets,
 * and is over when it is healed. A fault without an entry in `felt` fails here.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../contract/fault';
import { faults } from '../../faults/registry';
import { childProcessLauncher } from '../../headless/launcher';
import { nodeEntry } from '../../testing/programs';
import { addRunning, run, runningAgain } from '../testing/real-nodes';
import { type TestCore, testCore } from '../testing/test-core';
import { waitFor } from '../testing/wait-for';

const SIZE = 20_000;
const BEAT_MS = 20;
const LONG_MS = 60_000;
/** Long enough for an answer to come, if there was one. */
const QUIET_MS = 100;
const header = `OK ${SIZE}\n`;

const quiet = (ms = QUIET_MS): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms));
const contentOf = (name: string): string => name.repeat(SIZE).slice(0, SIZE);

/** What came of one question to the server. */
class Reply {
  text = '';
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;
  /** Milliseconds from the question to the end. */
  took = 0;
  readonly #socket: Socket;

  constructor(port: number, question: string) {
    const began = performance.now();
    this.#socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () =>
      this.#socket.write(question),
    );
    this.#socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    this.#socket.on('end', () => {
      this.ended = true;
      this.took = performance.now() - began;
      this.#socket.end();
    });
    this.#socket.on('error', (error) => {
      this.error = error;
    });
    this.#socket.on('close', () => {
      this.closed = true;
    });
  }

  over = (): Promise<unknown> => waitFor(() => this.ended || this.closed, 'the end of the reply');
}

/** A content server in a process, and its neighbours: this test is the client, the monitor and the index. */
class Neighbourhood {
  studio!: TestCore;
  server!: string;
  folder!: string;
  #monitor!: UdpSocket;
  #index!: Server;
  /** Lines that the index was sent. */
  readonly registered: string[] = [];
  /** Everything that came by UDP, and when. */
  datagrams: { text: string; at: number }[] = [];
  #asked = 0;

  async begin(): Promise<void> {
    this.studio = await testCore(childProcessLauncher(nodeEntry()));
    this.folder = join(this.studio.folder, 'served');
    await mkdir(this.folder);
    for (const { kind } of faults) await writeFile(join(this.folder, kind), contentOf(kind));
    this.#monitor = createSocket('udp4').bind(0, '127.0.0.1');
    this.#monitor.on('message', (bytes) =>
      this.datagrams.push({ text: bytes.toString(), at: performance.now() }),
    );
    await once(this.#monitor, 'listening');
    this.#index = createServer((socket) => this.#serveIndex(socket)).listen(0, '127.0.0.1');
    await once(this.#index, 'listening');
    this.server = await addRunning(this.studio, 'content-server', {
      heartbeatMs: BEAT_MS,
      files: this.folder,
      monitor: { host: '127.0.0.1', port: this.#monitor.address().port },
      index: this.indexAt,
      indexDialect: 'seed',
    });
  }

  async end(): Promise<void> {
    await this.studio.end();
    this.#monitor.close();
    this.#index.close();
  }

  get indexAt(): { host: string; port: number } {
    return { host: '127.0.0.1', port: (this.#index.address() as AddressInfo).port };
  }

  get port(): number {
    return this.studio.node(this.server).ports.tcp as number;
  }

  get pid(): number {
    return this.studio.node(this.server).pid as number;
  }

  /** Sets the fault; resolves when the process has it. */
  async set(kind: string, params: object = {}, rest: Partial<FaultSpec> = {}): Promise<void> {
    await this.send(kind, params, rest);
    await this.#obeyed();
  }

  /** The same for a fault after which the process cannot say that it has it. */
  async send(kind: string, params: object = {}, rest: Partial<FaultSpec> = {}): Promise<void> {
    const fault = {
      id: kind,
      kind,
      node: this.server,
      scope: {},
      params: { ...params },
      enabled: true,
      ...rest,
    };
    await this.studio.call('faults.set', { faults: [fault] });
  }

  async heal(): Promise<void> {
    await this.studio.call('faults.healAll', {});
    await this.#obeyed();
  }

  ask(question: string): Reply {
    return new Reply(this.port, question);
  }

  get(name: string): Reply {
    return this.ask(`GET ${name}\n`);
  }

  /** Nothing of a file comes before the fault is healed, and then all of it. */
  async comesOnceHealed(name: string): Promise<void> {
    const reply = this.get(name);
    await quiet();
    expect(reply.text).toBe('');
    await this.heal();
    await reply.over();
    expect(reply.text).toBe(header + contentOf(name));
  }

  /** Asks the server by UDP whether itself answers; resolves to the word that tells the answer from others. */
  probe(): string {
    const nonce = `probe-${this.#asked++}`;
    const port = this.studio.node(this.server).ports.udp as number;
    this.#monitor.send(`PROBE ${nonce} 127.0.0.1 ${this.port}`, port, '127.0.0.1');
    return nonce;
  }

  /** Nonces of the answers to probes, in the order in which they came. */
  get probed(): string[] {
    return this.datagrams.flatMap(({ text }) => /^PROBED (\S+)/.exec(text)?.[1] ?? []);
  }

  get beats(): number[] {
    return this.datagrams.filter(({ text }) => text.startsWith('HEARTBEAT')).map(({ at }) => at);
  }

  /** Resolves when so many beats in a row, from now on, were this far apart. */
  beatsApart(ms: number, count: number): Promise<unknown> {
    this.datagrams = [];
    return waitFor(() => {
      const { beats } = this;
      const gaps = beats.slice(1).map((at, before) => at - (beats[before] as number));
      return gaps.slice(-count).filter((gap) => gap >= ms).length === count;
    }, `beats ${ms} ms apart`);
  }

  async beatsStop(): Promise<void> {
    this.datagrams = [];
    await quiet();
    expect(this.beats).toEqual([]);
  }

  beatsGoOn(): Promise<unknown> {
    this.datagrams = [];
    return waitFor(() => this.beats.length > 2, 'heartbeats');
  }

  async dies(): Promise<void> {
    expect((await this.studio.phase(this.server, 'crashed')).reason?.message).toContain('SIGKILL');
    await run(this.studio, this.server);
  }

  /** Answers as soon as it has worked off everything that came before. */
  async #obeyed(): Promise<void> {
    await this.studio
      .call('nodes.operate', { id: this.server, operation: 'none', input: {} })
      .catch(() => {});
  }

  #serveIndex(socket: Socket): void {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const line of chunk.toString().split('\n').slice(0, -1)) {
        this.registered.push(line);
        if (line === 'HELLO') socket.write('WELCOME MICRO-CDN\n');
        if (line.startsWith('HELLO ')) socket.end('ERROR MALFORMED_COMMAND\n');
        if (line.startsWith('REGISTER')) socket.write('OK REGISTERED\n');
        if (line === 'DONE_FILES') socket.write('OK FILES_ADDED\n');
        if (line.startsWith('GET')) socket.write(`SERVER 127.0.0.1 ${this.port} CS1 ${SIZE}\n`);
      }
    });
  }
}

const out = { scope: { direction: 'out', transport: 'tcp' } } as const;
const linux = process.platform === 'linux';

/** By kind: what somebody notices who sets it. */
const felt: Record<string, (near: Neighbourhood, kind: string) => Promise<void>> = {
  latency: async (near, kind) => {
    await near.set(kind, { delay: 60 });
    const reply = near.get(kind);
    await reply.over();
    expect(reply.took).toBeGreaterThanOrEqual(119);
  },
  bandwidth: async (near, kind) => {
    await near.set(kind, { rate: 100 }, out);
    const reply = near.get(kind);
    await reply.over();
    expect(reply.took).toBeGreaterThanOrEqual(SIZE / 100 - 15);
  },
  'slow-start': async (near, kind) => {
    await near.set(kind, { from: 100, doubling: 1000 }, out);
    const reply = near.get(kind);
    await reply.over();
    // 100 kB/s that double each second have sent 20 kB after 187 ms.
    expect(reply.took).toBeGreaterThanOrEqual(170);
  },
  slicer: async (near, kind) => {
    await near.set(kind, { size: 1000, pause: 5 }, out);
    const reply = near.get(kind);
    await reply.over();
    expect(reply.text).toBe(header + contentOf(kind));
    expect(reply.took).toBeGreaterThanOrEqual((SIZE / 1000 - 1) * 5);
  },
  limit: async (near, kind) => {
    await near.set(kind, { bytes: 1000 }, out);
    const reply = near.get(kind);
    await reply.over();
    expect(reply.text).toHaveLength(1000);
  },
  reset: async (near, kind) => {
    await near.set(kind);
    const reply = near.get(kind);
    await waitFor(() => reply.closed, 'the reset');
    expect(reply.error?.code).toBe('ECONNRESET');
  },
  refuse: async (near, kind) => {
    await near.set(kind);
    const reply = near.get(kind);
    await waitFor(() => reply.closed, 'the refusal');
    expect(reply.text).toBe('');
    expect(reply.error).toBeDefined();
  },
  'black-hole': async (near, kind) => {
    await near.set(kind);
    await near.beatsGoOn();
    await near.comesOnceHealed(kind);
  },
  'half-open': async (near, kind) => {
    const reply = near.ask('GET ');
    await near.set(kind);
    await waitFor(() => reply.closed, 'the far end to be lost');
    expect(reply.error?.code).toBe('ECONNRESET');
  },
  'slow-close': async (near, kind) => {
    await near.set(kind, { delay: LONG_MS });
    const reply = near.get(kind);
    await waitFor(() => reply.text === header + contentOf(kind), 'all bytes');
    await quiet();
    expect(reply.ended).toBe(false);
    await near.heal();
    await reply.over();
  },
  corrupt: async (near, kind) => {
    await near.set(kind, { every: 100 }, out);
    const reply = near.get(kind);
    await reply.over();
    expect(reply.text).toHaveLength(header.length + SIZE);
    expect(reply.text).not.toBe(header + contentOf(kind));
  },
  truncate: async (near, kind) => {
    await near.set(kind, { bytes: 5 }, out);
    const reply = near.get(kind);
    await reply.over();
    expect(reply.text).toBe(header.slice(0, 5));
  },
  partition: async (near, kind) => {
    await near.set(kind);
    await near.beatsStop();
    await near.comesOnceHealed(kind);
  },
  'lose-messages': async (near, kind) => {
    await near.set(kind, {}, { scope: { direction: 'in', messages: ['GET'] } });
    const lost = near.get(kind);
    const other = near.ask(`DIGEST 0 ${kind}\n`);
    await other.over();
    expect(other.text).toMatch(/^DIGEST 0 /);
    await quiet();
    expect(lost.text).toBe('');
  },
  loss: async (near, kind) => {
    await near.set(kind, { percent: 100 });
    await near.beatsStop();
    await near.heal();
    await near.beatsGoOn();
  },
  duplicate: async (near, kind) => {
    await near.set(kind, { percent: 100, copies: 3 }, { scope: { direction: 'out' } });
    const nonce = near.probe();
    await waitFor(
      () => near.probed.filter((each) => each === nonce).length === 4,
      'four answers to one question',
    );
  },
  reorder: async (near, kind) => {
    const scope: FaultSpec['scope'] = { direction: 'out', messages: ['PROBED'] };
    await near.set(kind, { percent: 100, by: 1000, within: LONG_MS }, { scope, pick: { first: 1 } });
    const first = near.probe();
    const second = near.probe();
    // The answers may be made in either order: the first that is sent is overtaken.
    const answers = (): string[] => near.probed.filter((nonce) => nonce === first || nonce === second);
    await waitFor(() => answers().length === 1, 'one answer');
    await quiet();
    expect(answers()).toHaveLength(1);
    await near.heal();
    await waitFor(() => answers().length === 2, 'the one that was overtaken');
  },
  kill: async (near, kind) => {
    await near.send(kind);
    await near.dies();
  },
  'crash-on-request': async (near, kind) => {
    await near.set(kind);
    const reply = near.get(kind);
    await waitFor(() => reply.closed, 'the connection to go with the process');
    await near.dies();
  },
  hang: async (near, kind) => {
    await near.set(kind);
    await near.beatsStop();
    await near.comesOnceHealed(kind);
  },
  freeze: async (near, kind) => {
    if (process.platform === 'win32') return;
    await near.send(kind);
    await waitFor(async () => !linux || (await processState(near.pid)) === 'T', 'the process to be stopped');
    await near.beatsStop();
    await near.comesOnceHealed(kind);
  },
  'start-delay': async (near, kind) => {
    const { pid } = near;
    await near.set(kind, { delay: 600_000 });
    await near.studio.call('nodes.restart', { ids: [near.server] });
    await waitFor(() => {
      const view = near.studio.node(near.server);
      return view.phase === 'starting' && view.pid !== undefined && view.pid !== pid;
    }, 'the next process');
    await quiet();
    expect(near.studio.node(near.server).phase).toBe('starting');
    await near.heal();
    await runningAgain(near.studio, near.server, pid);
  },
  'slow-answers': async (near, kind) => {
    await near.set(kind, { delay: LONG_MS });
    await near.beatsGoOn();
    await near.comesOnceHealed(kind);
  },
  'cpu-burn': async (near, kind) => {
    if (!linux) return;
    const threads = await threadsOf(near.pid);
    await near.set(kind, { cores: 2, percent: 50 });
    await waitFor(async () => (await threadsOf(near.pid)) >= threads + 2, 'two threads more');
    await near.beatsGoOn();
    await near.heal();
    await waitFor(async () => (await threadsOf(near.pid)) < threads + 2, 'them to be gone');
  },
  stall: async (near, kind) => {
    await near.send(kind, { lasts: 150, pause: 10 });
    await near.beatsApart(140, 2);
  },
  memory: async (near, kind) => {
    if (!linux) return;
    const before = await memoryOf(near.pid);
    await near.set(kind, { limit: 100, rate: 10_000 });
    await waitFor(async () => (await memoryOf(near.pid)) > before + 60_000, 'the process to grow');
  },
  'disk-full': async (near, kind) => {
    const { studio, indexAt } = near;
    const client = await addRunning(studio, 'client', { index: indexAt });
    const fault = { id: kind, kind, node: client, scope: {}, params: {}, enabled: true };
    await studio.call('faults.set', { faults: [fault] });
    const { id } = await studio.call('transfers.download', { name: kind, client });
    expect((await studio.transfer(id, 'failed')).error).toMatchObject({ code: 'ENOSPC' });
    await near.heal();
    const again = await studio.call('transfers.download', { name: kind, client });
    await studio.transfer(again.id, 'done');
  },
  'read-errors': async (near, kind) => {
    await near.set(kind, { percent: 100 });
    const reply = near.get(kind);
    await waitFor(() => reply.closed, 'the transfer to break off');
    expect(reply.text).toBe('');
  },
  'slow-disk': async (near, kind) => {
    await near.set(kind, { delay: LONG_MS });
    await near.beatsGoOn();
    await near.comesOnceHealed(kind);
  },
  'wrong-content': async (near, kind) => {
    await near.set(kind, { every: 100 });
    const reply = near.get(kind);
    await reply.over();
    expect(reply.text).toHaveLength(header.length + SIZE);
    const wrong = [...reply.text.slice(header.length)].filter((letter, at) => letter !== contentOf(kind)[at]);
    expect(wrong).toHaveLength(SIZE / 100);
  },
  'wrong-size': async (near, kind) => {
    await near.set(kind, { difference: 7, names: kind });
    await waitFor(() => near.registered.includes(`ADD_FILE CS1 ${kind} ${SIZE + 7}`), 'the wrong size');
    const told = near.registered.length;
    await near.heal();
    const since = (): string[] => near.registered.slice(told);
    await waitFor(() => since().includes(`ADD_FILE CS1 ${kind} ${SIZE}`), 'the right size');
  },
  'clock-skew': async (near, kind) => {
    await near.set(kind, { skew: 0, drift: -90 });
    await near.beatsApart(5 * BEAT_MS, 3);
  },
  'too-many-files': async (near, kind) => {
    await near.set(kind);
    const reply = near.get(kind);
    await waitFor(() => reply.closed, 'the connection to be dropped');
    expect(reply.text).toBe('');
  },
};

async function processState(pid: number): Promise<string | undefined> {
  return /\) (\w)/.exec(await readFile(`/proc/${pid}/stat`, 'utf8'))?.[1];
}

async function threadsOf(pid: number): Promise<number> {
  return Number(/^Threads:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Resident memory, kB. */
async function memoryOf(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

describe('in a real process', () => {
  const near = new Neighbourhood();
  beforeAll(() => near.begin());
  afterAll(() => near.end());

  it.each(faults.map(({ kind }) => kind))(
    'the fault %s is felt, and over when it is healed',
    async (kind) => {
      const feel = felt[kind];
      if (!feel) throw new Error(`Say in this table how the neighbours of a node notice "${kind}".`);
      await feel(near, kind);
      await near.heal();
      await near.beatsGoOn();
      const reply = near.get(kind);
      await reply.over();
      expect(reply.text).toBe(header + contentOf(kind));
    },
  );

  it('nothing stands in the table that is no fault', () => {
    expect(Object.keys(felt).filter((kind) => !faults.some((fault) => fault.kind === kind))).toEqual([]);
  });
});
