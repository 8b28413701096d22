import { asBuffer } from './as-buffer';

/** Receives what a `LineFramer` finds. Handlers may call `expectBytes` and `stop` on the framer. */
export interface FramerSink {
  /** A line without its end. */
  line(text: string): void;
  /** Raw bytes after `expectBytes`. **Lent** like the chunk they are a part of: copy what you keep. */
  bytes?(part: Uint8Array): void;
  /** A line grew longer than allowed. The framer has stopped: nothing follows. */
  overflow(): void;
}

export interface FramerOptions {
  /** Longest line in bytes, its end not counted. */
  maxLineBytes: number;
  /** Takes `\r\n` for a line's end as well as `\n`. */
  carriageReturn: boolean;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const FIRST_RESERVE = 128;

/**
 * Cuts a stream of bytes into UTF-8 lines, and into runs of raw bytes where the reader asks for them. The same
 * bytes give the same lines and bytes, however they were split on the way.
 *
 * Whole lines are decoded straight from the chunk; only the unfinished tail is copied, so that the cost stays
 * linear also when bytes arrive one at a time.
 */
export class LineFramer {
  readonly #maxLineBytes: number;
  readonly #carriageReturn: boolean;
  #tail: Buffer | undefined;
  #tailLength = 0;
  #rawLeft = 0;
  #stopped = false;

  constructor(options: FramerOptions) {
    this.#maxLineBytes = options.maxLineBytes;
    this.#carriageReturn = options.carriageReturn;
  }

  /** Bytes of an unfinished line that are held now. */
  get heldBytes(): number {
    return this.#tailLength;
  }

  /** The next `count` bytes are not lines; they go to `sink.bytes`, in parts. */
  expectBytes(count: number): void {
    this.#rawLeft = count;
  }

  /** Everything from here on is ignored. */
  stop(): void {
    this.#stopped = true;
    this.#tail = undefined;
    this.#tailLength = 0;
  }

  push(chunk: Uint8Array, sink: FramerSink): void {
    const bytes = asBuffer(chunk);
    let at = 0;
    while (at < bytes.length && !this.#stopped) {
      at = this.#rawLeft > 0 ? this.#takeRaw(bytes, at, sink) : this.#takeLine(bytes, at, sink);
    }
  }

  /** At the end of the stream: the line that was begun and never ended, or null. */
  end(): string | null {
    const rest = this.#stopped || this.#tailLength === 0 ? null : this.#decodeTail();
    this.stop();
    return rest;
  }

  #takeRaw(bytes: Buffer, at: number, sink: FramerSink): number {
    const end = Math.min(bytes.length, at + this.#rawLeft);
    this.#rawLeft -= end - at;
    sink.bytes?.(bytes.subarray(at, end));
    return end;
  }

  #takeLine(bytes: Buffer, at: number, sink: FramerSink): number {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline < 0 ? bytes.length : newline;
    if (this.#isTooLong(bytes, at, end)) {
      this.stop();
      sink.overflow();
    } else if (newline < 0) {
      this.#keep(bytes, at, end);
    } else if (this.#tailLength > 0) {
      this.#keep(bytes, at, end);
      sink.line(this.#decodeTail());
    } else {
      sink.line(this.#decode(bytes, at, end));
    }
    return end + 1;
  }

  /** A `\r` may turn out to be a part of the line's end: it alone may stand one byte beyond the limit. */
  #isTooLong(bytes: Buffer, at: number, end: number): boolean {
    const length = this.#tailLength + end - at;
    if (length <= this.#maxLineBytes) return false;
    return !(
      this.#carriageReturn &&
      length === this.#maxLineBytes + 1 &&
      (end > at ? bytes[end - 1] : this.#tail?.[this.#tailLength - 1]) === CARRIAGE_RETURN
    );
  }

  #keep(bytes: Buffer, at: number, end: number): void {
    const length = this.#tailLength + end - at;
    if (this.#tail === undefined || this.#tail.length < length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_RESERVE, length, 2 * (this.#tail?.length ?? 0)));
      this.#tail?.copy(grown, 0, 0, this.#tailLength);
      this.#tail = grown;
    }
    bytes.copy(this.#tail, this.#tailLength, at, end);
    this.#tailLength = length;
  }

  #decodeTail(): string {
    const line = this.#decode(this.#tail as Buffer, 0, this.#tailLength);
    this.#tailLength = 0;
    return line;
  }

  #decode(bytes: Buffer, start: number, end: number): string {
    const stripped = this.#carriageReturn && end > start && bytes[end - 1] === CARRIAGE_RETURN;
    return bytes.toString('utf8', start, stripped ? end - 1 : end);
  }
}
