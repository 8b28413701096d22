import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Workspace } from '../contract/workspace';
import type { CoreOptions } from './core';
import { deaf, obedient, ScriptedLauncher } from './testing/scripted-launcher';
import { type TestCore, testCore } from './testing/test-core';
import { waitFor } from './testing/wait-for';
import { patternedBytes } from './workspace/sample';

const open: TestCore[] = [];
async function setUp(options: Partial<CoreOptions> = {}) {
  const launcher = new ScriptedLauncher();
  const studio = await testCore(launcher, options);
  open.push(studio);
  return { ...studio, launcher };
}
afterEach(async () => {
  for (const studio of open.splice(0)) await studio.end();
});

type Studio = Awaited<ReturnType<typeof setUp>>;
const add = async ({ call }: Studio, kind: string, config?: Record<string, unknown>): Promise<string> => {
  const command = { type: 'add-node' as const, kind, ...(config ? { config } : {}) };
  const { ids } = await call('workspace.apply', { command });
  return ids[0] as string;
};

describe('a call', () => {
  it('with input that does not fit is refused, in words', async () => {
    const { core, session } = await setUp();
    await expect(core.call('nodes.start', { ids: 'all' }, session)).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
    await expect(core.call('toString' as never, {}, session)).rejects.toMatchObject({ code: 'UNKNOWN_CALL' });
    await expect(core.call('nodes.start', { ids: ['nobody'] }, session)).rejects.toMatchObject({
      code: 'UNKNOWN_NODE',
    });
  });

  it('sets one setting and leaves the others', async () => {
    const { call, core } = await setUp();
    await call('settings.set', { settings: { stopDeadlineMs: 900 } });
    await call('settings.set', { settings: { theme: 'dark' } });
    expect(core.settings.current).toMatchObject({ theme: 'dark', stopDeadlineMs: 900 });
  });

  it('for what only a shell can do is answered where there is none', async () => {
    const { call } = await setUp();
    await expect(call('shell.reveal', { path: '/' })).rejects.toMatchObject({ code: 'NOT_HERE' });
  });
});

describe('a snapshot', () => {
  it('and the batches after it show the same as the core', async () => {
    const studio = await setUp();
    const { call, events } = studio;
    await add(studio, 'index-server');
    events.length = 0;
    const snapshot = await call('studio.snapshot', {});
    expect(snapshot.nodes.map(({ id }) => id)).toEqual(['index1']);
    await call('nodes.start', { ids: ['index1'] });
    await waitFor(() => events.find((event) => event.type === 'node' && event.node.phase === 'running'));
    expect(events.filter(({ type }) => type === 'workspace')).toEqual([]);
  });
});

describe('starting', () => {
  it('several nodes is a task, and each gets the addresses of those it is linked to', async () => {
    const studio = await setUp();
    const { call, launcher, phase, core } = studio;
    const ids = [
      await add(studio, 'index-server'),
      await add(studio, 'monitor'),
      await add(studio, 'content-server'),
    ];
    await call('nodes.start', { ids });
    for (const id of ids) await phase(id, 'running');
    const index = core.supervisor.view('index1').ports.tcp;
    expect(launcher.of('CS1').last('start')?.config).toMatchObject({
      index: { host: '127.0.0.1', port: index },
      files: expect.stringContaining(join('nodes', 'cs1', 'files')),
    });
    const task = await waitFor(() => core.tasks.views().find(({ phase }) => phase === 'done'), 'the task');
    expect(task).toMatchObject({ kind: 'start', done: 3, total: 3 });
  });

  it('that fails is told with a reason, as a notice and at the node', async () => {
    const studio = await setUp();
    const { call, launcher, phase, notice } = studio;
    launcher.script = (message, child) => {
      if (message.type !== 'start') return;
      child.say({ type: 'fatal', error: { code: 'EBOOM', message: 'It went wrong.' } });
      child.exit({ code: 1 });
    };
    const id = await add(studio, 'index-server');
    await call('nodes.start', { ids: [id] });
    expect((await phase(id, 'crashed')).reason?.message).toBe('It went wrong.');
    await notice(/Index1 did not start/);
  });

  it('twice at once starts one process', async () => {
    const studio = await setUp();
    const { call, launcher, phase } = studio;
    const id = await add(studio, 'index-server');
    await Promise.all([call('nodes.start', { ids: [id] }), call('nodes.start', { ids: [id] })]);
    await phase(id, 'running');
    await call('nodes.start', { ids: [id] });
    expect(launcher.processes).toHaveLength(1);
  });

  it('again waits for the former process to be gone', async () => {
    const studio = await setUp();
    const { call, launcher, phase } = studio;
    const id = await add(studio, 'index-server');
    await call('nodes.start', { ids: [id] });
    await phase(id, 'running');
    launcher.script = (message, child) => {
      if (message.type === 'start') obedient(message, child);
    };
    await call('nodes.restart', { ids: [id] });
    await phase(id, 'stopping');
    expect(launcher.processes).toHaveLength(1);
    launcher.of('Index1').exit();
    await waitFor(() => launcher.processes.length === 2, 'the second process');
    await phase(id, 'running');
    launcher.script = obedient;
  });

  it('is cancelled for those that have not begun', async () => {
    const studio = await setUp();
    const { call, launcher, core } = studio;
    launcher.script = deaf;
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) ids.push(await add(studio, 'client'));
    await call('nodes.start', { ids });
    const task = await waitFor(() => core.tasks.views()[0], 'the task');
    await call('tasks.cancel', { id: task.id });
    await call('nodes.kill', { ids });
    expect(await studio.task(task.id)).toMatchObject({ phase: 'cancelled' });
    expect(launcher.processes.length).toBeLessThan(20);
  });
});

