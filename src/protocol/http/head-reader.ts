import { asBuffer } from '../as-buffer';
import { HttpError } from './http-error';

/** Bounds on what a peer may send before it has said what it wants. */
export interface HeadLimits {
  /** Longest start line, bytes, its end not counted: 414 beyond. */
  maxStartLine: number;
  /** Longest head in all, bytes: 431 beyond. */
  maxHeadBytes: number;
  /** Most field lines: 431 beyond. */
  maxFields: number;
}

export const defaultHeadLimits: HeadLimits = { maxStartLine: 8192, maxHeadBytes: 32 * 1024, maxFields: 100 };

/**
 * Named tolerances towards programs that do not speak HTTP quite right; all off is RFC 9112 to the letter.
 */
export interface HeadTolerance {
  /**
   * A head that ends in `\r\n\r` instead of `\r\n\r\n`, the last byte missing. 'at-end': taken for the end of
   * the head only when nothing follows yet (requests: whoever sends more must frame it right); 'anywhere':
   * also when content follows at once (replies); 'never': the head is incomplete.
   */
  missingLastLineFeed: 'never' | 'at-end' | 'anywhere';
}

const CR = 0x0d;
const LF = 0x0a;

/**
 * Cuts heads out of a stream of bytes, however they were split on the way. It looks at every byte once, and
 * copies none unless a head came in several pieces.
 */
export class HeadReader {
  readonly #limits: HeadLimits;
  readonly #tolerance: HeadTolerance;
  #held: Buffer | undefined;
  #heldLength = 0;
  /** Bytes that were searched already. */
  #searched = 0;
  #skipLineFeed = false;

  constructor(limits: HeadLimits, tolerance: HeadTolerance) {
    this.#limits = limits;
    this.#tolerance = tolerance;
  }

  /** Bytes of an unfinished head. */
  get heldBytes(): number {
    return this.#heldLength;
  }

  /**
   * Takes bytes from `at` on. With a whole head, returns it in `head` as latin-1 text, every line with its end
   * but without the empty line, and in `next` the position of the first byte after it; otherwise keeps what is
   * there, and `head` is null.
   * @throws HttpError 414 or 431 when the head outgrows its limits, 400 for a line that does not end in CRLF
   */
  read(chunk: Uint8Array, at: number): { head: string | null; next: number } {
    const bytes = asBuffer(chunk);
    let start = at;
    if (this.#heldLength === 1 && this.#held?.[0] === CR && bytes[start] === LF) {
      this.reset();
      start++;
    }
    if (this.#heldLength === 0) {
      start = this.#skipEmptyLines(bytes, start);
      if (start === bytes.length) return { head: null, next: start };
    }
    if (this.#heldLength > 0) return this.#readHeld(bytes, start);
    const end = this.#findEnd(bytes, start, bytes.length, 0);
    if (end === undefined) {
      this.#checkSize(bytes, start, bytes.length);
      this.#hold(bytes, start, bytes.length);
      return { head: null, next: bytes.length };
    }
    return { head: this.#finish(bytes, start, end.head), next: end.next };
  }

  /** Forgets an unfinished head. */
  reset(): void {
    this.#held = undefined;
    this.#heldLength = this.#searched = 0;
  }

  #readHeld(bytes: Buffer, start: number): { head: string | null; next: number } {
    const before = this.#heldLength;
    // One byte more than allowed is enough to know that it is too much.
    const room = this.#limits.maxHeadBytes + 5 - before;
    const until = Math.min(bytes.length, start + Math.max(0, room));
    this.#hold(bytes, start, until);
    const held = this.#held as Buffer;
    const end = this.#findEnd(held, 0, this.#heldLength, this.#searched);
    if (end === undefined) {
      this.#checkSize(held, 0, this.#heldLength);
      return { head: null, next: until };
    }
    const head = this.#finish(held, 0, end.head);
    this.reset();
    return { head, next: start + end.next - before };
  }

  /** RFC 9112, section 2.2: empty lines before a start line are ignored. */
  #skipEmptyLines(bytes: Buffer, at: number): number {
    let start = at;
    if (this.#skipLineFeed && start < bytes.length) {
      this.#skipLineFeed = false;
      if (bytes[start] === LF) start++;
    }
    while (bytes[start] === CR && bytes[start + 1] === LF) start += 2;
    return start;
  }

  #findEnd(
    bytes: Buffer,
    start: number,
    end: number,
    searched: number,
  ): { head: number; next: number } | undefined {
    let at = start + Math.max(0, searched - 3);
    for (;;) {
      const lineFeed = bytes.indexOf(LF, at);
      if (lineFeed < 0 || lineFeed >= end) break;
      if (lineFeed === start || bytes[lineFeed - 1] !== CR)
        throw new HttpError(400, 'A line ends in a bare line feed.');
      if (bytes[lineFeed + 1] === CR && lineFeed + 1 < end) {
        if (lineFeed + 2 < end) {
          if (bytes[lineFeed + 2] === LF) return { head: lineFeed + 1, next: lineFeed + 3 };
          if (this.#tolerance.missingLastLineFeed === 'anywhere')
            return { head: lineFeed + 1, next: lineFeed + 2 };
        } else if (this.#tolerance.missingLastLineFeed !== 'never') {
          // If it was only a split, the missing byte comes next and is skipped then.
          this.#skipLineFeed = true;
          return { head: lineFeed + 1, next: lineFeed + 2 };
        }
      }
      at = lineFeed + 1;
    }
    this.#searched = end - start;
    return undefined;
  }

  /** True when the next byte, if it is a line feed, still belongs to the head that was read last. */
  takeSkipLineFeed(): boolean {
    const skip = this.#skipLineFeed;
    this.#skipLineFeed = false;
    return skip;
  }

  #finish(bytes: Buffer, start: number, end: number): string {
    this.#checkSize(bytes, start, end);
    return bytes.toString('latin1', start, end);
  }

  #checkSize(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length <= this.#limits.maxStartLine && length <= this.#limits.maxHeadBytes) return;
    const lineEnd = bytes.indexOf(LF, start);
    if (lineEnd < 0 || lineEnd - 1 - start > this.#limits.maxStartLine) {
      throw new HttpError(414, `The first line is longer than ${this.#limits.maxStartLine} bytes.`);
    }
    if (length > this.#limits.maxHeadBytes) {
      throw new HttpError(431, `The head is longer than ${this.#limits.maxHeadBytes} bytes.`);
    }
  }

  #hold(bytes: Buffer, start: number, end: number): void {
    const length = this.#heldLength + end - start;
    if (this.#held === undefined || this.#held.length < length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(512, length, 2 * this.#heldLength));
      this.#held?.copy(grown, 0, 0, this.#heldLength);
      this.#held = grown;
    }
    bytes.copy(this.#held, this.#heldLength, start, end);
    this.#heldLength = length;
  }
}
