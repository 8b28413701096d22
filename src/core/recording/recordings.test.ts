import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { CallOutput } from '../../contract/calls';
import { obedient, ScriptedLauncher } from '../testing/scripted-launcher';
import { type TestCore, testCore } from '../testing/test-core';
import { waitFor } from '../testing/wait-for';
import { recordingsFolder } from '../workspace/workspace-paths';
import { maxSteps, type Recording } from './recording';

const open: TestCore[] = [];
async function setUp() {
  const launcher = new ScriptedLauncher();
  const studio = await testCore(launcher);
  open.push(studio);
  return { ...studio, launcher };
}
afterEach(async () => {
  for (const studio of open.splice(0)) await studio.end();
});

type Studio = Awaited<ReturnType<typeof setUp>>;
const folderOf = ({ core }: Studio): string => recordingsFolder(core.workspace.path);
const namesOf = ({ core }: Studio): string[] => core.workspace.document.nodes.map(({ name }) => name);

async function add({ call }: Studio, kind: string): Promise<string> {
  const { ids } = await call('workspace.apply', { command: { type: 'add-node', kind } });
  return ids[0] as string;
}
async function running(studio: Studio, kind: string): Promise<string> {
  const id = await add(studio, kind);
  await studio.call('nodes.start', { ids: [id] });
  await studio.phase(id, 'running');
  return id;
}
const remove = ({ call }: Studio, ...ids: string[]) =>
  call('workspace.apply', { command: { type: 'remove-nodes', ids } });

/** What is recorded while `act` goes on. */
async function record(studio: Studio, act: () => Promise<unknown>): Promise<Recording> {
  await studio.call('recordings.start', {});
  await act();
  const saved = await studio.call('recordings.stop', {});
  return JSON.parse(await readFile(saved?.path ?? '', 'utf8')) as Recording;
}
const callsOf = ({ steps }: Recording): string[] => steps.map(({ call }) => call);

/** Replays the newest recording; resolves to its task, ended. */
async function replay(studio: Studio) {
  const [newest] = await studio.call('recordings.list', {});
  const { task } = await studio.call('recordings.replay', { id: newest?.id ?? '' });
  const ended = await studio.task(task);
  await waitFor(() => studio.core.recordings.view.phase === 'idle');
  return ended;
}
/** Downloads that end at once, from an index that knows every file. */
function withDownloads({ launcher }: Studio): void {
  launcher.script = (message, child) => {
    obedient(message, child);
    if (message.type !== 'operate') return;
    const value =
      message.operation === 'catalogue' ? { rows: [], total: 0 } : { bytes: 1, size: 1, path: '/x' };
    child.say({ type: 'result', call: message.call, value });
  };
}

