/** The network as a table: all that the canvas shows and does, without a picture. */
import { ActionIcon, Tooltip } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import type { NodeView } from '../../../contract/events';
import type { NodeSpec } from '../../../contract/workspace';
import { manifestOf } from '../../../nodes/manifests';
import { formatBytes } from '../../format';
import { linksOf, nameOf } from '../../graph';
import { kindOf } from '../../kinds/kinds';
import { nodeActions, useNodeCommands } from '../../node-actions';
import { isPossible, type NodeState, stateIn } from '../../node-state';
import { usePanel, usePanelState, useStudio } from '../../studio-context';
import { type Column, DataTable, pointOf } from '../../ui/data-table';
import { EmptyState } from '../../ui/empty-state';
import { KindIcon } from '../../ui/kind-icon';
import { Status, stateLabels } from '../../ui/status';
import type { MenuTarget } from './menus';
import css from './node-table.module.css';

interface Row {
  spec: NodeSpec;
  view: NodeView | undefined;
  state: NodeState;
  kind: string;
  links: string;
}

const sorters: Record<string, (a: Row, b: Row) => number> = {
  name: (a, b) => a.spec.name.localeCompare(b.spec.name, undefined, { numeric: true }),
  kind: (a, b) => a.kind.localeCompare(b.kind),
  state: (a, b) => a.state.localeCompare(b.state),
  cpu: (a, b) => (a.view?.cpu ?? 0) - (b.view?.cpu ?? 0),
  memory: (a, b) => (a.view?.heapBytes ?? 0) - (b.view?.heapBytes ?? 0),
};

export function NodeTable({ search, onMenu }: { search: string; onMenu: (target: MenuTarget) => void }) {
  const specs = useStudio((state) => state.specs);
  const nodes = useStudio((state) => state.nodes);
  const hung = useStudio((state) => state.hung);
  const panel = usePanel();
  const selection = usePanelState((state) => state.selection);
  const commands = useNodeCommands();
  const [sort, setSort] = useState({ by: 'name', descending: false });

  const rows = useMemo(() => {
    const links = new Map<string, string[]>();
    for (const { from, to, role } of linksOf(specs.values()))
      links.set(from, [...(links.get(from) ?? []), `${role} → ${nameOf(to, specs)}`]);
    const words = search.toLowerCase();
    const all = [...specs.values()]
      .map((spec) => ({
        spec,
        view: nodes.get(spec.id),
        state: stateIn({ nodes, hung }, spec.id),
        kind: manifestOf(spec.kind)?.label ?? spec.kind,
        links: links.get(spec.id)?.join(', ') ?? '',
      }))
      .filter((row) =>
        `${row.spec.name} ${row.kind} ${stateLabels[row.state]}`.toLowerCase().includes(words),
      );
    const compare = sorters[sort.by] ?? (() => 0);
    return all.sort((a, b) => (sort.descending ? compare(b, a) : compare(a, b)));
  }, [specs, nodes, hung, search, sort]);

  const columns = useMemo<readonly Column<Row>[]>(
    () => [
      {
        id: 'name',
        header: 'Name',
        width: 'minmax(120px, 1.1fr)',
        sortable: true,
        cell: ({ spec }) => (
          <span className={css.name}>
            <KindIcon kind={spec.kind} size={20} /> {spec.name}
          </span>
        ),
      },
      { id: 'kind', header: 'Kind', width: 'minmax(110px, 0.8fr)', sortable: true, cell: (row) => row.kind },
      {
        id: 'state',
        header: 'State',
        width: '108px',
        sortable: true,
        cell: ({ state }) => <Status state={state} />,
      },
      {
        id: 'actions',
        header: 'Actions',
        width: '104px',
        cell: ({ spec, state }, active) => (
          <span className={css.actions}>
            {nodeActions
              .filter(({ id }) => ['start', 'stop', 'kill'].includes(id) && isPossible(id, state))
              .map(({ id, label, icon: Icon }) => (
                <Tooltip key={id} label={label}>
                  <ActionIcon
                    size={22}
                    tabIndex={active ? 0 : -1}
                    aria-label={`${label} ${spec.name}`}
                    onClick={(event) => {
                      event.stopPropagation();
                      commands.act(id, [spec.id]);
                    }}
                  >
                    <Icon size={14} />
                  </ActionIcon>
                </Tooltip>
              ))}
            <ActionIcon
              size={22}
              tabIndex={active ? 0 : -1}
              aria-label={`More actions for ${spec.name}`}
              aria-haspopup="menu"
              onClick={(event) => {
                event.stopPropagation();
                onMenu({ at: pointOf(event), nodes: [spec.id] });
              }}
            >
              <IconDots size={14} />
            </ActionIcon>
          </span>
        ),
      },
      {
        id: 'figures',
        header: 'Figures',
        width: 'minmax(150px, 1fr)',
        cell: ({ spec, view, state }) =>
          state === 'crashed' || state === 'stopped'
            ? view?.reason?.message
            : kindOf(spec.kind)
                .figures?.(view?.snapshot ?? {})
                .map(({ label, value }) => `${value} ${label}`)
                .join(' · '),
      },
      {
        id: 'ports',
        header: 'Ports',
        width: '104px',
        cell: ({ view }) => <span className="mono">{Object.values(view?.ports ?? {}).join(' ')}</span>,
      },
      {
        id: 'cpu',
        header: 'CPU',
        width: '64px',
        align: 'end',
        sortable: true,
        cell: ({ view }) => (view?.cpu === undefined ? '' : `${Math.round(view.cpu * 100)} %`),
      },
      {
        id: 'memory',
        header: 'Heap',
        width: '84px',
        align: 'end',
        sortable: true,
        cell: ({ view }) => (view?.heapBytes === undefined ? '' : formatBytes(view.heapBytes)),
      },
      { id: 'links', header: 'Links', width: 'minmax(140px, 1.4fr)', cell: (row) => row.links },
    ],
    [commands, onMenu],
  );

  return (
    <DataTable
      label="Nodes"
      columns={columns}
      total={rows.length}
      row={(i) => rows[i]}
      keyOf={(row) => row.spec.id}
      rowHeight={32}
      sort={sort}
      onSort={(by) => setSort((old) => ({ by, descending: old.by === by && !old.descending }))}
      selected={useMemo(() => new Set(selection), [selection])}
      onSelect={(ids) => panel.select(ids)}
      onOpen={(row) => panel.show(row.spec.id)}
      onMenu={(row, at) => onMenu({ at, nodes: selection.includes(row.spec.id) ? selection : [row.spec.id] })}
      onKey={(event, row) => {
        if (!row || event.ctrlKey || event.metaKey || event.altKey) return false;
        const ids = selection.includes(row.spec.id) ? selection : [row.spec.id];
        if (event.key === 'Delete') void commands.remove(ids);
        else if (event.key === 'F2') panel.open({ kind: 'rename-node', node: row.spec.id });
        else {
          const able = nodeActions.find(
            ({ id, key }) =>
              key === event.key.toLowerCase() &&
              ids.some((one) => isPossible(id, stateIn({ nodes, hung }, one))),
          );
          return able !== undefined && commands.act(able.id, ids);
        }
        return true;
      }}
      empty={
        <EmptyState title={search ? 'No node matches.' : 'No nodes yet.'}>
          {search ? 'Search looks at names, kinds and states.' : 'Add one from the palette on the left.'}
        </EmptyState>
      }
    />
  );
}
