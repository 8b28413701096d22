import { createHash } from 'node:crypto';
import type { ReadableFile } from '../../runtime/context';
import { readFully } from '../shared/whole-file';

/** A page of at most this size is kept in memory, bytes. */
export const MEMORY_LIMIT = 8 * 1024 * 1024;
/** Read-ahead of a page that is read from its file: 128 packets. */
const WINDOW = 64 * 1024;
/** Pieces of a bulk transfer, bytes. */
const SLICE = 1024 * 1024;

/** One state of the page. A transfer that has begun goes on with it when the page changes. */
export interface Page {
  readonly size: number;
  read(): PageReader | Promise<PageReader>;
}

/** Reads a page once, from the front: in packets, or the rest of it in slices. */
export interface PageReader {
  /** Nothing is left after what was read so far. */
  readonly atEnd: boolean;
  readonly remaining: number;
  /** The next `length` bytes, fewer at the end; valid until the next call. */
  next(length: number): Uint8Array | Promise<Uint8Array>;
  /** The rest in large pieces, each valid until the next; then `sha256` tells the hash of the whole page. */
  slices(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Of the whole page; known after `slices`. */
  sha256(): Uint8Array;
  close(): void;
}

/** A page in memory; its hash is computed once. */
export class MemoryPage implements Page {
  #sha256: Uint8Array | undefined;

  constructor(readonly bytes: Uint8Array) {}

  get size(): number {
    return this.bytes.length;
  }

  read(): PageReader {
    const { bytes } = this;
    let at = 0;
    return {
      get atEnd() {
        return at >= bytes.length;
      },
      get remaining() {
        return bytes.length - at;
      },
      next: (length) => {
        const part = bytes.subarray(at, at + length);
        at += part.length;
        return part;
      },
      *slices() {
        for (; at < bytes.length; at += SLICE) yield bytes.subarray(at, at + SLICE);
      },
      sha256: () => {
        this.#sha256 ??= createHash('sha256').update(bytes).digest();
        return this.#sha256;
      },
      close: () => {},
    };
  }
}

/** A page too large for memory: every transfer reads the file as it was when the transfer began. */
export class FilePage implements Page {
  constructor(
    readonly size: number,
    readonly open: () => Promise<ReadableFile>,
  ) {}

  async read(): Promise<PageReader> {
    const file = await this.open();
    return new FileReader(file, Math.min(file.size, this.size));
  }
}

class FileReader implements PageReader {
  #at = 0;
  readonly #window = new Uint8Array(WINDOW);
  #windowStart = 0;
  #windowLength = 0;
  #sha256: Uint8Array | undefined;

  constructor(
    readonly file: ReadableFile,
    readonly size: number,
  ) {}

  get atEnd(): boolean {
    return this.#at >= this.size;
  }

  get remaining(): number {
    return this.size - this.#at;
  }

  next(length: number): Uint8Array | Promise<Uint8Array> {
    const wanted = Math.min(length, this.remaining);
    if (this.#at + wanted <= this.#windowStart + this.#windowLength) return this.#take(wanted);
    return this.#fill().then(() => this.#take(wanted));
  }

  async *slices(): AsyncGenerator<Uint8Array> {
    // Two buffers in turn: the network may still hold one while the other is filled.
    const buffers = [new Uint8Array(SLICE), new Uint8Array(SLICE)] as const;
    const hash = createHash('sha256');
    for (let at = 0, turn = 0; at < this.size; turn ^= 1) {
      // What was sent in packets is read once more, for the hash; then each slice ends where sending begins.
      const end = at < this.#at ? Math.min(this.#at, at + SLICE) : Math.min(this.size, at + SLICE);
      const slice = (buffers[turn] as Uint8Array).subarray(0, end - at);
      await readFully(this.file, slice, at);
      hash.update(slice);
      if (at >= this.#at) {
        this.#at = end;
        yield slice;
      }
      at = end;
    }
    this.#sha256 = hash.digest();
  }

  sha256(): Uint8Array {
    if (!this.#sha256) throw new Error('The hash is known when the last slice was taken.');
    return this.#sha256;
  }

  close(): void {
    // Nothing was written: a failure to close loses nothing.
    this.file.close().catch(() => {});
  }

  #take(length: number): Uint8Array {
    const from = this.#at - this.#windowStart;
    this.#at += length;
    return this.#window.subarray(from, from + length);
  }

  async #fill(): Promise<void> {
    const length = Math.min(WINDOW, this.remaining);
    await readFully(this.file, this.#window.subarray(0, length), this.#at);
    this.#windowStart = this.#at;
    this.#windowLength = length;
  }
}
