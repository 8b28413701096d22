/** What was removed from a node in the panel, and the way back. */
import { Button } from '@mantine/core';
import { IconArrowBackUp, IconArrowLeft } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import type { RemovedFile } from '../../../contract/calls';
import { formatBytes, formatCount, formatDate } from '../../format';
import { notify } from '../../notify';
import { useNodeSpec, useRun, useStudio, useStudioParts } from '../../studio-context';
import { type Column, DataTable } from '../../ui/data-table';
import { EmptyState } from '../../ui/empty-state';
import { usePagedRows } from '../../ui/use-paged-rows';
import { EmptyTrash } from './empty-trash';
import css from './files.module.css';

const columns: readonly Column<RemovedFile>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(110px, 1fr)',
    cell: ({ name }) => <span title={name}>{name}</span>,
  },
  { id: 'size', header: 'Size', width: '80px', align: 'end', cell: ({ size }) => formatBytes(size) },
  {
    id: 'removed',
    header: 'Removed',
    width: '92px',
    align: 'end',
    cell: ({ removedMs }) => formatDate(removedMs, Date.now()),
  },
];

const keyOf = ({ batch, name }: RemovedFile): string => `${batch}/${name}`;

export function RemovedFiles({ node, onClose }: { node: string; onClose: () => void }) {
  const { client } = useStudioParts();
  const name = useNodeSpec(node)?.name ?? 'the server';
  const version = useStudio((state) => state.filesVersion.get(node) ?? 0);
  const restore = useRestore(node);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const fetchPage = useCallback(
    (offset: number, limit: number) => client.transport.call('files.removed', { node, offset, limit }),
    [client, node],
  );
  const rows = usePagedRows<RemovedFile>(['removed', node, version], fetchPage);

  const restoreSelected = async (): Promise<void> => {
    const files = [...selected].map((key) => {
      const slash = key.indexOf('/');
      return { batch: key.slice(0, slash), name: key.slice(slash + 1) };
    });
    await restore(files);
    setSelected(new Set());
  };

  return (
    <section className={css.tab} aria-label={`Removed files of ${name}`}>
      <div className={css.bar}>
        <Button leftSection={<IconArrowLeft size={15} />} onClick={onClose}>
          Files
        </Button>
        <span className={css.spring} />
        <EmptyTrash node={node} count={rows.total} />
        <Button
          leftSection={<IconArrowBackUp size={15} />}
          disabled={selected.size === 0}
          onClick={() => void restoreSelected()}
        >
          Restore
        </Button>
      </div>
      <div className={css.table}>
        <DataTable
          label={`Removed files of ${name}`}
          columns={columns}
          total={rows.total}
          row={rows.row}
          keyOf={keyOf}
          onRange={rows.onRange}
          selected={selected}
          onSelect={(keys) => setSelected(new Set(keys))}
          onOpen={({ batch, name: file }) => void restore([{ batch, name: file }])}
          empty={
            rows.error ? (
              <EmptyState title="The list could not be read.">{rows.error.message}</EmptyState>
            ) : rows.loading ? null : (
              <EmptyState title={`No file was removed from ${name}.`} />
            )
          }
        />
      </div>
      <RemovedFoot node={node} count={rows.total} />
    </section>
  );
}

/** Where they are, for whoever looks for one with other programs. */
function RemovedFoot({ node, count }: { node: string; count: number }) {
  const folder = useRemoved(node)?.folder;
  return (
    <footer className={css.foot}>
      {formatCount(count, 'removed file')}
      {folder && `, kept in ${folder}`}
    </footer>
  );
}

/** Puts files back, and tells what came of it. */
export function useRestore(node: string): (files: Pick<RemovedFile, 'batch' | 'name'>[]) => Promise<void> {
  const run = useRun();
  const name = useNodeSpec(node)?.name ?? 'the server';
  return async (files) => {
    const done = await run('files.restore', { node, files });
    if (!done) return;
    const [problem] = done.problems;
    if (problem !== undefined) {
      const title = `${formatCount(done.problems.length, 'file')} could not be restored`;
      notify({ level: 'bad', title, text: problem });
    }
    if (done.restored > 0)
      notify({ level: 'good', title: `${formatCount(done.restored, 'file')} restored to ${name}` });
  };
}

export function useRemovedCount(node: string): number {
  return useRemoved(node)?.total ?? 0;
}

function useRemoved(node: string) {
  const { client } = useStudioParts();
  const version = useStudio((state) => state.filesVersion.get(node) ?? 0);
  return useQuery({
    queryKey: ['removed-count', node, version],
    queryFn: () => client.transport.call('files.removed', { node, offset: 0, limit: 1 }),
    placeholderData: (old) => old,
  }).data;
}
