/** The decoded lines and datagrams on the wire, as a list and as a diagram. */
import { Button, MultiSelect, SegmentedControl, Select } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useDeferredValue, useEffect, useMemo, useState } from 'react';
import type { WireMessage } from '../../../contract/events';
import { formatTime } from '../../format';
import { nameOf } from '../../graph';
import { usePanel, usePanelState, useStudio, useStudioParts } from '../../studio-context';
import { reduce } from '../../studio-store';
import { type Column, DataTable } from '../../ui/data-table';
import { DockBar } from '../../ui/dock-bar';
import { EmptyState } from '../../ui/empty-state';
import { asJsonLines, asPicture, ExportButton } from '../../ui/export-button';
import { SearchField } from '../../ui/search-field';
import { type Arrow, arrowsOf } from './arrows';
import { kindChoices, linkChoices, type MessageFilter, passing } from './message-filter';
import css from './messages.module.css';
import { SequenceDiagram } from './sequence-diagram';
import { sequenceSvg } from './sequence-svg';

/** The tab of the inspector: one node. */
export function NodeMessages({ node }: { node: string }) {
  const nodes = useMemo(() => [node], [node]);
  return (
    <div className={css.tab}>
      <MessageList nodes={nodes} compact />
    </div>
  );
}

/** The panel of the dock: all nodes, or those that are chosen. */
export function Messages() {
  const panel = usePanel();
  const nodes = usePanelState((state) => state.messageNodes);
  const specs = useStudio((state) => state.specs);
  return (
    <MessageList nodes={nodes}>
      <MultiSelect
        aria-label="Nodes"
        placeholder={nodes.length === 0 ? 'All nodes' : ''}
        w={220}
        data={[...specs.values()].map((spec) => ({ value: spec.id, label: spec.name }))}
        value={nodes.filter((id) => specs.has(id))}
        onChange={(messageNodes) => panel.patch({ messageNodes })}
      />
    </MessageList>
  );
}

