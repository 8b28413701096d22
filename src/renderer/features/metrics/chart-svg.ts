/** A chart as a picture of its own, with its legend and values. */
import { element, svgDocument, textAt } from '../../export/svg';
import { formatTime } from '../../format';
import { tokenColour } from '../../token-colours';
import { type Chart, type Line, latestOf } from './charts';

const width = 900;
const plot = { left: 80, top: 44, right: 884, bottom: 300 } as const;
const legendRow = 20;
const legendColumns = 3;
const gridLines = 4;

export function chartSvg(chart: Chart): string {
  const { title, times, lines, format } = chart;
  const known = lines.flatMap(({ values }) => values.filter((value) => value !== null));
  const top = Math.max(...known) * 1.1 || 1;
  const first = times[0] ?? 0;
  const span = Math.max(1, (times.at(-1) ?? 0) - first);
  const x = (time: number): number => plot.left + ((time - first) / span) * (plot.right - plot.left);
  const y = (value: number): number => plot.bottom - (value / top) * (plot.bottom - plot.top);
  const muted = { fill: tokenColour('ink-2'), 'font-size': 11 };
  const steps = Array.from({ length: gridLines + 1 }, (_, i) => i / gridLines);
  const height = plot.bottom + 40 + Math.ceil(lines.length / legendColumns) * legendRow;
  return svgDocument(
    { width, height },
    tokenColour('panel'),
    textAt(16, 26, title, { fill: tokenColour('ink'), 'font-size': 15, 'font-weight': 600 }),
    ...steps.map((step) =>
      element('path', { d: `M${plot.left} ${y(step * top)}H${plot.right}`, stroke: tokenColour('line') }),
    ),
    ...steps.map((step) =>
      textAt(plot.left - 8, y(step * top) + 4, format(step * top), { ...muted, 'text-anchor': 'end' }),
    ),
    ...steps.map((step) =>
      textAt(plot.left + step * (plot.right - plot.left), plot.bottom + 18, formatTime(first + step * span), {
        ...muted,
        'text-anchor': step === 0 ? 'start' : step === 1 ? 'end' : 'middle',
      }),
    ),
    ...lines.map((line) => drawn(line, times, x, y)),
    ...lines.map((line, i) => legend(line, i, format)),
  );
}

function strokeOf({ colour }: Line): string {
  return tokenColour(colour === undefined ? 'ink' : `source-${colour}`);
}

function drawn(
  line: Line,
  times: readonly number[],
  x: (time: number) => number,
  y: (value: number) => number,
): string {
  const stroke = strokeOf(line);
  const at = line.values.map((value, i) => (value === null ? null : ([x(times[i] ?? 0), y(value)] as const)));
  if (line.points)
    return at
      .map((point) => point && element('circle', { cx: point[0], cy: point[1], ...dotOf(line, stroke) }))
      .join('');
  // What is not known breaks the line.
  const path = at
    .map((point, i) => point && `${at[i - 1] ? 'L' : 'M'}${point[0].toFixed(1)} ${point[1].toFixed(1)}`)
    .join('');
  return element('path', {
    d: path,
    fill: 'none',
    stroke,
    'stroke-width': 1.75,
    'stroke-dasharray': line.dash.join(' ') || undefined,
  });
}

function dotOf({ dash }: Line, stroke: string): Record<string, string | number> {
  return dash.length > 0 ? { r: 6, fill: 'none', stroke, 'stroke-width': 1.75 } : { r: 3.5, fill: stroke };
}

function legend(line: Line, index: number, format: (value: number) => string): string {
  const left = plot.left + (index % legendColumns) * 270;
  const top = plot.bottom + 42 + Math.floor(index / legendColumns) * legendRow;
  const value = latestOf(line);
  const stroke = strokeOf(line);
  return (
    (line.points
      ? element('circle', { cx: left + 12, cy: top - 4, ...dotOf(line, stroke) })
      : element('path', {
          d: `M${left} ${top - 4}h24`,
          stroke,
          'stroke-width': 2,
          'stroke-dasharray': line.dash.join(' ') || undefined,
        })) +
    textAt(left + 32, top, `${line.label} ${value === null ? '–' : format(value)}`, {
      fill: tokenColour('ink'),
    })
  );
}
