/** The network as a table: all that the canvas shows and does, without a picture. */
import { ActionIcon, Tooltip } from '@mantine/core';
import { IconDots, IconWorldQuestion } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import type { NodeView } from '../../../contract/events';
import type { NodeSpec } from '../../../contract/workspace';
import { manifestOf } from '../../../nodes/manifests';
import type { CsvColumn } from '../../export/csv';
import { formatBytes } from '../../format';
import { graphOf, linksOf, nameOf, pairKey, sameGraph } from '../../graph';
import { kindOf } from '../../kinds/kinds';
import { nodeActions, useNodeCommands } from '../../node-actions';
import { isPossible, type NodeState, stateIn } from '../../node-state';
import { usePanel, usePanelState, useStudio } from '../../studio-context';
import { type Column, DataTable, pointOf } from '../../ui/data-table';
import { EmptyState } from '../../ui/empty-state';
import { asCsv, ExportButton } from '../../ui/export-button';
import { KindIcon } from '../../ui/kind-icon';
import { Status, stateLabels } from '../../ui/status';
import type { MenuTarget } from './menus';
import css from './node-table.module.css';

interface NodeRow {
  spec: NodeSpec;
  view: NodeView | undefined;
  state: NodeState;
}

/** A node, or a program outside the workspace that is drawn beside them. */
interface Row {
  id: string;
  name: string;
  kind: string;
  links: readonly RowLink[];
  node?: NodeRow;
  /** Of a program outside. */
  address?: string;
}

/** A link that leads from the row's node to another. */
interface RowLink {
  /** As the panel selects it. */
  id: string;
  text: string;
}

const sorters: Record<string, (a: Row, b: Row) => number> = {
  name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
  kind: (a, b) => a.kind.localeCompare(b.kind),
  state: (a, b) => stateText(a).localeCompare(stateText(b)),
  cpu: (a, b) => (a.node?.view?.cpu ?? 0) - (b.node?.view?.cpu ?? 0),
  memory: (a, b) => (a.node?.view?.heapBytes ?? 0) - (b.node?.view?.heapBytes ?? 0),
};

const csvColumns: readonly CsvColumn<Row>[] = [
  { header: 'Name', value: ({ name }) => name },
  { header: 'Kind', value: ({ kind }) => kind },
  { header: 'State', value: stateText },
  { header: 'Figures', value: ({ node }) => node && figuresOf(node) },
  {
    header: 'Ports',
    value: ({ node, address }) => address ?? Object.values(node?.view?.ports ?? {}).join(' '),
  },
  { header: 'CPU, share of a core', value: ({ node }) => node?.view?.cpu },
  { header: 'Heap, bytes', value: ({ node }) => node?.view?.heapBytes },
  { header: 'Links', value: ({ links }) => links.map(({ text }) => text).join('; ') },
];

function stateText({ node }: Row): string {
  return node ? stateLabels[node.state] : '';
}

function useRows(search: string): readonly Row[] {
  const specs = useStudio((state) => state.specs);
  const nodes = useStudio((state) => state.nodes);
  const hung = useStudio((state) => state.hung);
  const graph = useStudio(graphOf, sameGraph);
  return useMemo(() => {
    const links = new Map<string, RowLink[]>();
    for (const { from, to, role } of linksOf(specs.values())) {
      const link = { id: pairKey(from, to), text: `${role} → ${nameOf(to, specs)}` };
      links.set(from, [...(links.get(from) ?? []), link]);
    }
    const ours: Row[] = [...specs.values()].map((spec) => ({
      id: spec.id,
      name: spec.name,
      kind: manifestOf(spec.kind)?.label ?? spec.kind,
      links: links.get(spec.id) ?? [],
      node: { spec, view: nodes.get(spec.id), state: stateIn({ nodes, hung }, spec.id) },
    }));
    const outside: Row[] = graph.outside.map(({ id, label, address }) => ({
      id,
      name: label,
      kind: 'Outside program',
      links: graph.links
        .filter(({ source }) => source === id)
        .map((link) => ({ id: link.id, text: `${link.roles.join(', ')} → ${nameOf(link.target, specs)}` })),
      address,
    }));
    const words = search.toLowerCase();
    return [...ours, ...outside].filter((row) =>
      `${row.name} ${row.kind} ${stateText(row)} ${row.address ?? ''}`.toLowerCase().includes(words),
    );
  }, [specs, nodes, hung, graph, search]);
}

/** Stands in the bar above the table. */
export function NodesExport({ search }: { search: string }) {
  const rows = useRows(search);
  return (
    <ExportButton
      what="the nodes"
      disabled={rows.length === 0}
      formats={[asCsv('nodes', csvColumns, () => rows)]}
    />
  );
}

