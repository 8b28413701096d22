/** The core with real node processes, sockets and files. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { childProcessLauncher } from '../headless/launcher';
import { nodeEntry } from '../testing/programs';
import { isAlive } from './testing/is-alive';
import { type TestCore, testCore } from './testing/test-core';
import { waitFor } from './testing/wait-for';

const open: TestCore[] = [];
async function setUp(): Promise<TestCore> {
  const studio = await testCore(childProcessLauncher(nodeEntry()));
  open.push(studio);
  return studio;
}
afterEach(async () => {
  for (const studio of open.splice(0)) await studio.end();
});

const anyPorts = { tcpPort: 0, udpPort: 0 };
/** Finds a dead server in a quarter of a second. */
const fast = {
  'index-server': { tcpPort: 0, pollMs: 50 },
  monitor: { ...anyPorts, timeoutMs: 250, checkMs: 0 },
  'content-server': { ...anyPorts, heartbeatMs: 50 },
  client: {},
};

async function add({ call }: TestCore, kind: keyof typeof fast, config: object = {}): Promise<string> {
  const command = { type: 'add-node' as const, kind, config: { ...fast[kind], ...config } };
  const { ids } = await call('workspace.apply', { command });
  return ids[0] as string;
}

async function start(studio: TestCore, ids: string[]): Promise<void> {
  await studio.call('nodes.start', { ids });
  for (const id of ids) await studio.phase(id, 'running');
}

async function upload(studio: TestCore, node: string, name: string, text: string): Promise<void> {
  const { tickets } = await studio.call('files.prepareUpload', {
    node,
    files: [{ name, size: text.length }],
  });
  await studio.core.receiveUpload(
    tickets[0]?.uploadId as string,
    (async function* () {
      yield Buffer.from(text);
    })(),
  );
}

const holders = async ({ call }: TestCore, name: string): Promise<string[]> => {
  const { rows } = await call('catalogue.list', { search: name });
  const alive = rows.find((row) => row.name === name)?.holders.filter((holder) => holder.alive) ?? [];
  return alive.flatMap(({ node }) => node ?? []).sort();
};

describe('a real network', () => {
  it('serves a file, survives the loss of a server, and takes it back', async () => {
    const studio = await setUp();
    const { call, core, transfer, phase } = studio;
    const ids: string[] = [];
    for (const kind of ['index-server', 'monitor', 'content-server', 'content-server'] as const)
      ids.push(await add(studio, kind));
    await start(studio, ids);
    for (const node of ['cs1', 'cs2']) await upload(studio, node, 'hello world.txt', 'Hello!');
    await waitFor(
      async () => (await holders(studio, 'hello world.txt')).join() === 'cs1,cs2',
      'both holders',
    );

    const first = await call('transfers.download', { name: 'hello world.txt' });
    const done = await transfer(first.id, 'done');
    expect(await readFile(done.savedTo as string, 'utf8')).toBe('Hello!');
    expect(done.verified).toContain('size');

    await call('nodes.kill', { ids: ['cs1'] });
    expect((await phase('cs1', 'crashed')).reason?.code).toBe('KILLED');
    await waitFor(
      async () => (await holders(studio, 'hello world.txt')).join() === 'cs2',
      'cs1 to be found dead',
    );
    const second = await call('transfers.download', { name: 'hello world.txt' });
    expect((await transfer(second.id, 'done')).source?.node).toBe('cs2');

    await call('nodes.start', { ids: ['cs1'] });
    await waitFor(
      async () => (await holders(studio, 'hello world.txt')).join() === 'cs1,cs2',
      'cs1 to be back',
    );

    const entries = await waitFor(() => {
      const list = core.journal.list({ limit: 500 });
      return list.some(({ type, subject }) => type === 'server-down' && subject === 'CS1') && list;
    }, 'the journal');
    const down = entries.find(({ type, subject }) => type === 'server-down' && subject === 'CS1');
    const roots = new Set<string>();
    for (let entry = down; entry; entry = entries.find(({ seq }) => seq === entry?.cause))
      roots.add(entry.type);
    expect([...roots]).toContain('node-killed');
    await waitFor(
      () =>
        studio.events.some(
          (event) =>
            event.type === 'flows' &&
            event.flows.some(
              ({ from, to, role }) => from === 'cs2' && to === 'monitor1' && role === 'heartbeat',
            ),
        ),
      'heartbeats on the canvas',
    );
  });

  it('leaves no process when the core is closed', async () => {
    const studio = await setUp();
    const ids = [await add(studio, 'index-server'), await add(studio, 'content-server')];
    await start(studio, ids);
    const pids = ids.map((id) => studio.node(id).pid as number);
    expect(pids.every(isAlive)).toBe(true);
    await studio.end();
    expect(pids.some(isAlive)).toBe(false);
  });

  it('of twenty servers comes up, as one task', async () => {
    const studio = await setUp();
    const ids = [await add(studio, 'index-server')];
    for (let n = 0; n < 20; n++) ids.push(await add(studio, 'content-server', { heartbeatMs: 1000 }));
    await start(studio, ids);
    const [task] = studio.core.tasks.views();
    expect(task && (await studio.task(task.id))).toMatchObject({ phase: 'done', done: 21 });
    await waitFor(
      () => (studio.node('index1').snapshot.servers as unknown[] | undefined)?.length === 20,
      'all to be registered',
    );
  });
});

