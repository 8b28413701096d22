/** The charts: which figures of the samples are drawn, as lines over time. Pure. */
import { LATENCY_BUCKETS, latencyPercentile } from '../../../contract/latency';
import type { MonitorSnapshot } from '../../../nodes/monitor/manifest';
import { formatPercent, formatRate, formatSpan } from '../../format';
import type { Sample } from './sample';
import { slidingSums } from './sliding';

/** Ratios and percentiles are those of so many samples, so that a single answer does not make them leap. */
export const windowSamples = 10;
/** Nodes with a line of their own; more cannot be told apart. */
export const maxLines = 6;

/** The least that the time axis spans, in seconds: the first samples would else stretch over all of it. */
const leastSpan = 60;

/** From where to where the axis of these times goes; all in seconds. */
export function spanOf(times: ArrayLike<number>): [from: number, to: number] {
  const last = times[times.length - 1] ?? 0;
  return [Math.min(times[0] ?? 0, last - leastSpan), last];
}

export interface Line {
  id: string;
  label: string;
  /** `--source-0` to `-5`; absent: the colour of text, for what is not one node. */
  colour?: number;
  /** Lengths of dash and gap in pixels; empty: a solid line. */
  dash: readonly number[];
  /** Single points that are not joined; rings, where a line would be dashed. */
  points?: boolean;
  /** One a time of the chart; null: nothing is known of that moment. */
  values: readonly (number | null)[];
}

export interface Chart {
  id: string;
  title: string;
  /** What the lines are, in a sentence. */
  about: string;
  /** Unit of the values, for tables that others read. */
  unit: string;
  format: (value: number) => string;
  /** Unix ms, ascending. */
  times: readonly number[];
  lines: readonly Line[];
  /** What is said in place of a chart that has nothing to draw. */
  empty: string;
}

export interface ChartNode {
  id: string;
  name: string;
}

const dashes: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

/** Each node keeps its colour and dashes, whichever others are shown. */
function lookOf(index: number): Pick<Line, 'colour' | 'dash'> {
  return { colour: index % 6, dash: dashes[index % dashes.length] ?? [] };
}

/**
 * @param nodes all of the workspace, in its order
 * @param chosen ids of those that are looked at; empty: all together, and the busiest
 */
export function chartsOf(
  samples: readonly Sample[],
  nodes: readonly ChartNode[],
  chosen: ReadonlySet<string>,
  monitors: readonly Partial<MonitorSnapshot>[],
): Chart[] {
  const times = samples.map(({ at }) => at);
  const about = chosen.size > 0 ? 'chosen nodes' : 'all nodes';
  const rate = (of: 'bytes' | 'answers'): Line[] => rateLines(samples, nodes, chosen, of);
  return [
    {
      id: 'throughput',
      title: 'Throughput',
      about: 'Bytes per second through each node, in and out; in all, each link counts once.',
      unit: 'B/s',
      format: formatRate,
      times,
      lines: rate('bytes'),
      empty: 'No bytes have moved yet: download a file.',
    },
    {
      id: 'requests',
      title: 'Requests',
      about: 'Lookups, requests and files answered per second.',
      unit: '1/s',
      format: formatPerSecond,
      times,
      lines: rate('answers'),
      empty: 'Nothing was asked for yet.',
    },
    {
      id: 'latency',
      title: 'Latency',
      about: `From a request to the end of its reply, of a client from a lookup to its answer; ${about}, the last ${windowSamples} s.`,
      unit: 'ms',
      format: formatMs,
      times,
      lines: latencyLines(samples, chosen),
      empty: 'No answer was timed yet: servers time what they answer, clients their lookups.',
    },
    {
      id: 'hits',
      title: 'Hit ratio',
      about: `Share of requests, and of bytes, that caches answered without an origin; the last ${windowSamples} s.`,
      unit: 'share',
      format: (value) => formatPercent(value, 1),
      times,
      lines: hitLines(samples, nodes, chosen),
      empty: 'No cache was asked for anything yet.',
    },
    detectionChart(monitors, times),
  ];
}

function rateLines(
  samples: readonly Sample[],
  nodes: readonly ChartNode[],
  chosen: ReadonlySet<string>,
  of: 'bytes' | 'answers',
): Line[] {
  const totals = new Map<string, number>();
  for (const sample of samples)
    for (const [id, node] of sample.nodes) totals.set(id, (totals.get(id) ?? 0) + (node[of] ?? 0));
  const busiest = [...totals.keys()].sort((a, b) => (totals.get(b) ?? 0) - (totals.get(a) ?? 0));
  const shown = new Set(
    busiest
      .filter((id) => (totals.get(id) ?? 0) > 0 && (chosen.size === 0 || chosen.has(id)))
      .slice(0, maxLines),
  );
  const unknown = samples.map((sample) => of === 'bytes' && sample.bytes === null);
  const values = (valueIn: (sample: Sample) => number | null) =>
    samples.map((sample, i) => (unknown[i] ? null : valueIn(sample)));
  const own = nodes.flatMap(({ id, name }, i): Line[] =>
    shown.has(id)
      ? [{ id, label: name, ...lookOf(i), values: values(({ nodes }) => nodes.get(id)?.[of] ?? 0) }]
      : [],
  );
  if (own.length === 0 || chosen.size > 0) return own;
  const all = values((sample) => (of === 'bytes' ? sample.bytes : answersIn(sample)));
  return [{ id: 'all', label: 'All', dash: [], values: all }, ...own];
}