describe('a node that waits for its turn to be started', () => {
  it('is not started any more when it was stopped meanwhile', async () => {
    const studio = await setUp();
    const { call, launcher, core } = studio;
    launcher.script = deaf;
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) ids.push(await add(studio, 'client'));
    await call('nodes.start', { ids });
    await waitFor(() => launcher.processes.length > 0, 'the first process');
    await call('nodes.kill', { ids });
    const [task] = core.tasks.views();
    expect(task && (await studio.task(task.id)).outcome).toBe('0 started');
    expect(launcher.processes.length).toBeLessThan(20);
  });

  it('because its former process is not gone, is not started when it was stopped meanwhile', async () => {
    const studio = await setUp();
    const { call, launcher, phase } = studio;
    const id = await add(studio, 'index-server');
    await call('nodes.start', { ids: [id] });
    await phase(id, 'running');
    launcher.script = deaf;
    await call('nodes.restart', { ids: [id] });
    await phase(id, 'stopping');
    await call('nodes.stop', { ids: [id] });
    launcher.of('Index1').exit();
    await phase(id, 'stopped');
    await new Promise((resolve) => setImmediate(resolve));
    expect(launcher.processes).toHaveLength(1);
  });
});

describe('a running node', () => {
  it('is outdated when its configuration, or the address of a linked node, has changed', async () => {
    const studio = await setUp();
    const { call, phase, node } = studio;
    const ids = [await add(studio, 'index-server'), await add(studio, 'content-server')];
    await call('nodes.start', { ids });
    for (const id of ids) await phase(id, 'running');
    expect(node('cs1').outdated).toBeUndefined();
    const port = Number(node('index1').ports.tcp) + 7;
    const command = { type: 'configure-node' as const, id: 'index1', config: { tcpPort: port } };
    await call('workspace.apply', { command });
    expect(node('index1').outdated).toBe(true);
    expect(node('cs1').outdated).toBeUndefined();
    await call('nodes.restart', { ids: ['index1'] });
    await waitFor(() => node('index1').ports.tcp === port, 'the new port');
    expect(node('index1').outdated).toBeUndefined();
    expect(node('cs1').outdated).toBe(true);
    await call('nodes.stop', { ids: ['cs1'] });
    expect((await phase('cs1', 'stopped')).outdated).toBeUndefined();
  });

  it('is given what needs no restart, and is outdated when it does not take it', async () => {
    const studio = await setUp();
    const { call, launcher, phase, node } = studio;
    const id = await add(studio, 'http-origin');
    await call('nodes.start', { ids: [id] });
    await phase(id, 'running');
    const configure = (value: string) => {
      const headers = [{ pattern: '/', name: 'X-Rule', value }];
      const command = { type: 'configure-node' as const, id, config: { headers } };
      return call('workspace.apply', { command });
    };
    await configure('one');
    const origin = launcher.of('Origin1');
    const asked = origin.last('operate');
    expect(asked).toMatchObject({
      operation: 'configure',
      input: { headers: [{ pattern: '/', name: 'X-Rule', value: 'one' }] },
    });
    expect(node(id).outdated).toBeUndefined();
    const error = { code: 'NO', message: 'It cannot.' };
    origin.say({ type: 'failed', call: asked?.call ?? 0, error });
    await waitFor(() => node(id).outdated === true, 'the note that it has to be restarted');
    await call('nodes.restart', { ids: [id] });
    await waitFor(() => launcher.of('Origin1') !== origin && node(id).phase === 'running', 'the new process');
    expect(node(id).outdated).toBeUndefined();
  });

  it('that is deleted is stopped, its folder stays, and undo brings it back stopped', async () => {
    const studio = await setUp();
    const { call, launcher, phase, core } = studio;
    const id = await add(studio, 'content-server');
    await call('files.list', { node: id });
    await call('nodes.start', { ids: [id] });
    await phase(id, 'running');
    await call('workspace.apply', { command: { type: 'remove-nodes', ids: [id] } });
    expect(launcher.of('CS1').last('stop')).toBeDefined();
    expect(core.supervisor.views()).toEqual([]);
    await call('workspace.undo', {});
    expect((await phase(id, 'stopped')).ports).toEqual({});
    expect(await readdir(join(core.workspace.path, '..', 'nodes'))).toEqual(['cs1']);
  });

  it('takes its faults along, and undo brings both back, in the eyes of the panel too', async () => {
    const studio = await setUp();
    const { call, events } = studio;
    const id = await add(studio, 'content-server');
    const fault = { id: 'slow', kind: 'latency', node: id };
    await call('faults.set', { faults: [fault] });
    const shown = (): unknown => {
      const last = events.findLast((event) => event.type === 'faults');
      return last?.type === 'faults' ? last.faults.map((each) => each.id).join() : undefined;
    };
    await waitFor(() => shown() === 'slow', 'the fault');
    await call('workspace.apply', { command: { type: 'remove-nodes', ids: [id] } });
    await waitFor(() => shown() === '', 'no fault');
    await call('workspace.undo', {});
    await waitFor(() => shown() === 'slow', 'the fault again');
  });

  it('is told what the panels look at', async () => {
    const studio = await setUp();
    const { call, launcher, phase, session } = studio;
    const id = await add(studio, 'index-server');
    await call('nodes.start', { ids: [id] });
    await phase(id, 'running');
    expect(launcher.of('Index1').last('start')?.watch).toEqual({ visible: true, messages: false });
    await call('studio.watch', { visible: true, messages: [id] });
    expect(launcher.of('Index1').last('watch')?.watch).toEqual({ visible: true, messages: true });
    session.close();
    expect(launcher.of('Index1').last('watch')?.watch).toEqual({ visible: false, messages: false });
  });

  it('shows its traffic to other nodes by their roles', async () => {
    const studio = await setUp();
    const { call, launcher, phase, node, events } = studio;
    const ids = [
      await add(studio, 'index-server'),
      await add(studio, 'content-server'),
      await add(studio, 'client'),
    ];
    await call('nodes.start', { ids });
    for (const id of ids) await phase(id, 'running');
    const sample = { transport: 'tcp' as const, opened: 1, open: 0, sentBytes: 5, receivedBytes: 7 };
    const to = (host: string, port: number | undefined) => ({ host, port: port as number });
    launcher.of('Client1').say({
      type: 'telemetry',
      telemetry: {
        flows: [
          { ...sample, to: to('localhost', node('index1').ports.tcp) },
          { ...sample, to: to('::ffff:127.0.0.1', node('cs1').ports.tcp) },
          { ...sample, to: to('192.0.2.1', 80) },
        ],
        messages: [
          {
            at: 1,
            direction: 'out',
            transport: 'tcp',
            peer: to('127.0.0.1', node('index1').ports.tcp),
            text: 'HELLO',
          },
        ],
        counters: { lookups: 3 },
      },
    });
    const flows = await waitFor(() => events.find((event) => event.type === 'flows'), 'flows');
    expect(flows.type === 'flows' && flows.flows.map(({ from, to, role }) => [from, to, role])).toEqual([
      ['client1', 'index1', 'lookup'],
      ['client1', 'cs1', 'transfer'],
      ['client1', '192.0.2.1:80', 'other'],
    ]);
    expect(node('client1').counters).toEqual({ lookups: 3 });
    expect(await call('messages.list', {})).toMatchObject([
      { node: 'client1', peer: 'index1', text: 'HELLO' },
    ]);
  });
});

