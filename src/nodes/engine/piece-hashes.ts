/** SHA-256 of each piece, and the root hash that stands for all of them. */
import { createHash, webcrypto } from 'node:crypto';
import { layoutOf, type PieceLayout, pieceLength, pieceOffset } from '../../protocol/pieces/layout';
import type { ReadableFile } from '../../runtime/context';

export const HASH_BYTES = 32;

export interface PieceHashes {
  layout: PieceLayout;
  /** 32 bytes for each piece, one after the other. */
  hashes: Buffer;
  root: Buffer;
}

/**
 * SHA-256, computed by the thread pool, so that receiving and sending go on meanwhile: it costs more than both. The
 * bytes are copied before this returns, so the buffer may be used again at once.
 */
export async function sha256(bytes: Uint8Array): Promise<Buffer> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}

/** SHA-256 over the file's size, the size of its pieces (both as u64) and the hashes of its pieces. */
export function rootHash({ size, pieceSize }: PieceLayout, hashes: Uint8Array): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(BigInt(size), 0);
  head.writeBigUInt64BE(BigInt(pieceSize), 8);
  return createHash('sha256').update(head).update(hashes).digest();
}

export function hashOf(hashes: Uint8Array, piece: number): Uint8Array {
  return hashes.subarray(piece * HASH_BYTES, (piece + 1) * HASH_BYTES);
}

/**
 * Hashes a file piece by piece, off the main thread.
 * @throws an error of code 'CHANGED' when the file is shorter than it was said to be
 */
export async function hashFile(file: ReadableFile, signal?: AbortSignal): Promise<PieceHashes> {
  const layout = layoutOf(file.size);
  const hashes = Buffer.alloc(layout.count * HASH_BYTES);
  const buffer = Buffer.allocUnsafe(Math.min(layout.pieceSize, file.size));
  // The next piece is read while this one is hashed.
  let hashing: Promise<unknown> = Promise.resolve();
  for (let piece = 0; piece < layout.count; piece++) {
    signal?.throwIfAborted();
    const bytes = buffer.subarray(0, pieceLength(layout, piece));
    await readFully(file, bytes, pieceOffset(layout, piece));
    await hashing;
    hashing = sha256(bytes).then((hash) => hash.copy(hashes, piece * HASH_BYTES));
  }
  await hashing;
  return { layout, hashes, root: rootHash(layout, hashes) };
}

/** Fills `into` from `position`. @throws an error of code 'CHANGED' when the file ends before */
export async function readFully(
  file: Pick<ReadableFile, 'read'>,
  into: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const read = await file.read(into.subarray(done), position + done);
    if (read === 0) throw Object.assign(new Error('The file has become shorter.'), { code: 'CHANGED' });
    done += read;
  }
}
