/** What the tray and the taskbar show, kept from the same events that the panel gets. */
import type { CallInput, CallName, CallOutput } from '../contract/calls';
import type { StudioEvent, TransferView } from '../contract/events';
import type { Core } from '../core/core';
import { overallProgress } from './progress';

export interface StudioStatus {
  running: number;
  total: number;
  /** For `BrowserWindow.setProgressBar`. */
  progress: number;
}

export interface StudioFollower {
  call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>>;
  nodeIds(): Promise<string[]>;
  onChange(listener: (status: StudioStatus) => void): void;
}

/** Opens a session of the shell's own. It looks at nothing in detail, so it costs next to nothing. */
export function followStudio(core: Pick<Core, 'call' | 'openSession'>): StudioFollower {
  const running = new Map<string, boolean>();
  const transfers = new Map<string, TransferView>();
  let listener: (status: StudioStatus) => void = () => {};
  const session = core.openSession({
    background: true,
    onBatch: ({ events }) => {
      for (const event of events) apply(event);
      tell();
    },
  });
  session.watch({ visible: false, logs: [], messages: [] });

  const apply = (event: StudioEvent): void => {
    if (event.type === 'node') running.set(event.node.id, event.node.phase === 'running');
    else if (event.type === 'node-removed') running.delete(event.id);
    else if (event.type === 'transfer') transfers.set(event.transfer.id, event.transfer);
    else if (event.type === 'transfer-removed') transfers.delete(event.id);
  };
  const tell = (): void =>
    listener({
      running: [...running.values()].filter(Boolean).length,
      total: running.size,
      progress: overallProgress(transfers.values()),
    });
  const call: StudioFollower['call'] = (name, input) => core.call(name, input, session);
  return {
    call,
    nodeIds: async () => (await call('studio.snapshot', {})).nodes.map((node) => node.id),
    onChange(next) {
      listener = next;
      void call('studio.snapshot', {}).then(({ nodes }) => {
        for (const node of nodes) running.set(node.id, node.phase === 'running');
        tell();
      });
    },
  };
}
