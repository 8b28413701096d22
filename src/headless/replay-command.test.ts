/** `micro-cdn replay` as a process, over real nodes. */
import { spawn } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Workspace } from '../contract/workspace';
import type { Recording } from '../core/recording/recording';
import { emptyWorkspace } from '../core/workspace/document';
import { cliEntry } from '../testing/programs';
import { scratchFolder } from '../testing/scratch-folder';

let folder: string;
let workspace: string;
let file: string;
beforeEach(async () => {
  folder = await scratchFolder();
  workspace = join(folder, 'workspace.json');
  file = join(folder, 'recordings', 'life-and-death.json');
  await mkdir(join(folder, 'recordings'));
  await writeFile(workspace, JSON.stringify(emptyWorkspace('Empty')));
});

interface Ended {
  code: number | null;
  out: string[];
  err: string;
}
/** Runs the command to its end, or to Ctrl-C once it has printed a line. */
function run(args: string[], interruptAt?: string): Promise<Ended> {
  const child = spawn(process.execPath, [cliEntry(), ...args], {
    env: { ...process.env, MICRO_CDN_DATA: join(folder, 'data') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
    if (interruptAt !== undefined && out.includes(interruptAt)) child.kill('SIGINT');
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  return new Promise((resolve) =>
    child.once('close', (code) => resolve({ code, out: out.split('\n').slice(0, -1), err })),
  );
}

const index = { type: 'add-node', kind: 'index-server', config: { tcpPort: 0 } };
const life: Recording = {
  format: 'micro-cdn-recording',
  version: 1,
  name: 'Life and death',
  recordedAt: '2026-12-01T10:00:00.000Z',
  lengthMs: 50,
  nodes: [],
  steps: [
    { at: 0, call: 'workspace.apply', input: { command: index }, took: 1, made: { node: ['index1'] } },
    { at: 5, call: 'nodes.start', input: { ids: ['index1'] }, took: 1 },
    { at: 10, call: 'nodes.hang', input: { ids: ['index1'] }, took: 1, made: { fault: ['hang-index1'] } },
    { at: 15, call: 'nodes.kill', input: { ids: ['index1'] }, took: 1 },
  ],
};
const save = (recording: Recording, path = file) => writeFile(path, JSON.stringify(recording));
const document = async (): Promise<Workspace> => JSON.parse(await readFile(workspace, 'utf8'));

describe('micro-cdn replay', () => {
  it('prints each step and the outcome, and leaves the workspace to whoever comes next', async () => {
    await save(life);
    const first = await run(['replay', file]);
    expect(first).toEqual({
      code: 0,
      err: '',
      out: [
        '1/4 Add index server',
        '2/4 Start Index1',
        '3/4 Hang Index1',
        '4/4 Kill Index1',
        '4 steps replayed.',
      ],
    });
    const again = await run(['replay', '--workspace', workspace, file]);
    expect(again).toMatchObject({ code: 0, out: expect.arrayContaining(['4/4 Kill Index2']) });
    expect((await document()).nodes.map(({ name }) => name)).toEqual(['Index1', 'Index2']);
  });

  it('ends with 1 and the reason at a step that cannot be done', async () => {
    await save({
      ...life,
      nodes: [{ id: 'cs1', kind: 'content-server', name: 'CS1', running: true }],
      steps: [{ at: 0, call: 'nodes.kill', input: { ids: ['cs1'] }, took: 1 }],
    });
    expect(await run(['replay', file])).toMatchObject({
      code: 1,
      out: [],
      err: expect.stringMatching(
        /^micro-cdn: Step 1 of 1, “Kill CS1”, .*CS1 is not in this workspace\. Nothing was/,
      ),
    });
    const nowhere = join(folder, 'nowhere.json');
    expect(await run(['replay', file, '--workspace', nowhere])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/There is no workspace .*nowhere\.json\. Name the one/),
    });
    await expect(stat(nowhere)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('makes a workspace for a recording that begins with none', async () => {
    await save({ ...life, steps: life.steps.slice(0, 1) });
    workspace = join(folder, 'new.json');
    expect(await run(['replay', file, '--workspace', workspace])).toMatchObject({ code: 0 });
    expect((await document()).nodes).toHaveLength(1);
  });

  it.each([
    ['empty', '', /life-and-death\.json cannot be read: it is empty\./],
    ['of something else', '{"format":"micro-cdn-studio"}', /cannot be read: it is no recording\./],
  ])('refuses a file that is %s', async (_, text, reason) => {
    await writeFile(file, text);
    expect(await run(['replay', file])).toMatchObject({ code: 1, err: expect.stringMatching(reason) });
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('ends with 2 where the command line is wrong, and says what is right', async () => {
    const elsewhere = join(folder, 'elsewhere.json');
    await save(life, elsewhere);
    for (const [args, reason] of [
      [['replay'], /Name the recording: micro-cdn replay FILE/],
      [['replay', file, 'more'], /"more" is one word too many/],
      [['replay', file, '--workspce', 'x'], /Did you mean --workspace\?/],
      [['repley', file], /Did you mean replay\?/],
      [['replay', elsewhere], /elsewhere\.json does not lie in the folder of a workspace\. Name one/],
    ] as const) {
      expect(await run([...args])).toMatchObject({ code: 2, err: expect.stringMatching(reason) });
    }
    const help = await run(['help', 'replay']);
    expect(help).toMatchObject({
      code: 0,
      out: expect.arrayContaining([expect.stringMatching(/--workspace FILE/)]),
    });
  });

  it.skipIf(process.platform === 'win32')('stops its nodes at Ctrl-C', async () => {
    await save({
      ...life,
      steps: [...life.steps.slice(0, 2), { at: 900_000_000, call: 'workspace.undo', input: {} }],
    });
    const ended = await run(['replay', file], '2/3 Start Index1');
    expect(ended).toMatchObject({ code: 130, err: 'micro-cdn: Cancelled: 2 of 3 steps replayed.\n' });
  });
});
