/** Where the parts of a sequence diagram stand. Pure. */
import type { Arrow } from './arrows';

/** Rows that are drawn, the newest; the list has the others. */
export const maxRows = 300;

export const measures = { time: 96, leastLane: 168, mostLane: 360, row: 34, head: 30 } as const;

export interface Sequence {
  /** Those that take part, from left to right. */
  lanes: readonly string[];
  rows: readonly Arrow[];
  laneWidth: number;
  width: number;
}

/**
 * @param order of the nodes; what is not among them stands to the right, as it appears
 * @param room pixels that the lanes share, if that is enough for them
 */
export function sequenceOf(arrows: readonly Arrow[], order: readonly string[], room: number): Sequence {
  const rows = arrows.slice(-maxRows);
  const taking = new Set(rows.flatMap(({ from, to }) => [from, to]));
  const own = order.filter((id) => taking.has(id));
  const lanes = [...own, ...[...taking].filter((id) => !own.includes(id))];
  const share = Math.floor((room - measures.time) / Math.max(1, lanes.length));
  const laneWidth = Math.max(measures.leastLane, Math.min(measures.mostLane, share));
  return { lanes, rows, laneWidth, width: measures.time + lanes.length * laneWidth };
}

/** The middle of a lane, pixels from the left. */
export function laneX(index: number, { laneWidth }: Pick<Sequence, 'laneWidth'>): number {
  return measures.time + (index + 0.5) * laneWidth;
}

/** Where an arrow is in its row, below its text. */
const arrowY = 24;

/** One that is sent to its own sender turns back. */
export function shaftPath(start: number, end: number): string {
  return start === end
    ? `M${start} ${arrowY - 6}h24v8h-22`
    : `M${start} ${arrowY}H${end - Math.sign(end - start)}`;
}

export function headPath(start: number, end: number): string {
  if (start === end) return `M${start + 8} ${arrowY - 2}l-6 4l6 4`;
  const tip = end - Math.sign(end - start);
  const back = tip - 7 * Math.sign(end - start);
  return `M${back} ${arrowY - 4}L${tip} ${arrowY}L${back} ${arrowY + 4}`;
}

/** On the way of what was lost. */
export function crossPath(start: number, end: number): string {
  return `M${start + (end - start) * 0.7 - 4} ${arrowY - 4}l8 8m0 -8l-8 8`;
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