describe('a recording', () => {
  it('is of what changes the network, in order, and of nothing that only looks or has failed', async () => {
    const studio = await setUp();
    const { call } = studio;
    const index = await running(studio, 'index-server');
    const recording = await record(studio, async () => {
      await add(studio, 'content-server');
      await call('files.list', { node: 'cs1' });
      await call('settings.set', { settings: { theme: 'dark' } });
      await expect(call('nodes.kill', { ids: ['nobody'] })).rejects.toThrow();
      await call('nodes.kill', { ids: [index] });
    });
    expect(recording).toMatchObject({
      name: 'Recording 1',
      nodes: [{ id: 'index1', kind: 'index-server', name: 'Index1', running: true }],
      steps: [
        { call: 'workspace.apply', made: { node: ['cs1'] } },
        { call: 'nodes.kill', input: { ids: ['index1'] } },
      ],
    });
    expect(callsOf(recording)).toHaveLength(2);
  });

  it('is shown to every panel while it is made, and its saving is told', async () => {
    const studio = await setUp();
    const { call, events } = studio;
    await call('recordings.start', {});
    await add(studio, 'monitor');
    await waitFor(() =>
      events.find((event) => event.type === 'recorder' && event.recorder.phase === 'recording'),
    );
    expect((await call('studio.snapshot', {})).recorder).toMatchObject({ phase: 'recording', steps: 1 });
    const saved = await call('recordings.stop', { name: 'How it began' });
    expect(saved).toMatchObject({ id: 'how-it-began', name: 'How it began', steps: 1 });
    expect((await call('studio.snapshot', {})).recorder).toEqual({ phase: 'idle' });
    await call('recordings.rename', { id: 'how-it-began', name: 'Once more' });
    expect(await call('recordings.list', {})).toMatchObject([{ id: 'how-it-began', name: 'Once more' }]);
    const { fileName, text } = await call('recordings.read', { id: 'how-it-began' });
    expect([fileName, JSON.parse(text).name]).toEqual(['how-it-began.json', 'Once more']);
    await call('recordings.remove', { id: 'how-it-began' });
    expect(await call('recordings.list', {})).toEqual([]);
  });

  it('in which nothing was done is not saved', async () => {
    const studio = await setUp();
    await studio.call('recordings.start', {});
    expect(await studio.call('recordings.stop', {})).toBeNull();
    expect(await studio.call('recordings.list', {})).toEqual([]);
  });

  it('leaves out edits from before it that are undone or done again, and holds its own', async () => {
    const studio = await setUp();
    const { call } = studio;
    await add(studio, 'index-server');
    const recording = await record(studio, async () => {
      await add(studio, 'monitor');
      for (let n = 0; n < 2; n++) await call('workspace.undo', {});
      for (let n = 0; n < 2; n++) await call('workspace.redo', {});
    });
    expect(callsOf(recording)).toEqual(['workspace.apply', 'workspace.undo', 'workspace.redo']);
  });

  it('leaves out what is done to downloads and trash from before it', async () => {
    const studio = await setUp();
    const { call, transfer, core } = studio;
    withDownloads(studio);
    await running(studio, 'index-server');
    const { id } = await call('transfers.download', { name: 'hello.txt' });
    await transfer(id, 'done');
    const [client] = core.workspace.document.nodes.filter(({ kind }) => kind === 'client');
    const recording = await record(studio, async () => {
      await call('transfers.cancel', { id });
      const again = await call('transfers.download', { name: 'hello.txt' });
      await transfer(again.id, 'done');
      await call('transfers.cancel', { id: again.id });
    });
    expect(recording.steps).toMatchObject([
      { call: 'transfers.download', made: { transfer: [expect.any(String)] } },
      { call: 'transfers.cancel' },
    ]);
    // There was a client: none was made.
    expect(client).toBeDefined();
    expect(recording.steps[0]?.made?.node).toBeUndefined();
  });

  it('of what a node is asked and told holds only what it is told', async () => {
    const studio = await setUp();
    const { call } = studio;
    withDownloads(studio);
    const id = await running(studio, 'cache-proxy');
    const recording = await record(studio, async () => {
      await call('nodes.operate', { id, operation: 'contents', input: {} });
      await call('nodes.operate', { id, operation: 'purge', input: { by: 'prefix', value: '/' } });
    });
    expect(recording.steps).toMatchObject([{ input: { operation: 'purge' } }]);
    expect(recording.steps).toHaveLength(1);
  });

  it('is saved when its workspace is left', async () => {
    const studio = await setUp();
    const { call, core, notice } = studio;
    const { path } = core.workspace;
    await call('recordings.start', {});
    await add(studio, 'monitor');
    await call('workspace.create', { name: 'Another' });
    await notice(/^Recording 1 was ended and saved$/);
    expect(await call('recordings.list', {})).toEqual([]);
    expect(core.recordings.view).toEqual({ phase: 'idle' });
    await call('workspace.open', { path });
    expect(await call('recordings.list', {})).toMatchObject([{ name: 'Recording 1', steps: 1 }]);
  });

  it('goes on when it cannot be saved', async () => {
    const studio = await setUp();
    const { call } = studio;
    await writeFile(folderOf(studio), 'a file where the folder should be');
    await call('recordings.start', {});
    await add(studio, 'monitor');
    await expect(call('recordings.stop', {})).rejects.toMatchObject({
      hint: expect.stringMatching(/goes on/),
    });
    await add(studio, 'monitor');
    await rm(folderOf(studio));
    expect(await call('recordings.stop', {})).toMatchObject({ steps: 2 });
  });

  it('ends by itself when it is as long as it may be', async () => {
    const { call, notice } = await setUp();
    await call('recordings.start', {});
    for (let n = 0; n < maxSteps + 10; n++) await call('faults.healAll', {});
    await notice(/ended and saved/);
    expect(await call('recordings.list', {})).toMatchObject([{ steps: maxSteps }]);
  });

  it('is not begun twice, nor ended when there is none', async () => {
    const { call } = await setUp();
    await expect(call('recordings.stop', {})).rejects.toMatchObject({ code: 'NOT_RECORDING' });
    await call('recordings.start', {});
    await expect(call('recordings.start', {})).rejects.toMatchObject({ code: 'RECORDING' });
  });
});

