/** The files of one server: add, drop, search, download, remove. */
import { ActionIcon, Button, Menu, Tooltip } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import {
  IconAlertTriangle,
  IconArrowBackUp,
  IconDownload,
  IconFilePlus,
  IconFolderPlus,
  IconTrash,
  IconUpload,
} from '@tabler/icons-react';
import { type ChangeEvent, type DragEvent, useCallback, useMemo, useRef, useState } from 'react';
import type { FileRow } from '../../../contract/calls';
import { allRows } from '../../export/all-rows';
import type { CsvColumn } from '../../export/csv';
import { formatBytes, formatCount, formatDate } from '../../format';
import { notify, notifyError } from '../../notify';
import { useNodeSpec, usePanel, useRun, useStudio, useStudioParts } from '../../studio-context';
import { ContextMenu, type MenuPoint } from '../../ui/context-menu';
import { type Column, DataTable } from '../../ui/data-table';
import { EmptyState } from '../../ui/empty-state';
import { asCsv, ExportButton } from '../../ui/export-button';
import { SearchField } from '../../ui/search-field';
import { usePagedRows } from '../../ui/use-paged-rows';
import { carriesFiles } from '../../uploads/dropped';
import css from './files.module.css';
import { RemovedFiles, useRemovedCount, useRestore } from './removed-files';

const csvColumns: readonly CsvColumn<FileRow>[] = [
  { header: 'Name', value: ({ name }) => name },
  { header: 'Bytes', value: ({ size }) => size },
  { header: 'Changed', value: ({ modifiedMs }) => new Date(modifiedMs) },
  { header: 'Note', value: ({ note }) => note },
];

type SortBy = 'name' | 'size' | 'modified';

