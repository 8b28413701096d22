/** SHA-256 of each piece, and the root hash that stands for all of them. */
import { createHash } from 'node:crypto';
import { layoutOf, type PieceLayout, pieceLength, pieceOffset } from '../../protocol/pieces/layout';
import type { Hashing, ReadableFile } from '../../runtime/context';
import { readFully } from '../shared/whole-file';

export const HASH_BYTES = 32;
/** Pieces that are read and hashed at a time: while one is hashed the next is read. */
const AT_ONCE = 2;

export interface PieceHashes {
  layout: PieceLayout;
  /** 32 bytes for each piece, one after the other. */
  hashes: Buffer;
  root: Buffer;
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
 * Hashes a file piece by piece.
 * @throws an error of code 'CHANGED' when the file is shorter than it was said to be
 */
export async function hashFile(
  file: ReadableFile,
  hashing: Hashing,
  signal?: AbortSignal,
): Promise<PieceHashes> {
  const layout = layoutOf(file.size);
  const hashes = Buffer.alloc(layout.count * HASH_BYTES);
  const hasher = hashing.hasher('sha256', file.size);
  let next = 0;
  const hashPieces = async (): Promise<void> => {
    let buffer: Buffer = Buffer.allocUnsafeSlow(Math.min(layout.pieceSize, file.size));
    for (let piece = next++; piece < layout.count; piece = next++) {
      signal?.throwIfAborted();
      const block = buffer.subarray(0, pieceLength(layout, piece));
      await readFully(file, block, pieceOffset(layout, piece));
      const { bytes, hex } = await hasher.hash(block);
      hashes.write(hex, piece * HASH_BYTES, 'hex');
      buffer = wholeOf(bytes);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, hashPieces));
  } finally {
    hasher.close();
  }
  return { layout, hashes, root: rootHash(layout, hashes) };
}

/** All of the memory that a part belongs to. */
export function wholeOf(part: Uint8Array): Buffer {
  return Buffer.from(part.buffer);
}
