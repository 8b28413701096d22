import { asBuffer } from '../as-buffer';
import { parseFieldLines } from './field-lines';
import { Fields } from './fields';
import { trailersToSend } from './hop-by-hop';
import { HttpError } from './http-error';

/** Longest chunk-size line, and longest trailer section, in bytes. */
const MAX_LINE = 256;
const MAX_TRAILERS = 8192;
const MAX_TRAILER_FIELDS = 50;

export interface ChunkedOptions {
  /**
   * What to do with chunk extensions: 'refuse' in requests, where they have been used for smuggling; 'ignore'
   * in replies (RFC 9112, section 7.1.1).
   */
  extensions: 'refuse' | 'ignore';
}

const LF = 0x0a;

/** Takes the chunked coding off (RFC 9112, section 7.1), whatever the segmentation. */
export class ChunkedDecoder {
  readonly #options: ChunkedOptions;
  #state: 'size' | 'data' | 'data-end' | 'trailers' | 'done' = 'size';
  #left = 0;
  #line = '';
  #trailerLines = '';
  #trailers = new Fields();

  constructor(options: ChunkedOptions) {
    this.#options = options;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** Fields after the content; valid when `done`. */
  get trailers(): Fields {
    return this.#trailers;
  }

  /**
   * Takes bytes from `at` on and gives content to `content`, in parts that are lent. Returns the position after
   * the last byte that belongs to the message: less than the end only when it is `done`.
   * @throws HttpError 400 for what is no chunked coding, 431 for too many trailers
   */
  push(chunk: Uint8Array, at: number, content: (part: Uint8Array) => void): number {
    const bytes = asBuffer(chunk);
    let position = at;
    while (position < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, position + this.#left);
        this.#left -= end - position;
        if (this.#left === 0) this.#state = 'data-end';
        content(bytes.subarray(position, end));
        position = end;
      } else {
        position = this.#takeLine(bytes, position);
      }
    }
    return position;
  }

  #takeLine(bytes: Buffer, at: number): number {
    const newline = bytes.indexOf(LF, at);
    const end = newline < 0 ? bytes.length : newline + 1;
    const limit = this.#state === 'trailers' ? MAX_TRAILERS - this.#trailerLines.length : MAX_LINE;
    if (this.#line.length + end - at > limit)
      throw new HttpError(400, 'A line of the chunked coding is too long.');
    this.#line += bytes.toString('latin1', at, end);
    if (newline < 0) return end;
    if (!this.#line.endsWith('\r\n')) throw new HttpError(400, 'A chunk line ends in a bare line feed.');
    const line = this.#line;
    this.#line = '';
    this.#lineRead(line);
    return end;
  }

  #lineRead(line: string): void {
    switch (this.#state) {
      case 'size':
        this.#left = this.#sizeOf(line.slice(0, -2));
        this.#state = this.#left === 0 ? 'trailers' : 'data';
        return;
      case 'data-end':
        if (line !== '\r\n') throw new HttpError(400, 'A chunk is longer than it said.');
        this.#state = 'size';
        return;
      default:
        if (line !== '\r\n') {
          this.#trailerLines += line;
          return;
        }
        // Here, and not when somebody asks for them: whoever pushes is prepared for what is malformed.
        this.#trailers = parseFieldLines(this.#trailerLines, 0, MAX_TRAILER_FIELDS, 'refuse');
        this.#state = 'done';
    }
  }

  #sizeOf(line: string): number {
    const match = /^([0-9A-Fa-f]{1,13})([ \t]*;.*)?$/.exec(line);
    if (!match) throw new HttpError(400, 'A chunk size is not a hexadecimal number.');
    if (match[2] !== undefined && (this.#options.extensions === 'refuse' || /[\r\0]/.test(match[2]))) {
      throw new HttpError(400, 'Chunk extensions are not taken.');
    }
    return Number.parseInt(match[1] as string, 16);
  }
}

/** The line before a chunk of `length` bytes; CRLF follows the chunk. */
export function chunkStart(length: number): string {
  return `${length.toString(16)}\r\n`;
}

/** What ends chunked content; of the trailers goes with it what may. */
export function chunkedEnd(trailers?: Fields): string {
  return `0\r\n${trailers ? trailersToSend(trailers).toString() : ''}\r\n`;
}