function answersIn({ nodes }: Sample): number {
  return [...nodes.values()].reduce((sum, node) => sum + node.answers, 0);
}

function latencyLines(samples: readonly Sample[], chosen: ReadonlySet<string>): Line[] {
  const counts = samples.map((sample) => {
    const sum = Array<number>(LATENCY_BUCKETS).fill(0);
    for (const [id, { latencies }] of sample.nodes)
      if (latencies && (chosen.size === 0 || chosen.has(id)))
        latencies.forEach((count, i) => {
          sum[i] = (sum[i] ?? 0) + count;
        });
    return sum;
  });
  const sums = slidingSums(counts, windowSamples);
  return [50, 95, 99].flatMap((percent, i): Line[] => {
    const values = sums.map((sum) => latencyPercentile(sum, percent / 100));
    if (values.every((value) => value === null)) return [];
    return [{ id: `p${percent}`, label: `p${percent}`, ...lookOf(i), values }];
  });
}

function hitLines(
  samples: readonly Sample[],
  nodes: readonly ChartNode[],
  chosen: ReadonlySet<string>,
): Line[] {
  const caches = nodes.filter(
    ({ id }) =>
      (chosen.size === 0 || chosen.has(id)) && samples.some((sample) => sample.nodes.get(id)?.cache),
  );
  return caches.slice(0, maxLines / 2).flatMap(({ id, name }): Line[] => {
    const effects = samples.map((sample) => {
      const { requests = 0, hits = 0, bytes = 0, hitBytes = 0 } = sample.nodes.get(id)?.cache ?? {};
      return [requests, hits, bytes, hitBytes];
    });
    const sums = slidingSums(effects, windowSamples);
    const { colour } = lookOf(nodes.findIndex((node) => node.id === id));
    const look = colour === undefined ? {} : { colour };
    const ratio = (part: number, whole: number): (number | null)[] =>
      sums.map((sum) => ((sum[whole] ?? 0) > 0 ? (sum[part] ?? 0) / (sum[whole] ?? 1) : null));
    return [
      { id: `${id} hits`, label: `${name} requests`, ...look, dash: [], values: ratio(1, 0) },
      { id: `${id} bytes`, label: `${name} bytes`, ...look, dash: [7, 4], values: ratio(3, 2) },
    ];
  });
}

/** Its times are those of the deaths, between the first and the last sample. */
function detectionChart(monitors: readonly Partial<MonitorSnapshot>[], sampled: readonly number[]): Chart {
  const deaths = monitors
    .flatMap(({ detections = [] }) => detections)
    .filter(({ declaredAt }) => declaredAt >= (sampled[0] ?? 0))
    .sort((a, b) => a.declaredAt - b.declaredAt);
  // The ends of the time axis are those of the other charts.
  const ends = [sampled[0] ?? 0, sampled.at(-1) ?? 0];
  const values = (of: (death: (typeof deaths)[number]) => number | null) => [null, ...deaths.map(of), null];
  const line = (id: string, label: string, look: number, of: Parameters<typeof values>[0]): Line => ({
    id,
    label,
    ...lookOf(look),
    points: true,
    values: values(of),
  });
  return {
    id: 'detection',
    title: 'Detection time',
    about: 'Time since the last heartbeat of a server that died.',
    unit: 'ms',
    format: formatMs,
    times: [
      ends[0] ?? 0,
      ...deaths.map(({ declaredAt }) => declaredAt),
      Math.max(ends[1] ?? 0, deaths.at(-1)?.declaredAt ?? 0),
    ],
    lines:
      deaths.length === 0
        ? []
        : [
            line('declared', 'declared dead', 0, (death) => death.declaredAt - death.lastHeartbeat),
            line('told', 'SERVER_DOWN sent', 1, ({ toldAt, lastHeartbeat }) =>
              toldAt === undefined ? null : toldAt - lastHeartbeat,
            ),
          ],
    empty: 'No server has died while this was open: kill one that sends heartbeats.',
  };
}

function formatPerSecond(value: number): string {
  return `${value < 10 ? Number(value.toFixed(value < 1 ? 2 : 1)) : Math.round(value).toLocaleString()}/s`;
}

function formatMs(ms: number): string {
  if (ms >= 1000) return formatSpan(ms);
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** The newest value that a line has. */
export function latestOf({ values }: Line): number | null {
  return values.findLast((value) => value !== null) ?? null;
}
