import { isDigits, listMembers } from './syntax';

/** A run of bytes, `end` exclusive. */
export interface ByteRange {
  start: number;
  end: number;
}

/** More ranges than this in one request are an attack, not a need (RFC 9110, section 17.15). */
const MAX_RANGES = 32;

/** One member of a Range field: offsets from the start, or the length of a suffix. */
export type RangeSpec = { first: number; last: number | null } | { suffix: number };

/** Reads `bytes=0-1,5-,-3`; null when it is another unit or malformed, which means: no Range at all. */
export function parseRange(value: string): RangeSpec[] | null {
  const match = /^bytes=(.*)$/i.exec(value);
  if (!match) return null;
  const specs: RangeSpec[] = [];
  for (const member of listMembers(match[1] as string)) {
    const [, first, last] = /^(\d*)-(\d*)$/.exec(member) ?? [];
    if (first === undefined || last === undefined || (first === '' && last === '')) return null;
    if (first === '') specs.push({ suffix: Number(last) });
    else if (last !== '' && Number(last) < Number(first)) return null;
    else specs.push({ first: Number(first), last: last === '' ? null : Number(last) });
  }
  return specs.length === 0 || specs.length > MAX_RANGES ? null : specs;
}

/**
 * The bytes that a Range selects from `size` bytes, in the order asked for, where they overlap or touch
 * merged; 'unsatisfiable' when none exists (416); null when the field is to be ignored.
 */
export function selectRanges(value: string, size: number): ByteRange[] | 'unsatisfiable' | null {
  const specs = parseRange(value);
  if (specs === null) return null;
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = resolveRange(spec, size);
    if (range) ranges.push(range);
  }
  return ranges.length === 0 ? 'unsatisfiable' : mergeOverlaps(ranges);
}

export function resolveRange(spec: RangeSpec, size: number): ByteRange | null {
  if ('suffix' in spec) {
    return spec.suffix === 0 || size === 0 ? null : { start: Math.max(0, size - spec.suffix), end: size };
  }
  if (spec.first >= size) return null;
  return { start: spec.first, end: spec.last === null ? size : Math.min(size, spec.last + 1) };
}

/** RFC 9110, section 15.3.7.2: overlapping ranges may be coalesced; it also disarms requests for one byte range many times. */
function mergeOverlaps(ranges: ByteRange[]): ByteRange[] {
  const merged: ByteRange[] = [];
  for (const range of ranges) {
    const other = merged.find((candidate) => range.start <= candidate.end && candidate.start <= range.end);
    if (other) {
      other.start = Math.min(other.start, range.start);
      other.end = Math.max(other.end, range.end);
    } else merged.push({ ...range });
  }
  return merged.length === ranges.length ? merged : mergeOverlaps(merged);
}

export function formatContentRange({ start, end }: ByteRange, size: number): string {
  return `bytes ${start}-${end - 1}/${size}`;
}

/** `size` null: `bytes 0-1/*`. Null for what is malformed, or another unit. */
export function parseContentRange(value: string): (ByteRange & { size: number | null }) | null {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(value);
  if (!match) return null;
  const start = Number(match[1]);
  const end = Number(match[2]) + 1;
  const size = isDigits(match[3] as string) ? Number(match[3]) : null;
  return start < end && (size === null || end <= size) && Number.isSafeInteger(end)
    ? { start, end, size }
    : null;
}