describe('a workspace', () => {
  it('is there again after a restart, with its nodes stopped', async () => {
    const first = await setUp();
    await add(first, 'index-server');
    await first.call('workspace.apply', { command: { type: 'rename-workspace', name: 'Mine' } });
    await first.end({ keep: true });
    const second = await setUp({ dataFolder: first.folder });
    expect(second.core.workspace.document.name).toBe('Mine');
    expect(second.node('index1').phase).toBe('stopped');
    expect(await second.call('workspace.list', {})).toMatchObject([{ name: 'Mine', nodes: 1 }]);
  });

  it('starts its nodes when it was told to', async () => {
    const first = await setUp();
    await add(first, 'index-server');
    await first.call('workspace.apply', { command: { type: 'set-start-on-open', startOnOpen: true } });
    await first.end({ keep: true });
    const second = await setUp({ dataFolder: first.folder });
    await second.phase('index1', 'running');
  });

  it('whose file was cut in half comes from the backup, and the person is told', async () => {
    const first = await setUp();
    await add(first, 'index-server');
    await first.core.workspace.flush();
    await add(first, 'client');
    await first.end({ keep: true });
    const { path } = await readOnly(first.folder);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.slice(0, text.length / 2));
    const second = await setUp({ dataFolder: first.folder });
    expect(second.core.workspace.document.nodes.map(({ id }) => id)).toEqual(['index1', 'client1']);
    await second.notice(/restored from its backup/);
    expect(await readFile(`${path}.broken-1`, 'utf8')).toBe(text.slice(0, text.length / 2));
  });

  it('keeps what another version has put into it', async () => {
    const first = await setUp();
    await first.end({ keep: true });
    const { path } = await readOnly(first.folder);
    const alien = {
      id: 'x',
      kind: 'from-the-future',
      name: 'X',
      position: { x: 1, y: 2 },
      config: { speed: 9 },
    };
    const document = JSON.parse(await readFile(path, 'utf8')) as Workspace;
    await writeFile(path, JSON.stringify({ ...document, nodes: [alien] }));
    const second = await setUp({ dataFolder: first.folder });
    expect(second.node('x').reason?.code).toBe('UNKNOWN_KIND');
    await add(second, 'client');
    await second.call('nodes.start', { ids: ['x'] });
    expect((await second.phase('x', 'crashed')).reason?.code).toBe('UNKNOWN_KIND');
    await second.end({ keep: true });
    const saved = JSON.parse(await readFile(path, 'utf8')) as Workspace;
    expect(saved.nodes).toContainEqual(alien);
  });

  it('that is open elsewhere is refused when it was asked for, and left alone otherwise', async () => {
    const first = await setUp();
    const { path } = first.core.workspace;
    await first.core.workspace.flush();
    await expect(setUp({ dataFolder: first.folder, workspacePath: path })).rejects.toMatchObject({
      code: 'WORKSPACE_IN_USE',
    });
    const second = await setUp({ dataFolder: first.folder });
    expect(second.core.workspace.path).not.toBe(path);
    await second.notice(/Another workspace is open/);
  });

  it('is left for another with all its nodes stopped, and the panel asks for a new snapshot', async () => {
    const studio = await setUp();
    const { call, launcher, phase, core } = studio;
    const id = await add(studio, 'index-server');
    await call('nodes.start', { ids: [id] });
    await phase(id, 'running');
    const before = await call('studio.snapshot', {});
    const former = core.workspace.path;
    await call('workspace.create', { name: 'Größe & Co' });
    expect(launcher.of('Index1').last('stop')).toBeDefined();
    const after = await call('studio.snapshot', {});
    expect(after.seq).toBeGreaterThan(before.seq);
    expect(after.nodes).toEqual([]);
    expect(after.workspace.path).toMatch(/workspaces.gro-e-co.workspace\.json$/);
    await call('workspace.open', { path: former });
    expect(core.supervisor.views().map(({ id }) => id)).toEqual(['index1']);
    expect(core.settings.current.recentWorkspaces[0]).toBe(former);
  });

  it('shows nothing of what the nodes of the former one, of the same ids, wrote and did', async () => {
    const studio = await setUp();
    const { call, launcher, phase, core } = studio;
    await call('nodes.start', { ids: [await add(studio, 'index-server')] });
    await phase('index1', 'running');
    const peer = { host: '192.0.2.1', port: 80 };
    const message = { at: 1, direction: 'out', transport: 'tcp', peer, text: 'HELLO' } as const;
    launcher.of('Index1').output('something is wrong');
    launcher.of('Index1').say({ type: 'telemetry', telemetry: { messages: [message] } });
    expect(await call('logs.list', { node: 'index1' })).toHaveLength(1);
    expect(await call('messages.list', {})).toHaveLength(1);
    await call('workspace.create', { name: 'Other' });
    await add(studio, 'index-server');
    expect(await call('logs.list', { node: 'index1' })).toEqual([]);
    expect(await call('messages.list', {})).toEqual([]);
    core.journal.add({ level: 'bad', type: 'server-down', text: '…', subject: 'Index1' });
    const entries = await waitFor(() => {
      const list = core.journal.list({ limit: 10 });
      return list.at(-1)?.type === 'server-down' && list;
    });
    expect(entries.at(-2)?.type).toBe('node-stopped');
    expect(entries.at(-1)?.cause).toBeUndefined();
  });

  it('is one at a time, however many are opened at once', async () => {
    const { call, core, folder } = await setUp();
    await Promise.all(['A', 'B', 'C'].map((name) => call('workspace.create', { name })));
    expect(core.workspace.document.name).toBe('C');
    const workspaces = join(folder, 'workspaces');
    const locked = await Promise.all(
      (await readdir(workspaces)).map(async (name) => (await readdir(join(workspaces, name))).join()),
    );
    expect(locked.filter((files) => files.includes('.lock'))).toHaveLength(1);
  });

  it('named by its file has its folders beside it', async () => {
    const first = await setUp();
    const path = join(first.folder, 'demo.json');
    const second = await setUp({ dataFolder: join(first.folder, 'other'), workspacePath: path });
    expect(second.core.workspace.document.name).toBe('demo');
    await add(second, 'content-server');
    await second.call('files.list', { node: 'cs1' });
    await second.core.workspace.flush();
    expect((await readdir(first.folder)).sort()).toEqual(
      expect.arrayContaining(['demo-data', 'demo.json', 'demo.json.lock']),
    );
    await second.end({ keep: true });
    expect(await readdir(first.folder)).not.toContain('demo.json.lock');
  });
});

