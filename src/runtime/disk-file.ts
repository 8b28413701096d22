/** Open files on the real disk. */
import { readSync, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Digested, FilePlace, FileStat, ReadableFile, WritableFile } from './context';
import { Patience } from './patience';

/**
 * Bytes of one system call when a large block is written at once. Linux takes pages for the cache as large as the
 * call, and on virtual machines large free ones have been given back to the host: four times the cost of small ones.
 */
export const WRITE_SLICE = 32 * 1024;

export class DiskReadableFile implements ReadableFile {
  readonly size: number;
  readonly modifiedMs: number;
  readonly changedMs: number;
  /** The first read tells where the file is. */
  readonly #patience = new Patience(2, 8, 1);

  constructor(
    readonly handle: FileHandle,
    info: { size: number; mtimeMs: number; ctimeMs: number },
  ) {
    this.size = info.size;
    this.modifiedMs = info.mtimeMs;
    this.changedMs = info.ctimeMs;
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    const began = performance.now();
    if (this.#patience.mayHoldUp) {
      const length = readSync(this.handle.fd, into, 0, into.length, position);
      this.#patience.heldUp(performance.now() - began);
      return length;
    }
    const length = await readAt(this.handle, into, position);
    this.#patience.waited(performance.now() - began);
    return length;
  }

  async stat(): Promise<FileStat> {
    const { size, mtimeMs, ctimeMs } = await this.handle.stat();
    return { size, modifiedMs: mtimeMs, changedMs: ctimeMs };
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

export class DiskWritableFile implements WritableFile {
  #writing: Promise<void> = Promise.resolve();
  readonly #patience = new Patience(4, 8, 0);

  constructor(
    readonly handle: FileHandle,
    public size: number,
  ) {}

  /** One at a time: the system lets only one write into a file, and threads that wait for that burn their core. */
  write(bytes: Uint8Array, position: number): Promise<void> {
    const written = this.#writing.then(() => this.#write(bytes, position));
    this.#writing = written.catch(() => {});
    return written;
  }

  writeDigested<Result extends Digested>(
    bytes: Uint8Array,
    position: number,
    digest: (bytes: Uint8Array, place: FilePlace) => Promise<Result>,
  ): Promise<Result> {
    const before = this.#writing;
    const written = digest(bytes, { fd: this.handle.fd, position }).then(async (result) => {
      if (result.written) this.size = Math.max(this.size, position + result.bytes.length);
      else {
        await before;
        await this.#write(result.bytes, position);
      }
      return result;
    });
    // The file is not closed before, or its descriptor could be another's.
    this.#writing = Promise.allSettled([before, written]).then(() => {});
    return written;
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    let done = this.#patience.mayHoldUp ? this.#writeNow(bytes, position) : 0;
    while (done < bytes.length) {
      const began = performance.now();
      const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, position + done);
      this.#patience.waited(performance.now() - began);
      done += bytesWritten;
    }
    this.size = Math.max(this.size, position + bytes.length);
  }

  /** Writes until all is written, or the system is no longer quick. @returns how many bytes were written */
  #writeNow(bytes: Uint8Array, position: number): number {
    const began = performance.now();
    let done = 0;
    let tookMs = 0;
    while (done < bytes.length && tookMs <= this.#patience.cachedMs) {
      const length = Math.min(WRITE_SLICE, bytes.length - done);
      done += writeSync(this.handle.fd, bytes, done, length, position + done);
      tookMs = performance.now() - began;
    }
    this.#patience.heldUp(tookMs);
    return done;
  }

  read(into: Uint8Array, position: number): Promise<number> {
    return readAt(this.handle, into, position);
  }

  async truncate(size: number): Promise<void> {
    await this.handle.truncate(size);
    this.size = size;
  }

  sync(): Promise<void> {
    return this.handle.datasync();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.handle.close();
  }
}

async function readAt(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
  const { bytesRead } = await handle.read(into, 0, into.length, position);
  return bytesRead;
}