export function FilesTab({ node }: { node: string }) {
  const { client, uploads } = useStudioParts();
  const run = useRun();
  const restore = useRestore(node);
  const panel = usePanel();
  const spec = useNodeSpec(node);
  const version = useStudio((state) => state.filesVersion.get(node) ?? 0);
  const [search, setSearch] = useState('');
  const [settled] = useDebouncedValue(search, 120);
  const [sort, setSort] = useState<{ by: SortBy; descending: boolean }>({ by: 'name', descending: false });
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [menu, setMenu] = useState<MenuPoint | null>(null);
  const [over, setOver] = useState(false);
  const fetchPage = useCallback(
    (offset: number, limit: number) =>
      client.transport.call('files.list', {
        node,
        search: settled,
        sort: sort.by,
        descending: sort.descending,
        offset,
        limit,
      }),
    [client, node, settled, sort],
  );
  const rows = usePagedRows<FileRow>(['files', node, settled, sort.by, sort.descending, version], fetchPage);
  const name = spec?.name ?? 'the server';
  const removed = useRemovedCount(node);
  const [showRemoved, setShowRemoved] = useState(false);

  const remove = async (names: readonly string[]): Promise<void> => {
    const done = await run('files.remove', { node, names: [...names] });
    setSelected(new Set());
    if (!done || done.removed === 0) return;
    const what = names.length === 1 ? `“${names[0]}”` : formatCount(done.removed, 'file');
    const files = names.map((removed) => ({ batch: done.batch, name: removed }));
    notify({
      level: 'info',
      title: `${what} removed from ${name}`,
      action: { label: 'Undo', run: () => void restore(files) },
    });
  };

  const columns = useMemo<readonly Column<FileRow>[]>(
    () => [
      {
        id: 'name',
        header: 'Name',
        width: 'minmax(110px, 1fr)',
        sortable: true,
        cell: (row) => (
          <span title={row.note ? `${row.name}: ${row.note}` : row.name}>
            {row.note && (
              <IconAlertTriangle
                size={12}
                aria-label={row.note}
                style={{ color: 'var(--warn)', marginRight: 4 }}
              />
            )}
            {row.name}
          </span>
        ),
      },
      {
        id: 'size',
        header: 'Size',
        width: '80px',
        align: 'end',
        sortable: true,
        cell: (row) => formatBytes(row.size),
      },
      {
        id: 'modified',
        header: 'Changed',
        width: '92px',
        align: 'end',
        sortable: true,
        cell: (row) => formatDate(row.modifiedMs, Date.now()),
      },
      {
        id: 'download',
        header: 'Actions',
        headerUnseen: true,
        width: '44px',
        cell: (row, active) => (
          <ActionIcon
            size={22}
            tabIndex={active ? 0 : -1}
            title="Download through the index"
            aria-label={`Download ${row.name}`}
            onClick={(event) => {
              event.stopPropagation();
              panel.openDock('transfers');
              void run('transfers.download', { name: row.name });
            }}
          >
            <IconDownload size={14} />
          </ActionIcon>
        ),
      },
    ],
    [run, panel],
  );

  const drop = {
    onDragOver(event: DragEvent) {
      if (!carriesFiles(event.dataTransfer)) return;
      event.preventDefault();
      event.stopPropagation();
      event.dataTransfer.dropEffect = 'copy';
      setOver(true);
    },
    onDragLeave(event: DragEvent) {
      if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
    },
    onDrop(event: DragEvent) {
      if (!carriesFiles(event.dataTransfer)) return;
      event.preventDefault();
      event.stopPropagation();
      setOver(false);
      void uploads.take(event.dataTransfer, node);
    },
  };

  if (showRemoved) return <RemovedFiles node={node} onClose={() => setShowRemoved(false)} />;
  return (
    <section
      className={css.tab}
      aria-label={`Files of ${name}`}
      data-over={over || undefined}
      onPaste={(event) => {
        if (!carriesFiles(event.clipboardData)) return;
        event.preventDefault();
        void uploads.take(event.clipboardData, node);
      }}
      {...drop}
    >
      <div className={css.bar}>
        <SearchField label="Search files" value={search} onChange={setSearch} width="100%" />
        {selected.size > 0 && (
          <Tooltip label={`Remove ${formatCount(selected.size, 'selected file')}`}>
            <ActionIcon aria-label="Remove selected files" onClick={() => void remove([...selected])}>
              <IconTrash size={16} />
            </ActionIcon>
          </Tooltip>
        )}
        {removed > 0 && (
          <Tooltip label={`${formatCount(removed, 'removed file')}, to be restored`}>
            <ActionIcon
              aria-label={formatCount(removed, 'removed file')}
              onClick={() => setShowRemoved(true)}
            >
              <IconArrowBackUp size={16} />
            </ActionIcon>
          </Tooltip>
        )}
        <ExportButton
          compact
          what={`the files of ${name}`}
          disabled={rows.total === 0}
          formats={[asCsv(`${name} files`, csvColumns, () => allRows(fetchPage))]}
        />
        <AddButton node={node} />
      </div>
      <div className={css.table}>
        <DataTable
          label={`Files of ${name}`}
          columns={columns}
          total={rows.total}
          row={rows.row}
          keyOf={(row) => row.name}
          onRange={rows.onRange}
          sort={sort}
          onSort={(by) =>
            setSort((old) => ({ by: by as SortBy, descending: old.by === by && !old.descending }))
          }
          selected={selected}
          onSelect={(keys) => setSelected(new Set(keys))}
          onMenu={(_row, at) => setMenu(at)}
          onKey={(event) => {
            if (event.key !== 'Delete' || selected.size === 0) return false;
            void remove([...selected]);
            return true;
          }}
          empty={
            rows.error ? (
              <EmptyState title="The list could not be read.">{rows.error.message}</EmptyState>
            ) : search ? (
              <EmptyState title={`No file matches “${search}”.`} />
            ) : rows.loading ? null : (
              <EmptyState icon={<IconUpload size={28} stroke={1.25} />} title={`${name} holds no files yet.`}>
                Drop files or folders here, paste them, or use the Add button.
              </EmptyState>
            )
          }
        />
      </div>
      <footer className={css.foot}>
        {formatCount(rows.total, 'file')}
        {selected.size > 1 && `, ${selected.size.toLocaleString()} selected`}
      </footer>
      {over && <div className={css.dropHere}>Drop to add to {name}</div>}
      {menu && (
        <ContextMenu at={menu} label="Actions for files" onClose={() => setMenu(null)}>
          <Menu.Item
            leftSection={<IconDownload size={15} />}
            onClick={() => {
              panel.openDock('transfers');
              for (const file of [...selected].slice(0, 50)) void run('transfers.download', { name: file });
              if (selected.size > 50)
                notify({
                  level: 'info',
                  title: 'The first 50 files are downloaded',
                  text: 'Select fewer at once.',
                });
            }}
          >
            Download
          </Menu.Item>
          <Menu.Item leftSection={<IconTrash size={15} />} onClick={() => void remove([...selected])}>
            Remove
          </Menu.Item>
        </ContextMenu>
      )}
    </section>
  );
}

/** By path where the shell has paths, else with the browser's own choosers. */
function AddButton({ node }: { node: string }) {
  const { uploads } = useStudioParts();
  const run = useRun();
  const paths = useStudio((state) => state.shell.paths);
  const input = useRef<HTMLInputElement>(null);

  const choose = async (what: 'files' | 'folder'): Promise<void> => {
    if (!paths) {
      if (!input.current) return;
      input.current.webkitdirectory = what === 'folder';
      return input.current.click();
    }
    const chosen = await run('shell.choose', { what, title: 'Add to the server' });
    if (chosen?.length) await run('files.import', { node, paths: chosen });
  };
  const onChange = (event: ChangeEvent<HTMLInputElement>): void => {
    const files = [...(event.currentTarget.files ?? [])];
    // The same file may be chosen again.
    event.currentTarget.value = '';
    const named = files.map((file) => ({ name: file.webkitRelativePath || file.name, file }));
    uploads.give({ files: named }, node).catch(notifyError);
  };

  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button leftSection={<IconFilePlus size={15} />}>Add</Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconFilePlus size={15} />} onClick={() => void choose('files')}>
            Files…
          </Menu.Item>
          <Menu.Item leftSection={<IconFolderPlus size={15} />} onClick={() => void choose('folder')}>
            Folder…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <input ref={input} type="file" multiple hidden aria-label="Files to add" onChange={onChange} />
    </>
  );
}
