/** The picture of a chart. It is redrawn with each sample and never animated. */
import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { formatTime } from '../../format';
import { tokenColour } from '../../token-colours';
import { type Chart, type Line, spanOf } from './charts';
import css from './metrics.module.css';

export function ChartCanvas({
  chart,
  onCursor,
}: {
  chart: Chart;
  /** The index of the time under the pointer, null when it has left. */
  onCursor: (index: number | null) => void;
}) {
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const newest = useRef({ chart, onCursor });
  newest.current = { chart, onCursor };
  // Everything but the values: while it stays the same, so does the plot.
  const shape = JSON.stringify([scheme, chart.lines.map(({ values: _, ...line }) => line)]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` stands for all that the plot is made from.
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = new uPlot(
      optionsOf(newest.current.chart, sizeOf(element), (index) => newest.current.onCursor(index)),
      dataOf(newest.current.chart),
      element,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize(sizeOf(element)));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => plot.current?.setData(dataOf(chart)), [chart]);

  return <div ref={box} className={css.canvas} />;
}

function sizeOf({ clientWidth, clientHeight }: HTMLElement): { width: number; height: number } {
  return { width: Math.max(80, clientWidth), height: Math.max(60, clientHeight) };
}

function dataOf({ times, lines }: Chart): uPlot.AlignedData {
  return [times.map((ms) => ms / 1000), ...lines.map(({ values }) => [...values])];
}

function optionsOf(
  { lines, format }: Chart,
  size: { width: number; height: number },
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const ink = tokenColour('ink');
  const axis: uPlot.Axis = {
    stroke: tokenColour('ink-2'),
    font: `10.5px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: tokenColour('line'), width: 1 },
    ticks: { show: false },
  };
  return {
    ...size,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { show: false }, sync: { key: 'metrics' } },
    scales: {
      // Not what uPlot proposes: around a single sample that is a whole day.
      x: { range: ({ data: [times] }) => spanOf(times) },
      y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 20,
        space: 70,
        gap: 4,
        values: (_plot, ticks) => ticks.map((tick) => formatTime(tick * 1000)),
      },
      { ...axis, size: 62, space: 26, gap: 6, values: (_plot, ticks) => ticks.map((tick) => format(tick)) },
    ],
    series: [{}, ...lines.map((line) => seriesOf(line, ink))],
    hooks: { setCursor: [({ cursor }) => onCursor(cursor.idx ?? null)] },
  };
}

function seriesOf({ label, colour, dash, points = false }: Line, ink: string): uPlot.Series {
  const stroke = colour === undefined ? ink : tokenColour(`source-${colour}`);
  return {
    label,
    stroke,
    width: points ? 0 : 1.75,
    dash: [...dash],
    points: {
      show: points,
      stroke,
      ...(dash.length > 0 ? { size: 12, width: 1.75, fill: 'transparent' } : { size: 7, fill: stroke }),
    },
  };
}
