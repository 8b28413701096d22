/** What happened and because of what. */
import { ActionIcon, MultiSelect, Select, UnstyledButton } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useCallback, useDeferredValue, useMemo, useState } from 'react';
import type { JournalEntry } from '../../../contract/events';
import { formatTime } from '../../format';
import { nameOf } from '../../graph';
import { usePanel, usePanelState, useStudio } from '../../studio-context';
import { type Column, DataTable } from '../../ui/data-table';
import { DockBar } from '../../ui/dock-bar';
import { EmptyState } from '../../ui/empty-state';
import { asJsonLines, ExportButton } from '../../ui/export-button';
import { LevelIcon, levelLabels } from '../../ui/level-icon';
import { SearchField } from '../../ui/search-field';
import { chainOf, filtered, inOrder } from './chain';
import css from './journal.module.css';

const levels = Object.entries(levelLabels).map(([value, label]) => ({ value, label }));

export function Journal() {
  const panel = usePanel();
  const journal = useStudio((state) => state.journal);
  const specs = useStudio((state) => state.specs);
  const chosen = usePanelState((state) => state.journalEntry);
  const [search, setSearch] = useState('');
  const [shown, setShown] = useState<JournalEntry['level'][]>([]);
  const [node, setNode] = useState<string | null>(null);
  const words = useDeferredValue(search);
  const name = useCallback((id: string) => nameOf(id, specs), [specs]);
  const rows = useMemo(
    () => inOrder(filtered(journal, { search: words, levels: shown, node: node ?? undefined }, name)),
    [journal, words, shown, node, name],
  );
  const chain = useMemo(() => (chosen === null ? null : chainOf(journal, chosen)), [journal, chosen]);
  const related = useMemo(
    () =>
      new Set(
        [...(chain?.causes ?? []), ...(chain?.effects.map(({ entry }) => entry) ?? [])].map((e) => e.seq),
      ),
    [chain],
  );

  const columns = useMemo<readonly Column<JournalEntry>[]>(
    () => [
      {
        id: 'at',
        header: 'Time',
        width: '108px',
        cell: (entry) => <span className="mono">{formatTime(entry.at, true)}</span>,
      },
      {
        id: 'node',
        header: 'Node',
        width: '110px',
        cell: (entry) => (entry.node ? name(entry.node) : <span className={css.studio}>studio</span>),
      },
      {
        id: 'text',
        header: 'What happened',
        width: 'minmax(240px, 1fr)',
        cell: (entry) => (
          <span className="signed" title={entry.text}>
            <LevelIcon level={entry.level} /> {entry.text}
          </span>
        ),
      },
    ],
    [name],
  );

  return (
    <>
      <DockBar>
        <SearchField label="Search the journal" value={search} onChange={setSearch} width={200} />
        <MultiSelect
          aria-label="Levels"
          placeholder={shown.length === 0 ? 'All levels' : ''}
          w={170}
          data={levels}
          value={shown}
          onChange={(value) => setShown(value as JournalEntry['level'][])}
        />
        <Select
          aria-label="Node"
          placeholder="All nodes"
          w={140}
          clearable
          searchable
          data={[...specs.values()].map((spec) => ({ value: spec.id, label: spec.name }))}
          value={node}
          onChange={setNode}
        />
        <span style={{ flex: 1 }} />
        <ExportButton
          what="these entries"
          disabled={rows.length === 0}
          formats={[asJsonLines('journal', rows)]}
        />
      </DockBar>
      <div className={css.split}>
        <div className={css.list}>
          <DataTable
            label="Journal"
            columns={columns}
            total={rows.length}
            row={(i) => rows[i]}
            keyOf={(entry) => String(entry.seq)}
            rowHeight={26}
            follow
            selected={useMemo(() => new Set(chosen === null ? [] : [String(chosen)]), [chosen])}
            onSelect={(keys) => panel.patch({ journalEntry: keys.length > 0 ? Number(keys.at(-1)) : null })}
            onOpen={(entry) => entry.node && panel.show(entry.node)}
            rowClass={(entry) => (related.has(entry.seq) ? css.related : undefined)}
            empty={
              <EmptyState title={journal.length === 0 ? 'Nothing has happened yet.' : 'No entry matches.'}>
                Starts, deaths, lookups and transfers are noted here, each with its cause.
              </EmptyState>
            }
          />
        </div>
        {chain && (
          <section className={css.chain} aria-label="Causes and effects">
            <header>
              <h3>Causes and effects</h3>
              <ActionIcon
                size={22}
                aria-label="Close causes and effects"
                onClick={() => panel.patch({ journalEntry: null })}
              >
                <IconX size={14} />
              </ActionIcon>
            </header>
            {chain.isCut && <p className={css.studio}>Earlier causes are not kept any more.</p>}
            <ol>
              {chain.causes.map((entry, i) => (
                <Step key={entry.seq} entry={entry} depth={i} chosen={chosen} />
              ))}
              {chain.effects.map(({ entry, depth }) => (
                <Step key={entry.seq} entry={entry} depth={chain.causes.length - 1 + depth} chosen={chosen} />
              ))}
            </ol>
            {chain.causes.length === 1 && chain.effects.length === 0 && (
              <p className={css.studio}>Nothing is known to have caused this, or to have followed from it.</p>
            )}
          </section>
        )}
      </div>
    </>
  );
}

function Step({ entry, depth, chosen }: { entry: JournalEntry; depth: number; chosen: number | null }) {
  const panel = usePanel();
  return (
    <li style={{ marginLeft: Math.min(depth, 8) * 14 }}>
      <UnstyledButton
        className={css.step}
        aria-current={entry.seq === chosen || undefined}
        onClick={() => panel.patch({ journalEntry: entry.seq })}
      >
        <LevelIcon level={entry.level} />
        <span>
          {entry.text} <span className={css.studio}>{formatTime(entry.at, true)}</span>
        </span>
      </UnstyledButton>
    </li>
  );
}