describe('a port', () => {
  it('that is taken is told with its holder and the next free one', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    try {
      const studio = await setUp();
      const id = await add(studio, 'index-server', { tcpPort: port });
      await studio.call('nodes.start', { ids: [id] });
      const { reason } = await waitFor(() => {
        const view = studio.node(id);
        return view.reason?.hint !== undefined && view;
      }, 'the explanation');
      expect(reason).toMatchObject({ code: 'EADDRINUSE' });
      expect(reason?.message).toContain(`TCP port ${port} is in use by`);
      if (process.platform === 'linux') expect(reason?.message).toContain(`(pid ${process.pid})`);
      expect(reason?.hint).toMatch(/Use \d+, the next free one/);
      const told = () =>
        studio.core.journal.list({ limit: 10 }).filter(({ type }) => type === 'node-crashed');
      await waitFor(() => told().length > 0, 'the journal');
      expect(told().map(({ text }) => text)).toEqual([reason?.message]);
    } finally {
      holder.close();
    }
  });

  it('of another node of the workspace is told by its name', async () => {
    const studio = await setUp();
    const first = await add(studio, 'index-server');
    await start(studio, [first]);
    const second = await add(studio, 'index-server', { tcpPort: studio.node(first).ports.tcp });
    await studio.call('nodes.start', { ids: [second] });
    const view = await waitFor(() => {
      const { reason } = studio.node(second);
      return reason?.hint !== undefined && reason;
    }, 'the explanation');
    expect(view.message).toContain('node Index1 of this workspace');
  });
});

describe('a process', () => {
  it('that is killed from outside is a crash, and its ports are free for the next start', async () => {
    const studio = await setUp();
    const id = await add(studio, 'index-server');
    await start(studio, [id]);
    process.kill(studio.node(id).pid as number, 'SIGKILL');
    expect((await studio.phase(id, 'crashed')).reason).toMatchObject({ code: 'CRASHED' });
    await studio.notice(/Index1 crashed/);
    await start(studio, [id]);
  });

  it.skipIf(process.platform === 'win32')('that is stuck is stopped by force', async () => {
    const studio = await setUp();
    await studio.call('settings.set', { settings: { stopDeadlineMs: 500 } });
    const id = await add(studio, 'index-server');
    await start(studio, [id]);
    const pid = studio.node(id).pid as number;
    process.kill(pid, 'SIGSTOP');
    await studio.call('nodes.stop', { ids: [id] });
    expect((await studio.phase(id, 'stopped')).reason).toMatchObject({ code: 'FORCED' });
    expect(isAlive(pid)).toBe(false);
  });

  it('has the environment of a node and nothing else', async () => {
    process.env.MICRO_CDN_TEST_SECRET = 'secret';
    try {
      const studio = await setUp();
      const id = await add(studio, 'index-server');
      await start(studio, [id]);
      if (process.platform !== 'linux') return;
      const environment = await readFile(join('/proc', String(studio.node(id).pid), 'environ'), 'utf8');
      expect(environment).toContain('PATH=');
      expect(environment).not.toContain('MICRO_CDN_TEST_SECRET');
      expect(environment).not.toContain('NODE_OPTIONS');
    } finally {
      delete process.env.MICRO_CDN_TEST_SECRET;
    }
  });
});
