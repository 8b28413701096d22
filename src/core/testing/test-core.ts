/** A core in a folder of its own, with one panel, for tests. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallInput, CallName, CallOutput } from '../../contract/calls';
import type { NodeView, StudioEvent, TaskView, TransferView } from '../../contract/events';
import { removeFolder } from '../../testing/scratch-folder';
import { type Core, type CoreOptions, createCore } from '../core';
import type { Session } from '../events/event-hub';
import type { NodeLauncher } from '../supervisor/launcher';
import { waitFor } from './wait-for';

export const resourcesFolder = join(import.meta.dirname, '../../../resources');

export interface TestCore {
  core: Core;
  session: Session;
  folder: string;
  events: StudioEvent[];
  call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>>;
  node(id: string): NodeView;
  /** Resolves when the node is in this phase. */
  phase(id: string, phase: NodeView['phase']): Promise<NodeView>;
  transfer(id: string, phase: TransferView['phase']): Promise<TransferView>;
  task(id: string): Promise<TaskView>;
  /** A notice whose title matches. */
  notice(title: RegExp): Promise<unknown>;
  /** Closes the core, and deletes its folder unless it is kept for another one. */
  end(options?: { keep?: boolean }): Promise<void>;
}

export async function testCore(
  launcher: NodeLauncher,
  options: Partial<CoreOptions> = {},
): Promise<TestCore> {
  const folder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'studio-')));
  const core = await createCore({
    dataFolder: folder,
    resourcesFolder,
    launcher,
    shell: { kind: 'headless', version: '0', platform: process.platform, paths: true, dataFolder: folder },
    ...options,
  });
  const events: StudioEvent[] = [];
  const session = core.openSession({ onBatch: (batch) => events.push(...batch.events) });
  session.snapshotTaken();
  const call: TestCore['call'] = (name, input) => core.call(name, input, session);
  const node = (id: string): NodeView => core.supervisor.view(id);
  return {
    core,
    session,
    folder,
    events,
    call,
    node,
    phase: (id, phase) =>
      waitFor(() => node(id).phase === phase && node(id), `${id} to be ${phase}; it is ${node(id).phase}`),
    transfer: (id, phase) =>
      waitFor(
        () => core.transfers.view(id).phase === phase && core.transfers.view(id),
        `the transfer to be ${phase}`,
      ),
    task: (id) =>
      waitFor(
        () => core.tasks.views().find((task) => task.id === id && task.phase !== 'running'),
        `the end of ${id}`,
      ),
    notice: (title) =>
      waitFor(
        () => events.find((event) => event.type === 'notice' && title.test(event.notice.title)),
        `a notice ${title}`,
      ),
    async end({ keep = false } = {}) {
      await core.close();
      if (!keep) await removeFolder(folder);
    },
  };
}
