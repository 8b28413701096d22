/** Long work that is not a download: uploads, copies, starting many nodes. */
import { ActionIcon, Button, Progress, Tooltip } from '@mantine/core';
import { IconChecklist, IconX } from '@tabler/icons-react';
import { memo, useMemo } from 'react';
import type { TaskView } from '../../../contract/events';
import type { CsvColumn } from '../../export/csv';
import {
  formatBytes,
  formatCount,
  formatPercent,
  formatRate,
  formatSpan,
  formatTime,
  remainingMs,
} from '../../format';
import { useRun, useStudio } from '../../studio-context';
import { type Column, DataTable } from '../../ui/data-table';
import { DockBar } from '../../ui/dock-bar';
import { EmptyState } from '../../ui/empty-state';
import { asCsv, ExportButton } from '../../ui/export-button';
import { LevelIcon } from '../../ui/level-icon';
import css from './tasks.module.css';

const csvColumns: readonly CsvColumn<TaskView>[] = [
  { header: 'Task', value: ({ title }) => title },
  { header: 'State', value: ({ phase }) => phase },
  { header: 'Started', value: ({ startedAt }) => new Date(startedAt) },
  { header: 'Ended', value: ({ endedAt }) => endedAt && new Date(endedAt) },
  { header: 'Done', value: ({ done }) => done },
  { header: 'Of', value: ({ total }) => total },
  { header: 'Unit', value: ({ unit }) => unit },
  { header: 'Outcome', value: ({ outcome, error }) => error?.message ?? outcome },
];

export function Tasks() {
  const run = useRun();
  const tasks = useStudio((state) => state.tasks);
  const rows = useMemo(() => [...tasks.values()].reverse(), [tasks]);
  const running = rows.filter((task) => task.phase === 'running').length;

  const columns = useMemo<readonly Column<TaskView>[]>(
    () => [
      { id: 'title', header: 'Task', width: 'minmax(200px, 1.2fr)', cell: (task) => <Title task={task} /> },
      {
        id: 'progress',
        header: 'Progress',
        width: 'minmax(180px, 1fr)',
        cell: (task) => <Amount task={task} />,
      },
      {
        id: 'outcome',
        header: 'Outcome',
        width: 'minmax(200px, 1.4fr)',
        cell: (task) => <Outcome task={task} />,
      },
      {
        id: 'cancel',
        header: 'Actions',
        headerUnseen: true,
        width: '44px',
        cell: (task, active) =>
          task.phase === 'running' && task.cancellable ? (
            <Tooltip label="Cancel">
              <ActionIcon
                size={22}
                tabIndex={active ? 0 : -1}
                aria-label={`Cancel: ${task.title}`}
                onClick={() => void run('tasks.cancel', { id: task.id })}
              >
                <IconX size={14} />
              </ActionIcon>
            </Tooltip>
          ) : null,
      },
    ],
    [run],
  );

  return (
    <>
      <DockBar>
        <span>{running > 0 ? `${formatCount(running, 'task')} running` : 'Nothing is running'}</span>
        <span style={{ flex: 1 }} />
        <ExportButton
          what="the tasks"
          disabled={rows.length === 0}
          formats={[asCsv('tasks', csvColumns, () => rows)]}
        />
        {rows.length > running && <Button onClick={() => void run('tasks.clear', {})}>Clear finished</Button>}
      </DockBar>
      <DataTable
        label="Tasks"
        columns={columns}
        total={rows.length}
        row={(i) => rows[i]}
        keyOf={(task) => task.id}
        rowHeight={34}
        empty={
          <EmptyState icon={<IconChecklist size={28} stroke={1.25} />} title="No tasks yet.">
            Uploads, copies and the starting of many nodes are listed here.
          </EmptyState>
        }
      />
    </>
  );
}

const Title = memo(function Title({ task }: { task: TaskView }) {
  return <span title={task.title}>{task.title}</span>;
});

function Amount({ task }: { task: TaskView }) {
  const { phase, done, total, unit } = task;
  if (phase !== 'running') return <span className={css.muted}>{amountOf(done, unit)}</span>;
  const share = total ? (done / total) * 100 : 0;
  return (
    <span className={css.amount}>
      <Progress value={share} size={6} aria-label={`Progress of ${task.title}`} className={css.bar ?? ''} />
      <span>{total === undefined ? amountOf(done, unit) : formatPercent(done, total)}</span>
    </span>
  );
}

function amountOf(amount: number, unit: TaskView['unit']): string {
  return unit === 'bytes' ? formatBytes(amount) : amount.toLocaleString();
}

function Outcome({ task }: { task: TaskView }) {
  const { phase, outcome, error, perSecond, done, total, unit, startedAt, endedAt } = task;
  if (phase === 'running') {
    const left = perSecond === undefined ? undefined : remainingMs(done, total, perSecond);
    return (
      <span className={css.muted}>
        {perSecond !== undefined && unit === 'bytes' && formatRate(perSecond)}
        {left !== undefined && ` · ${formatSpan(left)} left`}
      </span>
    );
  }
  const level = phase === 'done' ? 'good' : phase === 'failed' ? 'bad' : 'info';
  const text = error
    ? `${error.message} ${error.hint ?? ''}`
    : (outcome ?? (phase === 'done' ? 'Done' : 'Cancelled'));
  return (
    <span className="signed" title={`${text} (${formatTime(startedAt)})`}>
      <LevelIcon level={level} /> {text}
      {endedAt !== undefined && <span className={css.muted}> in {formatSpan(endedAt - startedAt)}</span>}
    </span>
  );
}