describe('a replay', () => {
  it('does the same again, to the things that it makes itself', async () => {
    const studio = await setUp();
    const { call, core } = studio;
    const { workspace } = core;
    const index = await running(studio, 'index-server');
    await record(studio, async () => {
      const first = await add(studio, 'content-server');
      const { ids } = await call('workspace.apply', { command: { type: 'duplicate-nodes', ids: [first] } });
      const copy = ids[0] as string;
      await call('workspace.apply', { command: { type: 'rename-node', id: copy, name: 'The copy' } });
      await call('workspace.apply', {
        command: { type: 'configure-node', id: copy, config: { index: { node: index } } },
      });
      await call('workspace.apply', {
        command: { type: 'move-nodes', positions: { [copy]: { x: 7, y: 8 } } },
      });
      await call('faults.preset', { preset: 'hung-server', ids: [copy] });
      await remove(studio, first);
      await call('workspace.undo', {});
      await remove(studio, first);
    });
    const recorded = namesOf(studio);
    const fault = workspace.document.faults[0];
    await remove(studio, 'cs2');
    // Its folder keeps the id, so that the next one of its name gets another.
    await mkdir(join(folderOf(studio), '../nodes/cs2'), { recursive: true });
    await mkdir(join(folderOf(studio), '../nodes/cs1'), { recursive: true });
    await call('nodes.kill', { ids: [index] });

    expect(await replay(studio)).toMatchObject({
      phase: 'done',
      done: 9,
      total: 9,
      title: 'Replay Recording 1',
    });
    expect(namesOf(studio)).toEqual(recorded);
    expect(studio.node(index).phase).toBe('running');
    const copy = workspace.document.nodes.find(({ name }) => name === 'The copy');
    expect(copy).toMatchObject({ position: { x: 7, y: 8 }, config: { index: { node: index } } });
    expect(copy?.id).not.toBe('cs2');
    expect(workspace.document.faults).toMatchObject([{ kind: fault?.kind, node: copy?.id }]);
  });

  it('heals the faults that it has set, whatever ids the core gave them', async () => {
    const studio = await setUp();
    const { call, core } = studio;
    const id = await running(studio, 'content-server');
    const faults = () => core.workspace.document.faults;
    await record(studio, async () => {
      await call('faults.preset', { preset: 'hung-server', ids: [id] });
      await call('faults.remove', { ids: faults().map((fault) => fault.id) });
    });
    expect(await replay(studio)).toMatchObject({ phase: 'done' });
    expect(faults()).toEqual([]);
  });

  it('begins without the faults that it sets itself, and leaves those of others', async () => {
    const studio = await setUp();
    const { call, core } = studio;
    const id = await running(studio, 'content-server');
    const fault = (name: string) => ({ id: name, kind: 'latency', node: id });
    await call('faults.set', { faults: [fault('other')] });
    await record(studio, async () => {
      await call('nodes.hang', { ids: [id] });
      await call('faults.set', { faults: [fault('own')] });
    });
    const before = core.workspace.document.faults;
    await replay(studio);
    const { faults } = core.workspace.document;
    expect(faults.map((each) => each.id)).toEqual(before.map((each) => each.id));
    // The same objects, where they were not set anew.
    expect(faults.map((each) => before.includes(each))).toEqual([true, false, false]);
  });

  it('finds the downloads that it has begun, and the client that was added for one', async () => {
    const studio = await setUp();
    const { call, core, transfer, launcher, phase } = studio;
    withDownloads(studio);
    await running(studio, 'index-server');
    const recording = await record(studio, async () => {
      const { id } = await call('transfers.download', { name: 'hello.txt' });
      await transfer(id, 'done');
      await call('transfers.cancel', { id });
      await call('nodes.kill', { ids: [core.transfers.view(id).client] });
    });
    expect(recording.steps[0]?.made).toMatchObject({ node: ['client1'] });
    await remove(studio, 'client1');
    const client = await add(studio, 'client');
    await call('workspace.apply', { command: { type: 'rename-node', id: client, name: 'Another' } });

    expect(await replay(studio)).toMatchObject({ phase: 'done' });
    expect(core.transfers.views().map((view) => view.phase)).toEqual(['done', 'done']);
    await phase(client, 'crashed');
    expect(launcher.of('Another').killed).toBe(true);
  });

  it('removes files again and puts them back from its own trash', async () => {
    const studio = await setUp();
    const { call } = studio;
    const node = await add(studio, 'content-server');
    const folder = join(folderOf(studio), '../nodes', node, 'files');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'a.txt'), 'a');
    await record(studio, async () => {
      const { batch } = await call('files.remove', { node, names: ['a.txt'] });
      await call('files.restore', { node, files: [{ batch, name: 'a.txt' }] });
      // Neither does anything, so neither is a step.
      await call('files.restore', { node, files: [{ batch, name: 'a.txt' }] });
      await call('files.remove', { node, names: ['b.txt'] });
    });
    expect(await replay(studio)).toMatchObject({ phase: 'done' });
    expect(await readdir(folder)).toEqual(['a.txt']);
    await rm(join(folder, 'a.txt'));
    expect(await replay(studio)).toMatchObject({
      phase: 'failed',
      error: { message: 'Step 1 of 2, “Remove a.txt from CS1”, cannot be done: there is no such file.' },
    });
  });

  it('that lacks a node does nothing, and says which step needs which', async () => {
    const studio = await setUp();
    const { call, notice, core } = studio;
    const index = await add(studio, 'index-server');
    const server = await add(studio, 'content-server');
    await record(studio, async () => {
      await remove(studio, index);
      await call('nodes.start', { ids: [server] });
    });
    await call('workspace.undo', {});
    await remove(studio, server);
    expect(await replay(studio)).toMatchObject({
      phase: 'failed',
      done: 0,
      error: {
        message: 'Step 2 of 2, “Start CS1”, cannot be done: CS1 is not in this workspace.',
        hint: expect.stringMatching(/add a node called CS1 \(content server\)/),
      },
    });
    expect(namesOf(studio)).toEqual(['Index1']);
    await notice(/^The replay of Recording 1 has failed$/);
    core.journal.beginAnew();
    const types = core.journal.list({ limit: 99 }).map(({ type }) => type);
    expect(types).toEqual(expect.arrayContaining(['replay-begun', 'replay-ended']));
  });

  it('gives the part of a node to one of the same name and kind', async () => {
    const studio = await setUp();
    const { call } = studio;
    const id = await running(studio, 'content-server');
    await record(studio, () => call('nodes.kill', { ids: [id] }));
    await remove(studio, id);
    await mkdir(join(folderOf(studio), '../nodes', id), { recursive: true });
    const other = await add(studio, 'content-server');
    expect(other).not.toBe(id);
    expect(await replay(studio)).toMatchObject({ phase: 'done' });
    await studio.phase(other, 'crashed');
  });

  it('gives it to none of another kind, though it has the same id', async () => {
    const studio = await setUp();
    const { call, core } = studio;
    const id = await running(studio, 'content-server');
    await record(studio, () => call('nodes.kill', { ids: [id] }));
    await remove(studio, id);
    await call('workspace.apply', { command: { type: 'add-node', kind: 'monitor', id } });
    expect(await replay(studio)).toMatchObject({ phase: 'failed', done: 0 });
    expect(core.supervisor.view(id).phase).toBe('stopped');
  });

  it('ends at the step that cannot be done', async () => {
    const studio = await setUp();
    const { call } = studio;
    const id = await add(studio, 'index-server');
    await record(studio, async () => {
      await call('workspace.apply', { command: { type: 'rename-node', id, name: 'Main' } });
      await call('workspace.apply', { command: { type: 'rename-node', id, name: 'Other' } });
    });
    await call('workspace.apply', { command: { type: 'add-node', kind: 'monitor', name: 'Main' } });
    expect(await replay(studio)).toMatchObject({
      phase: 'failed',
      error: {
        message: 'Step 1 of 2, “Rename Other to Main”, cannot be done: Another node is called "Main".',
        hint: 'Choose another name.',
      },
    });
    expect(namesOf(studio)).toEqual(['Other', 'Main']);
  });

  it('does not undo what others did', async () => {
    const studio = await setUp();
    const recording = await record(studio, () => add(studio, 'monitor'));
    const undo = { at: 0, call: 'workspace.undo', input: {}, took: 0 };
    await writeFile(
      join(folderOf(studio), 'edited.json'),
      JSON.stringify({ ...recording, recordedAt: '2099-01-01T00:00:00Z', steps: [undo] }),
    );
    expect(await replay(studio)).toMatchObject({ phase: 'failed', error: { code: 'STEP_FAILED' } });
    expect(namesOf(studio)).toEqual(['Monitor1']);
  });

  it('says so when what ran cannot be started', async () => {
    const studio = await setUp();
    const { call, launcher } = studio;
    const id = await running(studio, 'index-server');
    await record(studio, () => call('nodes.kill', { ids: [id] }));
    await studio.phase(id, 'crashed');
    launcher.script = (message, child) => {
      if (message.type !== 'start') return;
      child.say({ type: 'fatal', error: { code: 'EBOOM', message: 'It went wrong.' } });
      child.exit({ code: 1 });
    };
    expect(await replay(studio)).toMatchObject({
      phase: 'failed',
      error: { message: expect.stringMatching(/Index1 ran .* cannot be started now: It went wrong\./) },
    });
  });

  it('goes on with what was done while something else still was under way', async () => {
    const studio = await setUp();
    const { call, launcher } = studio;
    launcher.script = (message, child) => {
      obedient(message, child);
      // The purge is answered when the other node is gone.
      if (message.type === 'operate')
        void waitFor(() => launcher.of('Index1').killed).then(() =>
          child.say({ type: 'result', call: message.call, value: { removed: 1 } }),
        );
    };
    const cache = await running(studio, 'cache-proxy');
    const index = await running(studio, 'index-server');
    const recording = await record(studio, async () => {
      const purge = call('nodes.operate', { id: cache, operation: 'purge', input: {} });
      await call('nodes.kill', { ids: [index] });
      await purge;
    });
    expect(callsOf(recording)).toEqual(['nodes.operate', 'nodes.kill']);
    expect(await replay(studio)).toMatchObject({ phase: 'done', done: 2 });
  });

  it('is cancelled like any task, and refuses a recording meanwhile', async () => {
    const studio = await setUp();
    const { call, core } = studio;
    const recording = await record(studio, () => add(studio, 'monitor'));
    const [step] = recording.steps;
    const late = { ...recording, name: 'Late', steps: [{ ...step, at: 500_000_000 }] };
    await writeFile(join(folderOf(studio), 'late.json'), JSON.stringify(late));
    const { task } = await call('recordings.replay', { id: 'late' });
    expect(core.recordings.view).toMatchObject({ phase: 'replaying', name: 'Late', steps: 1, task });
    await expect(call('recordings.start', {})).rejects.toMatchObject({ code: 'REPLAYING' });
    await expect(call('recordings.replay', { id: 'late' })).rejects.toMatchObject({ code: 'REPLAYING' });
    await call('tasks.cancel', { id: task });
    expect(await studio.task(task)).toMatchObject({ phase: 'cancelled' });
    await call('recordings.start', {});
    await expect(call('recordings.replay', { id: 'late' })).rejects.toMatchObject({ code: 'RECORDING' });
  });

  it('ends when its workspace is left', async () => {
    const studio = await setUp();
    const { call, core } = studio;
    const recording = await record(studio, () => add(studio, 'monitor'));
    const late = { ...recording, steps: [{ ...recording.steps[0], at: 500_000_000 }] };
    await writeFile(join(folderOf(studio), 'late.json'), JSON.stringify(late));
    await call('recordings.replay', { id: 'late' });
    await call('workspace.create', { name: 'Another' });
    expect(core.recordings.view).toEqual({ phase: 'idle' });
    expect(namesOf(studio)).toEqual([]);
  });

  it('of a file that is broken is refused with what is wrong, and the file stays as it is', async () => {
    const studio = await setUp();
    const { call } = studio;
    await record(studio, () => add(studio, 'monitor'));
    const path = join(folderOf(studio), 'recording-1.json');
    const text = (await readFile(path, 'utf8')).slice(0, 90);
    await writeFile(path, text);
    const rows: CallOutput<'recordings.list'> = await call('recordings.list', {});
    expect(rows).toMatchObject([{ id: 'recording-1', problem: 'it ends too early or is not JSON' }]);
    for (const refused of [
      () => call('recordings.replay', { id: 'recording-1' }),
      () => call('recordings.rename', { id: 'recording-1', name: 'x' }),
    ])
      await expect(refused()).rejects.toMatchObject({
        code: 'BAD_RECORDING',
        message: 'The recording recording-1.json cannot be read: it ends too early or is not JSON.',
      });
    expect(await readFile(path, 'utf8')).toBe(text);
    // The next one takes another name and another file.
    await record(studio, () => add(studio, 'monitor'));
    expect(await readdir(folderOf(studio))).toHaveLength(2);
    await expect(call('recordings.replay', { id: '../workspace' })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
    await expect(call('recordings.read', { id: 'nothing' })).rejects.toMatchObject({ code: 'NO_RECORDING' });
  });
});
