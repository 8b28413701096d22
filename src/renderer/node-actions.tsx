/** The actions of nodes, once: context menu, inspector, table, keyboard and command palette all use these. */
import {
  IconBolt,
  IconDropletDown,
  IconHandStop,
  IconPlayerPlay,
  IconPlayerStop,
  IconReload,
  IconSnowflake,
} from '@tabler/icons-react';
import { type ComponentType, useMemo } from 'react';
import { formatCount } from './format';
import { isPossible, type NodeActionId, stateIn } from './node-state';
import { notify } from './notify';
import { modKey } from './shortcuts';
import { runWith, useStudioParts } from './studio-context';

export interface NodeAction {
  id: NodeActionId;
  label: string;
  /** One sentence for tooltips: what will happen. */
  help: string;
  /** While the canvas or the table has the focus. */
  key: string;
  icon: ComponentType<{ size?: number; stroke?: number }>;
  dangerous?: boolean;
}

export const nodeActions: readonly NodeAction[] = [
  { id: 'start', label: 'Start', help: 'Start the process.', key: 's', icon: IconPlayerPlay },
  {
    id: 'drain',
    label: 'Drain',
    help: 'Take no new clients, finish the present ones, then stop.',
    key: 'd',
    icon: IconDropletDown,
  },
  {
    id: 'stop',
    label: 'Stop',
    help: 'Close everything and end the process.',
    key: 'x',
    icon: IconPlayerStop,
  },
  { id: 'restart', label: 'Restart', help: 'Stop, then start again.', key: 'r', icon: IconReload },
  {
    id: 'hang',
    label: 'Hang',
    help: 'Keep the sockets open and answer nothing, until resumed.',
    key: 'h',
    icon: IconHandStop,
    dangerous: true,
  },
  { id: 'resume', label: 'Resume', help: 'Let a hung process go on.', key: 'h', icon: IconSnowflake },
  {
    id: 'kill',
    label: 'Kill',
    help: 'End the process at once, as a crash would (SIGKILL).',
    key: 'k',
    icon: IconBolt,
    dangerous: true,
  },
];

export interface NodeCommands {
  /** Does it to those of `ids` where it is possible; false when there is none. */
  act(action: NodeActionId, ids: readonly string[]): boolean;
  add(kind: string, position?: { x: number; y: number }): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
  duplicate(ids: readonly string[]): Promise<void>;
  /** False when it failed (and that was said). */
  move(positions: Record<string, { x: number; y: number }>): Promise<boolean>;
  rename(id: string, name: string): Promise<void>;
  undo(): void;
  redo(): void;
}

export function useNodeCommands(): NodeCommands {
  const { client, store, panel } = useStudioParts();
  return useMemo(() => {
    const run = runWith(client);
    const nameOf = (id: string): string => store.get()?.specs.get(id)?.name ?? id;
    return {
      act(action, ids) {
        const state = store.get();
        const able = ids.filter((id) => state?.specs.has(id) && isPossible(action, stateIn(state, id)));
        if (able.length > 0) void run(`nodes.${action}`, { ids: able });
        return able.length > 0;
      },
      async add(kind, position) {
        const command = { type: 'add-node' as const, kind, ...(position ? { position } : {}) };
        const added = await run('workspace.apply', { command });
        if (added?.ids[0]) panel.show(added.ids[0]);
      },
      async remove(ids) {
        const known = ids.filter((id) => store.get()?.specs.has(id));
        if (known.length === 0) return;
        const what = known.length === 1 ? nameOf(known[0] ?? '') : formatCount(known.length, 'node');
        const done = await run('workspace.apply', { command: { type: 'remove-nodes', ids: known } });
        if (!done) return;
        panel.select([]);
        notify({ level: 'info', title: `${what} removed`, text: `Undo brings it back: ${modKey}+Z.` });
      },
      async duplicate(ids) {
        const known = ids.filter((id) => store.get()?.specs.has(id));
        if (known.length === 0) return;
        const added = await run('workspace.apply', { command: { type: 'duplicate-nodes', ids: known } });
        if (added) panel.select(added.ids);
      },
      async move(positions) {
        return (await run('workspace.apply', { command: { type: 'move-nodes', positions } })) !== undefined;
      },
      async rename(id, name) {
        if (name && name !== nameOf(id))
          await run('workspace.apply', { command: { type: 'rename-node', id, name } });
      },
      undo: () => void run('workspace.undo', {}),
      redo: () => void run('workspace.redo', {}),
    };
  }, [client, store, panel]);
}