describe('the sample', () => {
  it('is four nodes with files, one step of the history, and starts', async () => {
    const studio = await setUp();
    const { call, phase, core } = studio;
    const { ids } = await call('workspace.sample', {});
    for (const id of ids) await phase(id, 'running');
    const [first, second] = await Promise.all(
      ['cs1', 'cs2'].map(async (node) => (await call('files.list', { node })).rows.map(({ name }) => name)),
    );
    const shared = ['hello.txt', 'large-file.bin', 'network.svg', 'reading list.txt', 'привет.txt'];
    expect(first).toEqual(expect.arrayContaining([...shared, 'only on the first server.txt']));
    expect(second).toEqual(expect.arrayContaining([...shared, 'only on the second server.txt']));
    await expect(call('workspace.sample', {})).rejects.toMatchObject({ code: 'WORKSPACE_NOT_EMPTY' });
    expect(core.workspace.view().undoLabel).toContain('sample');
    await call('workspace.undo', {});
    expect(core.workspace.document.nodes).toEqual([]);
  });

  it('has the same large file everywhere, which does not compress', () => {
    const bytes = patternedBytes(64 * 1024);
    expect(bytes.equals(patternedBytes(64 * 1024))).toBe(true);
    expect(new Set(bytes).size).toBe(256);
  });
});

