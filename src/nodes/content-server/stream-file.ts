import type { Clock, Connection, ReadableFile } from '../../runtime/context';
import type { BufferPool } from './buffer-pool';
import { isSame } from './hot-cache';

/** A read that took no longer came from the system's cache, not from a disk. */
const CACHED_MS = 2;
/** After one that did take longer, so many are left to other threads. */
const PATIENCE = 8;

/**
 * Sends `header`, and the file from `offset` to the size it had when it was opened: exactly so many bytes, or
 * an error. While one buffer is on its way the next is filled; sending waits for the client, so that a slow
 * one costs two buffers and no more.
 *
 * @throws an error of code 'CHANGED' when the file is not the same any more, 'EPIPE' … when the client is gone
 */
export async function streamFile(
  connection: Connection,
  file: ReadableFile,
  { header, offset }: { header: string; offset: number },
  { pool, clock }: { pool: BufferPool; clock: Clock },
): Promise<void> {
  const reader = new Reader(file, clock);
  const buffers = [pool.take(), pool.take()] as const;
  const headerLength = buffers[0].write(header, 'latin1');
  let reading = reader.fill(buffers[0], headerLength, offset);
  try {
    let at = offset - headerLength;
    for (let turn = 0; ; turn++) {
      const filled = await reading;
      at += filled;
      const last = at === file.size;
      // Before the last bytes leave: what was written to meanwhile would arrive as a mixture of old and new.
      if (last && !isSame(file, await file.stat())) throw fileChanged();
      const sending = connection.send((buffers[turn % 2] as Buffer).subarray(0, filled));
      if (last) return await sending;
      reading = reader.fill(buffers[(turn + 1) % 2] as Buffer, 0, at);
      // Both are awaited, also when one fails: a buffer goes back only when nobody uses it any more.
      await Promise.all([sending, reading.catch(() => {})]);
    }
  } finally {
    await reading.catch(() => {});
    for (const buffer of buffers) pool.give(buffer);
  }
}

/**
 * Reads on this thread as long as that is quick: bytes that are in the system's cache are copied and sent by
 * the same core, for a third less than through another thread. A disk must not hold everything up, so after
 * the first slow read others do the waiting.
 */
class Reader {
  readonly #file: ReadableFile;
  readonly #clock: Clock;
  /** So many reads are left to others before this thread tries again. */
  #patience = 1;

  constructor(file: ReadableFile, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
  }

  /** Reads from `position` until the buffer is full or the file at its end; resolves to the filled length. */
  async fill(buffer: Buffer, from: number, position: number): Promise<number> {
    const end = Math.min(buffer.length, from + this.#file.size - position);
    for (let filled = from; filled < end; ) {
      const part = buffer.subarray(filled, end);
      const at = position + filled - from;
      const count = this.#readNow(part, at) ?? (await this.#readLater(part, at));
      if (count === 0) throw fileChanged();
      filled += count;
    }
    return end;
  }

  #readNow(into: Uint8Array, position: number): number | null {
    if (this.#patience > 0) return null;
    const began = this.#clock.now();
    const count = this.#file.readBlocking(into, position);
    if (count === null || this.#clock.now() - began > CACHED_MS) this.#patience = PATIENCE;
    return count;
  }

  async #readLater(into: Uint8Array, position: number): Promise<number> {
    const began = this.#clock.now();
    const count = await this.#file.read(into, position);
    if (this.#clock.now() - began <= CACHED_MS) this.#patience--;
    return count;
  }
}

function fileChanged(): Error {
  return Object.assign(new Error('The file changed.'), { code: 'CHANGED' });
}
