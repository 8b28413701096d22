/** `micro-cdn replay FILE`: does again what was recorded in the panel, without one. */
import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { version } from '../../package.json';
import { StudioError } from '../contract/errors';
import { type Core, createCore } from '../core/core';
import { defaultDataFolder } from '../core/data-folder';
import type { Recording } from '../core/recording/recording';
import { readRecording } from '../core/recording/recording-files';
import { workspacesOf } from '../core/workspace/workspace-paths';
import { builtPrograms } from './built-programs';
import { UsageError } from './flags';
import { childProcessLauncher } from './launcher';
import { writeLine } from './printable';
import { tellFailure } from './run-operation';

export interface ReplayOptions {
  /** The recording. */
  file: string;
  /** File of the workspace to replay it in. Default: the one beside which the recording lies. */
  workspace?: string | undefined;
}

/**
 * Prints a line for each step, and the outcome. Resolves to the exit code, once every node has ended: 0 when all
 * steps were done, 130 after Ctrl-C.
 * @throws UsageError when there is no telling which workspace is meant
 */
export async function runReplay({ file, workspace }: ReplayOptions): Promise<number> {
  try {
    const recording = await readRecording(resolve(file));
    const workspacePath = workspace ?? (await workspaceBeside(resolve(file)));
    await refuseMissing(workspacePath, recording);
    const { nodeEntry, resourcesFolder } = builtPrograms();
    const dataFolder = defaultDataFolder();
    const core = await createCore({
      dataFolder,
      resourcesFolder,
      launcher: childProcessLauncher(nodeEntry),
      shell: { kind: 'headless', version, platform: process.platform, paths: false, dataFolder },
      workspacePath,
    });
    try {
      return await replayOver(core, recording);
    } finally {
      await core.close();
    }
  } catch (error) {
    return tellFailure(error, (text) => writeLine(process.stderr, `micro-cdn: ${text}`));
  }
}

async function replayOver(core: Core, recording: Recording): Promise<number> {
  const session = core.openSession({ onBatch: () => {}, background: true });
  session.watch({ visible: false, logs: [], messages: [] });
  const total = recording.steps.length;
  const { task, ended } = core.recordings.replay(recording, session, ({ step, doing }) =>
    print(`${step}/${total} ${doing}`),
  );
  const interrupt = (): void => {
    if (task.signal.aborted) void core.closeNow();
    task.cancel();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  await ended;
  for (const line of outcomeOf(core)) print(line);
  const { error, outcome } = task.view;
  if (error) throw new StudioError(error.code, error.message, error.hint);
  if (task.signal.aborted) throw new StudioError('CANCELLED', `Cancelled: ${outcome}.`);
  print(`${outcome}.`);
  return 0;
}

/** What became of the downloads, and of nodes that nobody has killed. */
function outcomeOf({ transfers, supervisor }: Core): string[] {
  const downloads = transfers
    .views()
    .map(({ name, phase, verified, error }) =>
      [`${name}: ${phase}`, verified && `${verified} verified`, error?.message].filter(Boolean).join(', '),
    );
  const crashed = supervisor
    .views()
    .filter(({ phase, reason }) => phase === 'crashed' && reason?.code !== 'KILLED')
    .map(({ id, reason }) => `${supervisor.spec(id).name}: crashed, ${reason?.message}`);
  return [...downloads, ...crashed];
}

async function workspaceBeside(file: string): Promise<string> {
  for (const path of workspacesOf(dirname(file))) if (await exists(path)) return path;
  throw new UsageError(
    `${basename(file)} does not lie in the folder of a workspace. Name one: --workspace FILE`,
  );
}

/** A new workspace has no nodes: a recording that begins with some cannot be meant for it. */
async function refuseMissing(workspace: string, { nodes }: Recording): Promise<void> {
  if (nodes.length === 0 || (await exists(workspace))) return;
  const hint = 'Name the one that it was recorded in, or one with the same nodes.';
  throw new StudioError('NO_WORKSPACE', `There is no workspace ${workspace}.`, hint);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function print(line: string): void {
  writeLine(process.stdout, line);
}
