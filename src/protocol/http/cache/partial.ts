import type { ByteRange } from '../range';

/** Runs of bytes of one representation of `size` bytes, in order, without overlaps (RFC 9111, section 3.3). */
export class PartialContent {
  readonly size: number;
  #segments: { start: number; bytes: Uint8Array }[] = [];

  constructor(size: number) {
    this.size = size;
  }

  /** Bytes held. */
  get held(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Runs of bytes with gaps between them. */
  get runs(): number {
    return this.#segments.length;
  }

  get isComplete(): boolean {
    return this.covers({ start: 0, end: this.size });
  }

  /** Combines with what is there; where both have bytes, the new ones count (RFC 9111, section 3.4). */
  add(start: number, bytes: Uint8Array): void {
    const end = start + bytes.length;
    const touching = this.#segments.filter(
      (other) => other.start <= end && start <= other.start + other.bytes.length,
    );
    const others = this.#segments.filter((segment) => !touching.includes(segment));
    const from = Math.min(start, ...touching.map((segment) => segment.start));
    const to = Math.max(end, ...touching.map((segment) => segment.start + segment.bytes.length));
    let joined = bytes;
    if (touching.length > 0) {
      joined = new Uint8Array(to - from);
      for (const segment of touching) joined.set(segment.bytes, segment.start - from);
      joined.set(bytes, start - from);
    }
    this.#segments = [...others, { start: from, bytes: joined }].sort((a, b) => a.start - b.start);
  }

  /** Takes over what another one of the same representation holds. */
  adopt(other: PartialContent): void {
    for (const { start, bytes } of other.#segments) this.add(start, bytes);
  }

  covers(range: ByteRange): boolean {
    return this.slice(range) !== null;
  }

  /** The bytes of a range, or null when some are missing. */
  slice({ start, end }: ByteRange): Uint8Array | null {
    for (const segment of this.#segments) {
      if (segment.start <= start && end <= segment.start + segment.bytes.length) {
        return segment.bytes.subarray(start - segment.start, end - segment.start);
      }
    }
    return start === end ? new Uint8Array(0) : null;
  }

  /** The one run that is missing; null when nothing is, or when there are several. */
  get gap(): ByteRange | null {
    const gaps: ByteRange[] = [];
    let at = 0;
    for (const { start, bytes } of this.#segments) {
      if (start > at) gaps.push({ start: at, end: start });
      at = start + bytes.length;
    }
    if (at < this.size) gaps.push({ start: at, end: this.size });
    return gaps.length === 1 ? (gaps[0] as ByteRange) : null;
  }
}
