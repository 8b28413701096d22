/** The command palette: every action, node and file, by a few letters. */
import { useDebouncedValue } from '@mantine/hooks';
import { Spotlight, type SpotlightActionData } from '@mantine/spotlight';
import {
  IconDownload,
  IconFile,
  IconFilePlus,
  IconFolderOpen,
  IconHeartbeat,
  IconKeyboard,
  IconPlayerPlay,
  IconPlayerRecordFilled,
  IconPlayerStop,
  IconPlayerStopFilled,
  IconSchema,
  IconSearch,
  IconSettings,
  IconTable,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { manifestOf, manifests } from '../../../nodes/manifests';
import { formatBytes } from '../../format';
import { nodeActions, useNodeCommands } from '../../node-actions';
import { isPossible, type NodeState, possibleForAll, stateIn } from '../../node-state';
import { useRecorderCommands, useRecordings } from '../../recorder-actions';
import { sameValues } from '../../store';
import { usePanel, usePanelState, useRun, useStudio, useStudioParts } from '../../studio-context';
import { KindIcon } from '../../ui/kind-icon';
import { stateLabels } from '../../ui/status';
import { ranked } from './rank';

const mostNodes = 8;
const mostFiles = 8;

export function Search({ panels }: { panels: readonly { id: string; label: string }[] }) {
  const [query, setQuery] = useState('');
  const states = useStudio(
    (state) => Object.fromEntries([...state.specs.keys()].map((id) => [id, stateIn(state, id)])),
    sameValues,
  );
  const actions = useActions(query, panels, states);
  const nodes = useNodes(query, states);
  const files = useFiles(query);
  const groups = [
    { group: 'Actions', actions },
    { group: 'Nodes', actions: nodes },
    { group: 'Files', actions: files },
  ].filter((group) => group.actions.length > 0);
  return (
    <Spotlight
      query={query}
      onQueryChange={setQuery}
      actions={groups}
      filter={(_query, all) => all}
      shortcut={null}
      attributes={{ content: { 'aria-label': 'Search' } }}
      clearQueryOnClose
      highlightQuery
      scrollable
      maxHeight="60vh"
      radius="lg"
      yOffset="12vh"
      centered={false}
      overlayProps={{ backgroundOpacity: 0.35, blur: 0 }}
      nothingFound="Nothing matches. Files are found once an index knows them."
      searchProps={{
        leftSection: <IconSearch size={18} />,
        placeholder: 'Search actions, nodes, files',
        'aria-label': 'Search actions, nodes, files',
      }}
    />
  );
}

type States = Readonly<Record<string, NodeState>>;

function useActions(
  query: string,
  panels: readonly { id: string; label: string }[],
  states: States,
): SpotlightActionData[] {
  const panel = usePanel();
  const run = useRun();
  const commands = useNodeCommands();
  const specs = useStudio((state) => state.specs);
  const selection = usePanelState((state) => state.selection);
  const recorderActions = useRecorderActions();
  return useMemo(() => {
    const all = [...specs.keys()];
    const can = possibleForAll(Object.values(states));
    const action = (
      label: string,
      icon: React.ReactNode,
      onClick: () => void,
      id = label,
    ): SpotlightActionData => ({
      id: `action ${id}`,
      label,
      leftSection: icon,
      onClick,
    });
    const only = selection.length === 1 ? specs.get(selection[0] ?? '')?.name : undefined;
    const selected = only ?? `${selection.length} nodes`;
    const list = [
      ...nodeActions
        .filter(({ id }) =>
          selection.some((node) => {
            const state = states[node];
            return state !== undefined && isPossible(id, state);
          }),
        )
        .map(({ id, label, icon: Icon }) =>
          action(`${label} ${selected}`, <Icon size={18} />, () => commands.act(id, selection)),
        ),
      action('Download a file…', <IconDownload size={18} />, () => panel.open({ kind: 'download' })),
      ...(can.start
        ? [action('Start all', <IconPlayerPlay size={18} />, () => commands.act('start', all))]
        : []),
      ...(can.stop
        ? [action('Stop all', <IconPlayerStop size={18} />, () => commands.act('stop', all))]
        : []),
      ...manifests.map((manifest) =>
        action(
          `Add ${manifest.label.toLowerCase()}`,
          <KindIcon kind={manifest.id} size={22} />,
          () => void commands.add(manifest.id),
        ),
      ),
      ...panels.map(({ id, label }) =>
        action(`Show ${label.toLowerCase()}`, <IconFile size={18} />, () => panel.openDock(id)),
      ),
      action('Show as table', <IconTable size={18} />, () => panel.patch({ view: 'table' })),
      action('Show as canvas', <IconSchema size={18} />, () => panel.patch({ view: 'canvas' })),
      action('Heal all faults', <IconHeartbeat size={18} />, () => void run('faults.healAll', {})),
      ...recorderActions.map(({ id, label, icon: Icon, run }) => action(label, <Icon size={18} />, run, id)),
      action('New workspace…', <IconFilePlus size={18} />, () => panel.open({ kind: 'new-workspace' })),
      action('Open workspace…', <IconFolderOpen size={18} />, () => panel.open({ kind: 'open-workspace' })),
      action('Settings', <IconSettings size={18} />, () => panel.open({ kind: 'settings' })),
      action('Keyboard shortcuts', <IconKeyboard size={18} />, () => panel.open({ kind: 'shortcuts' })),
    ];
    return query ? ranked(list, query, ({ label }) => label ?? '').slice(0, 8) : list.slice(0, 7);
  }, [query, panels, panel, run, commands, specs, states, selection, recorderActions]);
}

/** What the recorder can do now. */
function useRecorderActions() {
  const { phase } = useStudio((state) => state.recorder);
  const { record, stop, replay, stopReplay } = useRecorderCommands();
  const { data: recordings } = useRecordings();
  return useMemo(() => {
    if (phase === 'recording')
      return [{ id: 'stop-recording', label: 'Stop recording', icon: IconPlayerStopFilled, run: stop }];
    if (phase === 'replaying')
      return [{ id: 'stop-replay', label: 'Stop replay', icon: IconPlayerStopFilled, run: stopReplay }];
    const readable = recordings?.filter(({ problem }) => problem === undefined) ?? [];
    return [
      { id: 'record', label: 'Record', icon: IconPlayerRecordFilled, run: record },
      ...readable.map(({ id, name }) => ({
        id: `replay ${id}`,
        label: `Replay ${name}`,
        icon: IconPlayerPlay,
        run: () => replay(id),
      })),
    ];
  }, [phase, recordings, record, stop, replay, stopReplay]);
}

function useNodes(query: string, states: States): SpotlightActionData[] {
  const panel = usePanel();
  const specs = useStudio((state) => state.specs);
  return useMemo(() => {
    const found = ranked(
      [...specs.values()],
      query,
      (spec) => `${spec.name} ${manifestOf(spec.kind)?.label ?? ''}`,
    );
    return found.slice(0, mostNodes).map((spec) => ({
      id: `node ${spec.id}`,
      label: spec.name,
      description: `${manifestOf(spec.kind)?.label ?? spec.kind} · ${stateLabels[states[spec.id] ?? 'stopped'].toLowerCase()}`,
      leftSection: <KindIcon kind={spec.kind} size={24} />,
      onClick: () => panel.show(spec.id),
    }));
  }, [specs, states, query, panel]);
}

function useFiles(query: string): SpotlightActionData[] {
  const { client } = useStudioParts();
  const panel = usePanel();
  const run = useRun();
  const [words] = useDebouncedValue(query.trim(), 120);
  const { data } = useQuery({
    queryKey: ['search-files', words],
    queryFn: () => client.transport.call('catalogue.list', { search: words, limit: mostFiles }),
    enabled: words.length > 0,
    retry: false,
  });
  if (!query.trim()) return [];
  return (data?.rows ?? []).map((row) => ({
    id: `file ${row.name}`,
    label: `Download ${row.name}`,
    description: `${formatBytes(row.size)} on ${row.holders.map((holder) => holder.serverId).join(', ')}`,
    leftSection: <IconDownload size={18} />,
    onClick: () => {
      panel.openDock('transfers');
      void run('transfers.download', { name: row.name });
    },
  }));
}
