/** The bytes of a transfer by source, as shares of the whole. Pure. */
import type { TransferSegment, TransferView } from '../../../contract/events';

export interface DrawnSegment {
  source: string;
  /** Of the file's size, 0–1. */
  share: number;
  /** Place in the order of arrival; stays the same while the segment grows. */
  at: number;
}

/** Narrower pieces (a server that gave a few bytes) are still seen. */
const leastShare = 0.004;
const sourceColours = 6;

export function segmentsOf({
  segments,
  size,
  bytes,
}: Pick<TransferView, 'segments' | 'size' | 'bytes'>): DrawnSegment[] {
  const total = size ?? 0;
  if (total === 0) return [];
  const sum = segments.reduce((all, segment) => all + segment.bytes, 0);
  // Bytes that were fetched twice count in the segments and not in what is done.
  const scale = sum > bytes && sum > 0 ? bytes / sum : 1;
  return segments.flatMap(({ source, bytes: part }, at) => {
    const share = (part * scale) / total;
    return part > 0 ? [{ source, share: Math.max(leastShare, share), at }] : [];
  });
}

/** A colour number for each source, by first appearance. */
export function sourceIndex(segments: readonly TransferSegment[]): Map<string, number> {
  const index = new Map<string, number>();
  for (const { source } of segments) if (!index.has(source)) index.set(source, index.size % sourceColours);
  return index;
}
