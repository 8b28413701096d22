/** Every file of the network, wherever it is. */
import { Button } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconDownload } from '@tabler/icons-react';
import { useCallback, useMemo, useState } from 'react';
import type { CatalogueRow } from '../../../contract/calls';
import { allRows } from '../../export/all-rows';
import type { CsvColumn } from '../../export/csv';
import { formatBytes, formatCount } from '../../format';
import { usePanel, useRun, useStudio, useStudioParts } from '../../studio-context';
import { type Column, DataTable } from '../../ui/data-table';
import { DockBar } from '../../ui/dock-bar';
import { EmptyState } from '../../ui/empty-state';
import { asCsv, ExportButton } from '../../ui/export-button';
import { SearchField } from '../../ui/search-field';
import { StatusGlyph } from '../../ui/status';
import { usePagedRows } from '../../ui/use-paged-rows';
import css from './files.module.css';

const csvColumns: readonly CsvColumn<CatalogueRow>[] = [
  { header: 'Name', value: ({ name }) => name },
  { header: 'Bytes', value: ({ size }) => size },
  { header: 'Held by', value: ({ holders }) => holders.map(({ serverId }) => serverId).join(' ') },
  {
    header: 'Of these alive',
    value: ({ holders }) =>
      holders
        .filter(({ alive }) => alive)
        .map(({ serverId }) => serverId)
        .join(' '),
  },
];

type SortBy = 'name' | 'size' | 'holders';

export function Catalogue() {
  const { client } = useStudioParts();
  const run = useRun();
  const panel = usePanel();
  const version = useStudio((state) => state.catalogueVersion);
  const [settledVersion] = useDebouncedValue(version, 250);
  const [search, setSearch] = useState('');
  const [settled] = useDebouncedValue(search, 120);
  const [sort, setSort] = useState<{ by: SortBy; descending: boolean }>({ by: 'name', descending: false });
  const fetchPage = useCallback(
    (offset: number, limit: number) =>
      client.transport.call('catalogue.list', {
        search: settled,
        sort: sort.by,
        descending: sort.descending,
        offset,
        limit,
      }),
    [client, settled, sort],
  );
  const rows = usePagedRows<CatalogueRow>(
    ['catalogue', settled, sort.by, sort.descending, settledVersion],
    fetchPage,
  );
  const download = useCallback(
    (name: string) => {
      panel.openDock('transfers');
      void run('transfers.download', { name });
    },
    [panel, run],
  );

  const columns = useMemo<readonly Column<CatalogueRow>[]>(
    () => [
      {
        id: 'name',
        header: 'Name',
        width: 'minmax(180px, 2fr)',
        sortable: true,
        cell: (row) => <span title={row.name}>{row.name}</span>,
      },
      {
        id: 'size',
        header: 'Size',
        width: '96px',
        align: 'end',
        sortable: true,
        cell: (row) => formatBytes(row.size),
      },
      {
        id: 'holders',
        header: 'Held by',
        width: 'minmax(160px, 1.5fr)',
        sortable: true,
        cell: (row) => <Holders row={row} />,
      },
      {
        id: 'download',
        header: 'Actions',
        headerUnseen: true,
        width: '120px',
        align: 'end',
        cell: (row, active) => (
          <Button
            size="compact-xs"
            tabIndex={active ? 0 : -1}
            leftSection={<IconDownload size={13} />}
            aria-label={`Download ${row.name}`}
            onClick={(event) => {
              event.stopPropagation();
              download(row.name);
            }}
          >
            Download
          </Button>
        ),
      },
    ],
    [download],
  );

  return (
    <>
      <DockBar>
        <SearchField label="Search all files" value={search} onChange={setSearch} width={240} />
        <span>{formatCount(rows.total, 'file')}</span>
        <span style={{ flex: 1 }} />
        <ExportButton
          what="all files"
          disabled={rows.total === 0}
          formats={[asCsv('files', csvColumns, () => allRows(fetchPage))]}
        />
        <Button
          leftSection={<IconDownload size={14} />}
          onClick={() => panel.open({ kind: 'download', name: search })}
        >
          Download by name…
        </Button>
      </DockBar>
      <DataTable
        label="All files"
        columns={columns}
        total={rows.total}
        row={rows.row}
        keyOf={(row) => row.name}
        onRange={rows.onRange}
        sort={sort}
        onSort={(by) =>
          setSort((old) => ({ by: by as SortBy, descending: old.by === by && !old.descending }))
        }
        onOpen={(row) => download(row.name)}
        empty={
          rows.error ? (
            <EmptyState title="The catalogue could not be read.">{rows.error.message}</EmptyState>
          ) : search ? (
            <EmptyState title={`No file matches “${search}”.`}>
              It may still exist on a server that the index does not know.
            </EmptyState>
          ) : rows.loading ? null : (
            <EmptyState title="No files are announced.">
              Start a content server that holds files and is linked to a running index.
            </EmptyState>
          )
        }
      />
    </>
  );
}

function Holders({ row }: { row: CatalogueRow }) {
  const specs = useStudio((state) => state.specs);
  const shown = row.holders.slice(0, 4);
  return (
    <span className={css.holders}>
      {shown.map((holder) => {
        const name = (holder.node && specs.get(holder.node)?.name) || holder.serverId;
        return (
          <span
            key={holder.serverId}
            className={css.holder}
            data-dead={!holder.alive || undefined}
            title={holder.alive ? `${name} is alive` : `${name} is not alive`}
          >
            <StatusGlyph state={holder.alive ? 'running' : 'crashed'} size={8} /> {name}
          </span>
        );
      })}
      {row.holders.length > shown.length && <span>+{row.holders.length - shown.length}</span>}
    </span>
  );
}
