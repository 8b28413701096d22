import type { Connection, ReadableFile } from '../../runtime/context';
import type { BufferPool } from '../shared/buffer-pool';
import { isSame } from './hot-cache';

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
  pool: BufferPool,
): Promise<void> {
  const buffers = [pool.take(), pool.take()] as const;
  const headerLength = buffers[0].write(header, 'latin1');
  let reading = fill(file, buffers[0], headerLength, offset);
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
      reading = fill(file, buffers[(turn + 1) % 2] as Buffer, 0, at);
      // Both are awaited, also when one fails: a buffer goes back only when nobody uses it any more.
      await Promise.all([sending, reading.catch(() => {})]);
    }
  } finally {
    await reading.catch(() => {});
    for (const buffer of buffers) pool.give(buffer);
  }
}

/** Reads from `position` until the buffer is full or the file at its end; resolves to the filled length. */
async function fill(file: ReadableFile, buffer: Buffer, from: number, position: number): Promise<number> {
  const end = Math.min(buffer.length, from + file.size - position);
  for (let filled = from; filled < end; ) {
    const count = await file.read(buffer.subarray(filled, end), position + filled - from);
    if (count === 0) throw fileChanged();
    filled += count;
  }
  return end;
}

function fileChanged(): Error {
  return Object.assign(new Error('The file changed.'), { code: 'CHANGED' });
}
