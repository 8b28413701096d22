/** What a person sees of a running download. */
import type { Priority } from '../../contract/priority';

/** The piece map is shown in at most so many cells. */
const MAX_CELLS = 400;
/** Pieces that no source of this run has sent. */
export const MISSING = -1;
export const FROM_EARLIER_RUN = -2;

export interface SourceView {
  id: string;
  address: string;
  state: 'reserve' | 'connecting' | 'active' | 'choked' | 'stalled' | 'lost' | 'banned';
  bytes: number;
  bytesPerSecond: number;
  /** Why it is not used, or what happened to it. */
  note?: string;
}

/** Something worth remembering on the way: when, after how many bytes, and what. */
export interface Mark {
  /** Unix milliseconds. */
  at: number;
  bytes: number;
  text: string;
}

export interface DownloadView {
  phase: 'waiting' | 'running' | 'paused' | 'verifying';
  priority: Priority;
  bytes: number;
  size: number;
  /** Bytes that came twice, or for which nobody waited any more, or which were wrong. */
  wasted: number;
  bytesPerSecond: number;
  sources: SourceView[];
  marks: Mark[];
  pieces: PieceCells;
}

/** The piece map in at most 400 cells, each standing for `perCell` pieces. */
export interface PieceCells {
  perCell: number;
  count: number;
  /** Index into `sources` of whom most of the cell came from; -1: missing, -2: from an earlier run. */
  from: number[];
  /** Sources that have the rarest piece of the cell now. */
  availability: number[];
}

/** @param origin by piece, as `from`. @param available how many sources have each piece */
export function pieceCells(origin: Int16Array, available: Uint16Array): PieceCells {
  const count = origin.length;
  const perCell = Math.max(1, Math.ceil(count / MAX_CELLS));
  const from: number[] = [];
  const availability: number[] = [];
  for (let start = 0; start < count; start += perCell) {
    const end = Math.min(count, start + perCell);
    from.push(mostFrequent(origin.subarray(start, end)));
    availability.push(Math.min(...available.subarray(start, end)));
  }
  return { perCell, count, from, availability };
}

function mostFrequent(values: Int16Array): number {
  const counts = new Map<number, number>();
  let best = MISSING;
  for (const value of values) {
    counts.set(value, (counts.get(value) ?? 0) + 1);
    if ((counts.get(value) as number) > (counts.get(best) ?? 0)) best = value;
  }
  return best;
}

/** A download as the clients of one server tell of theirs: one source at a time, and what came from whom. */
export interface PlainProgress {
  phase: 'waiting' | 'running' | 'verifying';
  priority: Priority;
  bytes: number;
  size: number;
  source?: { serverId: string; address: string };
  /** Set where others than `source` may send as well: that another one becomes the fastest is no fail-over. */
  several: boolean;
  segments: { source: string; bytes: number }[];
  marks: Mark[];
}

/** The fastest source stands for all of them. */
export function plainProgress(view: DownloadView): PlainProgress {
  const { phase, priority, bytes, size, sources, marks } = view;
  const best = sources.reduce((a, b) => (b.bytesPerSecond > (a?.bytesPerSecond ?? -1) ? b : a), sources[0]);
  return {
    phase: phase === 'paused' ? 'running' : phase,
    priority,
    bytes,
    size,
    ...(best ? { source: { serverId: best.id, address: best.address } } : {}),
    several: sources.length > 1,
    segments: sources.flatMap(({ id, bytes }) => (bytes > 0 ? [{ source: id, bytes }] : [])),
    marks: [...marks],
  };
}