describe('a download', () => {
  /** Answers downloads as the test tells it. */
  function clientScript(
    studio: Studio,
    onDownload: (call: number, input: Record<string, unknown>) => void,
  ): void {
    studio.launcher.script = (message, child) => {
      obedient(message, child);
      if (message.type === 'operate' && message.operation === 'download')
        onDownload(message.call, message.input as Record<string, unknown>);
      if (message.type === 'cancel')
        child.say({
          type: 'failed',
          call: message.call,
          error: { code: 'CANCELLED', message: 'Cancelled.' },
        });
    };
  }
  const source = { serverId: 'CS1', address: '127.0.0.1:7001' };

  it('adds and starts a client when there is none, and ends with what was verified', async () => {
    const studio = await setUp();
    const { call, launcher, transfer, core } = studio;
    await add(studio, 'index-server');
    clientScript(studio, (id) => {
      const client = launcher.of('Client1');
      client.say({ type: 'progress', call: id, value: { phase: 'running', bytes: 5, size: 10, source } });
      client.say({
        type: 'result',
        call: id,
        value: { bytes: 10, size: 10, path: '/tmp/x', sha256: 'ab', verified: 'size and hash' },
      });
    });
    const { id } = await call('transfers.download', { name: 'hello.txt' });
    expect(await transfer(id, 'done')).toMatchObject({
      client: 'client1',
      bytes: 10,
      savedTo: '/tmp/x',
      verified: 'size and hash',
    });
    expect(core.workspace.view().undoLabel).toBe('add Client1');
  });

  it('of many files at once adds one client', async () => {
    const studio = await setUp();
    const { call, launcher, transfer, core } = studio;
    await add(studio, 'index-server');
    clientScript(studio, (id) =>
      launcher.of('Client1').say({ type: 'result', call: id, value: { bytes: 1, size: 1 } }),
    );
    const names = ['a', 'b', 'c', 'd'];
    const started = await Promise.all(names.map((name) => call('transfers.download', { name })));
    for (const { id } of started) await transfer(id, 'done');
    expect(core.workspace.document.nodes.map(({ name }) => name)).toEqual(['Index1', 'Client1']);
  });

  it('pauses, resumes, and deletes what had come when it is cancelled', async () => {
    const studio = await setUp();
    const { call, launcher, transfer, folder } = studio;
    await add(studio, 'index-server');
    const partial = join(folder, 'hello.txt.part');
    await mkdir(folder, { recursive: true });
    await writeFile(partial, 'half');
    clientScript(studio, (id, input) => {
      expect(input).toEqual({ name: 'hello.txt', keepPartial: true, folder });
      launcher
        .of('Client1')
        .say({ type: 'progress', call: id, value: { phase: 'running', bytes: 4, size: 9, partial, source } });
    });
    const { id } = await call('transfers.download', { name: 'hello.txt', folder });
    await transfer(id, 'running');
    await call('transfers.pause', { id });
    await transfer(id, 'paused');
    expect(await readdir(folder)).toContain('hello.txt.part');
    await call('transfers.resume', { id });
    await transfer(id, 'running');
    await call('transfers.cancel', { id });
    expect(await transfer(id, 'cancelled')).toMatchObject({ bytesPerSecond: 0 });
    expect(await readdir(folder)).not.toContain('hello.txt.part');
    await call('transfers.clear', {});
    expect(studio.core.transfers.views()).toEqual([]);
  });

  it('fails with its reason, can be tried again, and moves are tied to what became of the server', async () => {
    const studio = await setUp();
    const { call, launcher, transfer, core } = studio;
    await add(studio, 'index-server');
    await add(studio, 'content-server');
    let attempt = 0;
    clientScript(studio, (id) => {
      const client = launcher.of('Client1');
      attempt += 1;
      if (attempt === 1)
        return client.say({
          type: 'failed',
          call: id,
          error: { code: 'FILE_NOT_FOUND', message: 'Nobody has it.' },
        });
      client.say({ type: 'progress', call: id, value: { phase: 'running', bytes: 1, source } });
      client.say({
        type: 'progress',
        call: id,
        value: { phase: 'running', bytes: 2, source: { serverId: 'CS2', address: '127.0.0.1:7101' } },
      });
      client.say({ type: 'result', call: id, value: { bytes: 2, size: 2 } });
    });
    const { id } = await call('transfers.download', { name: 'hello.txt' });
    expect((await transfer(id, 'failed')).error).toMatchObject({ code: 'FILE_NOT_FOUND' });
    await call('nodes.start', { ids: ['cs1'] });
    await studio.phase('cs1', 'running');
    await call('nodes.kill', { ids: ['cs1'] });
    await studio.phase('cs1', 'crashed');
    await call('transfers.retry', { id });
    await transfer(id, 'done');
    const moved = await waitFor(
      () => core.journal.list({ limit: 50 }).find(({ type }) => type === 'transfer-failover'),
      'the journal',
    );
    const cause = core.journal.list({ limit: 50 }).find(({ seq }) => seq === moved.cause);
    expect(cause?.type).toBe('node-killed');
  });

  it('goes through a client that is linked to an index that knows the file, and does not hold it', async () => {
    const studio = await setUp();
    const { call, launcher, transfer, phase, node } = studio;
    const kinds = ['index-server', 'client', 'p2p-index', 'p2p-peer', 'p2p-peer'];
    const ids: string[] = [];
    for (const kind of kinds) ids.push(await add(studio, kind));
    const [, , tracker = '', holder = '', other = ''] = ids;
    clientScript(studio, () => undefined);
    const clients = launcher.script;
    launcher.script = (message, child) => {
      clients(message, child);
      if (message.type !== 'operate') return;
      const isSwarm = child.label === studio.core.supervisor.spec(tracker).name;
      const holders = [{ peer: 'a', address: `127.0.0.1:${node(holder).ports.tcp}`, complete: true }];
      const rows = isSwarm ? [{ name: 'shared.iso', size: 1, holders }] : [];
      const value = message.operation === 'catalogue' ? { rows, total: rows.length } : { bytes: 1, size: 1 };
      child.say({ type: 'result', call: message.call, value });
    };
    await call('nodes.start', { ids: ids.slice(0, 4) });
    for (const id of ids.slice(0, 4)) await phase(id, 'running');
    const { id } = await call('transfers.download', { name: 'shared.iso' });
    expect((await transfer(id, 'done')).client).toBe(other);
  });

  it('goes through a client that is linked to a balancer in front of servers that have the file', async () => {
    const studio = await setUp();
    const { call, launcher, transfer, phase } = studio;
    const origin = await add(studio, 'http-origin');
    const balancer = await add(studio, 'http-balancer');
    const [client = ''] = (
      await call('workspace.apply', {
        command: { type: 'add-node', kind: 'http-client', config: { server: { node: balancer } } },
      })
    ).ids;
    expect(studio.core.supervisor.spec(client).config).toMatchObject({ mirrors: [] });
    clientScript(studio, () => undefined);
    const clients = launcher.script;
    launcher.script = (message, child) => {
      clients(message, child);
      if (message.type !== 'operate') return;
      const rows = [{ name: 'page.txt', size: 1, holders: [{ address: '127.0.0.1:8000' }] }];
      const value = message.operation === 'catalogue' ? { rows, total: 1 } : { bytes: 1, size: 1 };
      child.say({ type: 'result', call: message.call, value });
    };
    await call('nodes.start', { ids: [origin, balancer] });
    for (const id of [origin, balancer]) await phase(id, 'running');
    const { id } = await call('transfers.download', { name: 'page.txt' });
    expect((await transfer(id, 'done')).client).toBe(client);
  });

  it('says what is missing when there is nothing to ask', async () => {
    const studio = await setUp();
    const { id } = await studio.call('transfers.download', { name: 'hello.txt' });
    expect((await studio.transfer(id, 'failed')).error?.code).toBe('NO_INDEX');
  });

  it('can be handed to the browser once', async () => {
    const studio = await setUp();
    const { call, launcher, transfer, folder, core } = studio;
    await add(studio, 'index-server');
    const path = join(folder, 'saved.txt');
    await writeFile(path, 'saved');
    clientScript(studio, (id) =>
      launcher.of('Client1').say({ type: 'result', call: id, value: { bytes: 5, path } }),
    );
    const { id } = await call('transfers.download', { name: 'saved.txt' });
    await transfer(id, 'done');
    const { path: address } = await call('transfers.saveAs', { id });
    const ticket = address.split('/').at(-1) as string;
    const file = await core.openSaved(ticket);
    let text = '';
    for await (const chunk of file.stream) text += String(chunk);
    expect([file.name, file.size, text]).toEqual(['saved.txt', 5, 'saved']);
    await expect(core.openSaved(ticket)).rejects.toMatchObject({ code: 'UNKNOWN_TICKET' });
  });
});

