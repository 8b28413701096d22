import { asBuffer } from '../as-buffer';
import { ChunkedDecoder, type ChunkedOptions } from './chunked';
import type { Fields } from './fields';
import type { Framing } from './framing';
import type { HeadReader } from './head-reader';

/** Takes the content of one message out of a stream of bytes, as its framing says. */
export class ContentReader {
  readonly framing: Framing;
  readonly #chunked: ChunkedDecoder | undefined;
  #left: number;
  #skipLineFeed = false;

  constructor(framing: Framing, options: ChunkedOptions) {
    this.framing = framing;
    this.#left = framing.kind === 'length' ? framing.length : 0;
    this.#chunked = framing.kind === 'chunked' ? new ChunkedDecoder(options) : undefined;
  }

  /** The content after the head that `heads` has just read. */
  static after(heads: HeadReader, framing: Framing, options: ChunkedOptions): ContentReader {
    const content = new ContentReader(framing, options);
    // A line feed that still belongs to the head comes before the content; without content, before the next head.
    if (!content.done) content.#skipLineFeed = heads.takeSkipLineFeed();
    return content;
  }

  /** All of the content has been read. Content that ends with the connection is never done by itself. */
  get done(): boolean {
    const { kind } = this.framing;
    if (kind === 'chunked') return this.#chunked?.done === true;
    return kind !== 'until-close' && this.#left === 0;
  }

  /** The connection may end here without anything being lost. */
  get mayEnd(): boolean {
    return this.done || this.framing.kind === 'until-close';
  }

  /** Bytes that are still to come; null when that is not known. */
  get left(): number | null {
    return this.framing.kind === 'length' || this.framing.kind === 'none' ? this.#left : null;
  }

  get trailers(): Fields | undefined {
    return this.#chunked?.trailers;
  }

  /**
   * Takes bytes from `at` on; parts of the content are lent to `content`. Returns the position of the first
   * byte that is not part of this message.
   * @throws HttpError 400 for a malformed chunked coding
   */
  push(chunk: Uint8Array, at: number, content: (part: Uint8Array) => void): number {
    if (at >= chunk.length) return at;
    let start = at;
    if (this.#skipLineFeed) {
      this.#skipLineFeed = false;
      if (chunk[start] === 0x0a) start++;
    }
    switch (this.framing.kind) {
      case 'none':
        return start;
      case 'chunked':
        return (this.#chunked as ChunkedDecoder).push(chunk, start, content);
      case 'until-close':
        if (start < chunk.length) content(asBuffer(chunk).subarray(start));
        return chunk.length;
      case 'length': {
        const end = Math.min(chunk.length, start + this.#left);
        this.#left -= end - start;
        if (end > start) content(asBuffer(chunk).subarray(start, end));
        return end;
      }
    }
  }
}