export function NodeTable({ search, onMenu }: { search: string; onMenu: (target: MenuTarget) => void }) {
  const specs = useStudio((state) => state.specs);
  const nodes = useStudio((state) => state.nodes);
  const hung = useStudio((state) => state.hung);
  const panel = usePanel();
  const selection = usePanelState((state) => state.selection);
  const commands = useNodeCommands();
  const [sort, setSort] = useState({ by: 'name', descending: false });

  const found = useRows(search);
  const rows = useMemo(() => {
    const compare = sorters[sort.by] ?? (() => 0);
    return [...found].sort((a, b) => (sort.descending ? compare(b, a) : compare(a, b)));
  }, [found, sort]);

  const columns = useMemo<readonly Column<Row>[]>(
    () => [
      {
        id: 'name',
        header: 'Name',
        width: 'minmax(120px, 1.1fr)',
        sortable: true,
        cell: ({ name, node }) => (
          <span className={`${css.name} signed`} title={name}>
            {node ? (
              <KindIcon kind={node.spec.kind} size={20} />
            ) : (
              <IconWorldQuestion size={20} stroke={1.5} aria-hidden="true" />
            )}{' '}
            {name}
          </span>
        ),
      },
      { id: 'kind', header: 'Kind', width: 'minmax(110px, 0.8fr)', sortable: true, cell: (row) => row.kind },
      {
        id: 'state',
        header: 'State',
        width: '108px',
        sortable: true,
        cell: ({ node }) => node && <Status state={node.state} />,
      },
      {
        id: 'actions',
        header: 'Actions',
        width: '104px',
        cell: ({ node }, active) => node && <Actions {...node} active={active} onMenu={onMenu} />,
      },
      {
        id: 'figures',
        header: 'Figures',
        width: 'minmax(120px, 1fr)',
        yields: 4,
        cell: ({ node }) => node && figuresOf(node),
      },
      {
        id: 'ports',
        header: 'Ports',
        width: '104px',
        yields: 3,
        cell: ({ node, address }) => (
          <span className="mono" title={address}>
            {address ?? Object.values(node?.view?.ports ?? {}).join(' ')}
          </span>
        ),
      },
      {
        id: 'cpu',
        header: 'CPU',
        width: '64px',
        yields: 2,
        align: 'end',
        sortable: true,
        cell: ({ node }) => (node?.view?.cpu === undefined ? '' : `${Math.round(node.view.cpu * 100)} %`),
      },
      {
        id: 'memory',
        header: 'Heap',
        width: '84px',
        yields: 1,
        align: 'end',
        sortable: true,
        cell: ({ node }) => (node?.view?.heapBytes === undefined ? '' : formatBytes(node.view.heapBytes)),
      },
      {
        id: 'links',
        header: 'Links',
        width: 'minmax(140px, 1.4fr)',
        yields: 5,
        cell: ({ name, links }, active) => <Links of={name} links={links} active={active} onMenu={onMenu} />,
      },
    ],
    [onMenu],
  );

  /** What an action on a row is for: the selected nodes when the row is one of them. */
  const affected = (row: Row): string[] =>
    selection.includes(row.id) ? selection.filter((id) => specs.has(id)) : [row.id];

  return (
    <DataTable
      label="Nodes"
      columns={columns}
      total={rows.length}
      row={(i) => rows[i]}
      keyOf={(row) => row.id}
      rowHeight={32}
      sort={sort}
      onSort={(by) => setSort((old) => ({ by, descending: old.by === by && !old.descending }))}
      selected={useMemo(() => new Set(selection), [selection])}
      onSelect={(ids) => panel.select(ids)}
      onOpen={(row) => panel.show(row.id)}
      onMenu={(row, at) => row.node && onMenu({ at, nodes: affected(row) })}
      onKey={(event, row) => {
        if (!row?.node || event.altKey) return false;
        const ids = affected(row);
        if (event.ctrlKey || event.metaKey) {
          if (event.key.toLowerCase() !== 'd') return false;
          void commands.duplicate(ids);
        } else if (event.key === 'Delete') void commands.remove(ids);
        else if (event.key === 'F2') panel.open({ kind: 'rename-node', node: row.id });
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

function Actions({
  spec,
  state,
  active,
  onMenu,
}: NodeRow & { active: boolean; onMenu: (target: MenuTarget) => void }) {
  const commands = useNodeCommands();
  return (
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
  );
}

/** Each opens in the inspector, where it can be broken; its menu has the faults as well. */
function Links({
  of,
  links,
  active,
  onMenu,
}: {
  of: string;
  links: readonly RowLink[];
  active: boolean;
  onMenu: (target: MenuTarget) => void;
}) {
  const panel = usePanel();
  return (
    <span className={css.links}>
      {links.map(({ id, text }) => (
        <button
          key={`${id} ${text}`}
          type="button"
          tabIndex={active ? 0 : -1}
          className={css.link}
          aria-label={`Link of ${of}: ${text}`}
          title={text}
          onClick={(event) => {
            event.stopPropagation();
            panel.patch({ selection: [], selectedLink: id, inspectorOpen: true });
          }}
          onContextMenu={(event) => {
            event.preventDefault();
            event.stopPropagation();
            panel.patch({ selection: [], selectedLink: id });
            onMenu({ at: pointOf(event), nodes: [], link: id });
          }}
        >
          {text}
        </button>
      ))}
    </span>
  );
}

/** What a node counts; of one that does not run, why. */
function figuresOf({ spec, view, state }: NodeRow): string | undefined {
  if (state === 'crashed' || state === 'stopped') return view?.reason?.message;
  return kindOf(spec.kind)
    .figures?.(view?.snapshot ?? {})
    .map(({ label, value }) => `${value} ${label}`)
    .join(' · ');
}