describe('the catalogue', () => {
  it('merges what the running indexes know, and names the nodes behind the server ids', async () => {
    const studio = await setUp();
    const { call, launcher, phase, node } = studio;
    const ids = [
      await add(studio, 'index-server'),
      await add(studio, 'index-server'),
      await add(studio, 'content-server'),
    ];
    const holder = (serverId: string, port = 1) => ({
      serverId,
      address: `127.0.0.1:${port}`,
      alive: serverId !== 'CS9',
    });
    launcher.script = (message, child) => {
      obedient(message, child);
      if (message.type !== 'operate') return;
      const rows =
        child.label === 'Index1'
          ? [{ name: 'b', size: 2, holders: [holder('CS9'), holder('X', node('cs1').ports.tcp)] }]
          : [
              { name: 'a', size: 1, holders: [holder('CS1')] },
              { name: 'b', size: 2, holders: [holder('X', node('cs1').ports.tcp)] },
            ];
      const { offset } = message.input as { offset: number };
      child.say({
        type: 'result',
        call: message.call,
        value: { rows: rows.slice(offset), total: rows.length },
      });
    };
    expect(await call('catalogue.list', {})).toEqual({ rows: [], total: 0 });
    await call('nodes.start', { ids });
    for (const id of ids) await phase(id, 'running');
    expect(await call('catalogue.list', { descending: true })).toEqual({
      total: 2,
      rows: [
        {
          name: 'b',
          size: 2,
          holders: [
            { serverId: 'X', alive: true, node: 'cs1' },
            { serverId: 'CS9', alive: false },
          ],
        },
        { name: 'a', size: 1, holders: [{ serverId: 'CS1', alive: true, node: 'cs1' }] },
      ],
    });
  });
});

