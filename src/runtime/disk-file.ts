/** Open files on the real disk. */
import { readSync, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { FileStat, ReadableFile, WritableFile } from './context';

/**
 * Bytes of one system call when a large block is written at once. Linux takes pages for the cache as large as the
 * call, and on virtual machines large free ones have been given back to the host: four times the cost of small ones.
 */
const SLICE = 32 * 1024;

/**
 * Whether a call may be made on this thread. What the system's cache gives or takes is copied here and sent by the
 * same core, for a third less than the way through another thread. A disk must not hold everything up: after a slow
 * call, others do the waiting until so many calls were quick.
 */
class Patience {
  #left: number;

  constructor(
    /** A call that took no longer, in milliseconds, met the system's cache, not the disk. */
    readonly cachedMs: number,
    /** Quick calls that are left to other threads after a slow one. */
    readonly calls: number,
    first: number,
  ) {
    this.#left = first;
  }

  get mayHoldUp(): boolean {
    return this.#left === 0;
  }

  /** Told of each call, with how long it took. */
  took(ms: number): void {
    if (ms > this.cachedMs) this.#left = this.calls;
    else if (this.#left > 0) this.#left--;
  }
}

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
    const length = this.#patience.mayHoldUp
      ? readSync(this.handle.fd, into, 0, into.length, position)
      : await readAt(this.handle, into, position);
    this.#patience.took(performance.now() - began);
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
  readonly #patience = new Patience(4, 32, 0);

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

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    const began = performance.now();
    let done = this.#patience.mayHoldUp ? this.#writeNow(bytes, position, began) : 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
    this.#patience.took(performance.now() - began);
    this.size = Math.max(this.size, position + bytes.length);
  }

  /** Writes until all is written, or the system is no longer quick. @returns how many bytes were written */
  #writeNow(bytes: Uint8Array, position: number, began: number): number {
    let done = 0;
    while (done < bytes.length && performance.now() - began <= this.#patience.cachedMs) {
      const length = Math.min(SLICE, bytes.length - done);
      done += writeSync(this.handle.fd, bytes, done, length, position + done);
    }
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