function MessageList({
  nodes,
  compact = false,
  children,
}: {
  /** Empty: all. */
  nodes: readonly string[];
  compact?: boolean;
  children?: React.ReactNode;
}) {
  const { client, store } = useStudioParts();
  const all = useStudio((state) => state.messages);
  const specs = useStudio((state) => state.specs);
  const [paused, setPaused] = useState<readonly WireMessage[] | null>(null);
  const [search, setSearch] = useState('');
  const [transport, setTransport] = useState<MessageFilter['transport']>('all');
  const [link, setLink] = useState<string | null>(null);
  const [kinds, setKinds] = useState<readonly string[]>([]);
  const [view, setView] = useState('list');
  const words = useDeferredValue(search);
  const source = useDeferredValue(paused ?? all);

  useEffect(() => {
    let gone = false;
    void client.transport
      .call('messages.list', { nodes: [...nodes], limit: 500 })
      .then((messages) => {
        if (!gone) store.set(reduce(store.get(), { type: 'history', messages }));
      })
      .catch(() => undefined); // The live messages still come; the old ones are a convenience.
    return () => {
      gone = true;
    };
  }, [client, store, nodes]);

  const arrows = useMemo(() => arrowsOf(source, specs), [source, specs]);
  const shown = useMemo(
    () => arrows.filter(passing({ nodes, transport, search: words, link, kinds }, specs)),
    [arrows, nodes, transport, words, link, kinds, specs],
  );
  const arrowOf = useMemo(
    () => new Map(shown.flatMap((arrow) => arrow.records.map((seq) => [seq, arrow] as const))),
    [shown],
  );
  const rows = useMemo(
    () => source.filter(({ seq, node }) => arrowOf.has(seq) && (nodes.length === 0 || nodes.includes(node))),
    [source, arrowOf, nodes],
  );

  const columns = useMemo<readonly Column<WireMessage>[]>(
    () => [
      {
        id: 'at',
        header: 'Time',
        width: compact ? '78px' : '108px',
        cell: (message) => <span className="mono">{formatTime(message.at, !compact)}</span>,
      },
      ...(compact
        ? []
        : [
            {
              id: 'node',
              header: 'Node',
              width: '100px',
              cell: (message: WireMessage) => nameOf(message.node, specs),
            },
          ]),
      {
        id: 'peer',
        header: 'Peer',
        width: compact ? '100px' : '150px',
        cell: (message) => (
          <span title={message.direction === 'in' ? 'received' : 'sent'}>
            <span className={css.direction} data-direction={message.direction}>
              {message.direction === 'in' ? '←' : '→'}
            </span>
            <span className="unseen">{message.direction === 'in' ? 'received from' : 'sent to'}</span>{' '}
            {nameOf(peerOf(message, arrowOf.get(message.seq)), specs)}
          </span>
        ),
      },
      ...(compact
        ? []
        : [
            {
              id: 'transport',
              header: 'Via',
              width: '54px',
              cell: (message: WireMessage) => message.transport.toUpperCase(),
            },
          ]),
      {
        id: 'text',
        header: 'Message',
        width: 'minmax(160px, 1fr)',
        cell: (message) => (
          <span className="mono" title={message.text}>
            {message.text}
          </span>
        ),
      },
    ],
    [compact, specs, arrowOf],
  );

  return (
    <>
      <DockBar>
        {!compact && (
          <SegmentedControl
            aria-label="View of the messages"
            value={view}
            onChange={setView}
            data={[
              { value: 'list', label: 'List' },
              { value: 'diagram', label: 'Diagram' },
            ]}
          />
        )}
        <SearchField
          label="Search messages"
          value={search}
          onChange={setSearch}
          width={compact ? '100%' : 150}
        />
        {!compact && (
          <SegmentedControl
            aria-label="Transport"
            value={transport}
            onChange={(value) => setTransport(value as MessageFilter['transport'])}
            data={[
              { value: 'all', label: 'All' },
              { value: 'tcp', label: 'TCP' },
              { value: 'udp', label: 'UDP' },
            ]}
          />
        )}
        {children}
        {!compact && (
          <>
            <Select
              aria-label="Link"
              placeholder="All links"
              w={150}
              clearable
              searchable
              data={linkChoices(arrows, specs, link)}
              value={link}
              onChange={setLink}
            />
            <MultiSelect
              aria-label="Kinds of message"
              placeholder={kinds.length === 0 ? 'All kinds' : ''}
              w={150}
              data={kindChoices(arrows, kinds)}
              value={[...kinds]}
              onChange={setKinds}
            />
          </>
        )}
        <span style={{ flex: 1 }} />
        <Button
          leftSection={paused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
          aria-pressed={paused !== null}
          onClick={() => setPaused(paused ? null : all)}
        >
          {paused ? 'Go on' : 'Pause'}
        </Button>
        {!compact && (
          <ExportButton
            what={view === 'diagram' ? 'this diagram' : 'these messages'}
            disabled={rows.length === 0}
            formats={
              view === 'diagram'
                ? asPicture('messages', () => sequenceSvg(shown, specs))
                : [asJsonLines('messages', rows)]
            }
          />
        )}
      </DockBar>
      <div className={css.table}>
        {view === 'diagram' ? (
          <SequenceDiagram arrows={shown} follow={!paused} />
        ) : (
          <DataTable
            label="Messages"
            columns={columns}
            total={rows.length}
            row={(i) => rows[i]}
            keyOf={(message) => String(message.seq)}
            rowHeight={24}
            follow={!paused}
            empty={
              <EmptyState title={source.length > 0 ? 'No message matches.' : 'No messages yet.'}>
                Lines and datagrams appear here as the nodes send and receive them.
              </EmptyState>
            }
          />
        )}
      </div>
    </>
  );
}

/** The other side: the node, where it is known whose connection it is. */
function peerOf({ direction, peer }: WireMessage, arrow: Arrow | undefined): string {
  if (!arrow) return peer;
  return direction === 'out' ? arrow.to : arrow.from;
}