describe('closing', () => {
  it('stops every node, saves, and gives the workspace free', async () => {
    const studio = await setUp();
    const { call, launcher, core, phase, folder } = studio;
    const id = await add(studio, 'index-server');
    await call('nodes.start', { ids: [id] });
    await phase(id, 'running');
    await Promise.all([core.close(), core.close()]);
    expect(launcher.of('Index1').last('stop')).toBeDefined();
    const { path } = await readOnly(folder);
    expect((JSON.parse(await readFile(path, 'utf8')) as Workspace).nodes).toHaveLength(1);
    expect(await readdir(join(path, '..'))).not.toContain('workspace.json.lock');
  });

  it('does not wait for an index that is asked about a file and does not answer', async () => {
    const studio = await setUp();
    const { call, launcher, core, phase } = studio;
    const id = await add(studio, 'index-server');
    await call('nodes.start', { ids: [id] });
    await phase(id, 'running');
    await call('transfers.download', { name: 'hello.txt' });
    await waitFor(() => launcher.of('Index1').last('operate'), 'the question');
    await core.close();
    expect(launcher.of('Index1').last('stop')).toBeDefined();
    expect(launcher.processes).toHaveLength(1);
  });

  it('kills a node that ignores the stop, at once when the person insists', async () => {
    const studio = await setUp();
    const { call, launcher, core, phase } = studio;
    const id = await add(studio, 'index-server');
    launcher.script = (message, child) => {
      if (message.type === 'start') obedient(message, child);
    };
    await call('nodes.start', { ids: [id] });
    await phase(id, 'running');
    const closing = core.close();
    await phase(id, 'stopping');
    await core.closeNow();
    await closing;
    expect(launcher.of('Index1').killed).toBe(true);
  });
});

/** The one workspace of a data folder. */
async function readOnly(folder: string): Promise<{ path: string }> {
  const [name] = await readdir(join(folder, 'workspaces'));
  return { path: join(folder, 'workspaces', name as string, 'workspace.json') };
}
