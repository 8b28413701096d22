/** The charts as a table: the newest value of each line, and its least and greatest. */
import { useMemo } from 'react';
import { type Column, DataTable } from '../../ui/data-table';
import { EmptyState } from '../../ui/empty-state';
import { type Chart, type Line, latestOf } from './charts';

interface Row {
  chart: Chart;
  line: Line;
}

const figure = ({ chart }: Row, value: number | null): string => (value === null ? '–' : chart.format(value));

const known = ({ values }: Line): number[] => values.filter((value) => value !== null);

const columns: readonly Column<Row>[] = [
  { id: 'metric', header: 'Metric', width: 'minmax(120px, 1fr)', cell: ({ chart }) => chart.title },
  { id: 'line', header: 'Of', width: 'minmax(120px, 1fr)', cell: ({ line }) => line.label },
  {
    id: 'latest',
    header: 'Latest',
    width: '110px',
    align: 'end',
    cell: (row) => figure(row, latestOf(row.line)),
  },
  {
    id: 'least',
    header: 'Least',
    width: '110px',
    align: 'end',
    cell: (row) => figure(row, known(row.line).length > 0 ? Math.min(...known(row.line)) : null),
  },
  {
    id: 'greatest',
    header: 'Greatest',
    width: '110px',
    align: 'end',
    cell: (row) => figure(row, known(row.line).length > 0 ? Math.max(...known(row.line)) : null),
  },
];

export function LatestTable({ charts }: { charts: readonly Chart[] }) {
  const rows = useMemo(
    () => charts.flatMap((chart) => chart.lines.map((line): Row => ({ chart, line }))),
    [charts],
  );
  return (
    <DataTable
      label="Metrics"
      columns={columns}
      total={rows.length}
      row={(i) => rows[i]}
      keyOf={({ chart, line }) => `${chart.id} ${line.id}`}
      rowHeight={26}
      empty={
        <EmptyState title="Nothing has moved yet.">Figures appear here once there is traffic.</EmptyState>
      }
    />
  );
}
