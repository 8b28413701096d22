/** Rates, latencies, hit ratios and detection times, live. They are measured while this is open. */
import { Button, MultiSelect, SegmentedControl } from '@mantine/core';
import { IconChartLine, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import type { MonitorSnapshot } from '../../../nodes/monitor/manifest';
import type { CsvColumn } from '../../export/csv';
import { sameItems } from '../../store';
import { useStudio } from '../../studio-context';
import { DockBar } from '../../ui/dock-bar';
import { EmptyState } from '../../ui/empty-state';
import { asCsv, ExportButton } from '../../ui/export-button';
import { ChartCard } from './chart-card';
import { type Chart, chartsOf, type Line } from './charts';
import { LatestTable } from './latest-table';
import css from './metrics.module.css';
import type { Sample } from './sample';
import { useHistory } from './use-history';

export function Metrics() {
  const specs = useStudio((state) => state.specs);
  const live = useHistory();
  const [paused, setPaused] = useState<readonly Sample[] | null>(null);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [view, setView] = useState('charts');
  const samples = paused ?? live;
  const charts = useCharts(samples, chosen);
  const isEmpty = charts.every(({ lines }) => lines.length === 0);

  return (
    <>
      <DockBar>
        <SegmentedControl
          aria-label="View of the metrics"
          value={view}
          onChange={setView}
          data={[
            { value: 'charts', label: 'Charts' },
            { value: 'table', label: 'Table' },
          ]}
        />
        <MultiSelect
          aria-label="Nodes"
          placeholder={chosen.length === 0 ? 'All nodes' : ''}
          w={240}
          data={[...specs.values()].map((spec) => ({ value: spec.id, label: spec.name }))}
          value={chosen.filter((id) => specs.has(id))}
          onChange={setChosen}
        />
        <span style={{ flex: 1 }} />
        <Button
          leftSection={paused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
          aria-pressed={paused !== null}
          onClick={() => setPaused(paused ? null : live)}
        >
          {paused ? 'Go on' : 'Pause'}
        </Button>
        <ExportButton
          what="the metrics"
          disabled={isEmpty}
          formats={[asCsv('metrics', csvColumns, () => figuresOf(charts))]}
        />
      </DockBar>
      {isEmpty ? (
        <EmptyState icon={<IconChartLine size={28} stroke={1.25} />} title="Nothing has moved yet.">
          Rates, latencies, hit ratios and detection times are drawn here while this is open: start some nodes
          and download a file.
        </EmptyState>
      ) : view === 'table' ? (
        <div className={css.table}>
          <LatestTable charts={charts} />
        </div>
      ) : (
        <div className={css.charts}>
          {charts.map((chart) => (
            <ChartCard key={chart.id} chart={chart} />
          ))}
        </div>
      )}
    </>
  );
}

interface MetricFigure {
  chart: Chart;
  line: Line;
  at: number;
  value: number;
}

const csvColumns: readonly CsvColumn<MetricFigure>[] = [
  { header: 'Time', value: ({ at }) => new Date(at) },
  { header: 'Metric', value: ({ chart }) => chart.title },
  { header: 'Of', value: ({ line }) => line.label },
  { header: 'Value', value: ({ value }) => value },
  { header: 'Unit', value: ({ chart }) => chart.unit },
];

function figuresOf(charts: readonly Chart[]): MetricFigure[] {
  return charts.flatMap((chart) =>
    chart.lines.flatMap((line) =>
      line.values.flatMap((value, i) =>
        value === null ? [] : [{ chart, line, at: chart.times[i] ?? 0, value }],
      ),
    ),
  );
}

function useCharts(samples: readonly Sample[], chosen: readonly string[]): readonly Chart[] {
  const specs = useStudio((state) => state.specs);
  const monitors = useStudio(
    (state) =>
      [...state.specs.values()].flatMap(({ id, kind }) => {
        const snapshot = kind === 'monitor' ? state.nodes.get(id)?.snapshot : undefined;
        return snapshot ? [snapshot as Partial<MonitorSnapshot>] : [];
      }),
    sameItems,
  );
  return useMemo(
    () => chartsOf(samples, [...specs.values()], new Set(chosen.filter((id) => specs.has(id))), monitors),
    [samples, specs, chosen, monitors],
  );
}
