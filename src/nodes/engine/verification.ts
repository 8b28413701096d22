/** How a download is known to be the right file. */
import { createHash, type Hash, timingSafeEqual } from 'node:crypto';
import { type PieceLayout, pieceLength, pieceOffset } from '../../protocol/pieces/layout';
import type { PieceMap } from '../../protocol/pieces/piece-map';
import type { WritableFile } from '../../runtime/context';
import { hashOf, readFully, sha256 } from './piece-hashes';

export type Verification =
  /** Every piece has its SHA-256: a wrong one is found at once, with its sender. */
  | { kind: 'pieces'; hashes: Uint8Array; root: Uint8Array }
  /** Only the whole file has a digest: it is checked on the way, and a mismatch costs the file. */
  | { kind: 'digest'; algorithm: DigestAlgorithm; hex: string }
  /** Nobody said what the file hashes to; its SHA-256 is computed all the same, to be shown. */
  | { kind: 'size' };

export type DigestAlgorithm = 'sha512' | 'sha256' | 'sha1' | 'md5';

/** Whether the bytes of a piece are right, as far as that can be known from a piece. */
export async function pieceIsRight(
  verification: Verification,
  piece: number,
  bytes: Uint8Array,
): Promise<boolean> {
  if (verification.kind !== 'pieces') return true;
  return timingSafeEqual(await sha256(bytes), hashOf(verification.hashes, piece));
}

/**
 * The digest of a file whose pieces are written in any order: what comes in order is taken from memory, the
 * rest is read back from the disk (in practice from the system's cache) as soon as its turn comes.
 */
export class OrderedDigest {
  readonly #hash: Hash;
  readonly #layout: PieceLayout;
  readonly #written: PieceMap;
  readonly #file: Pick<WritableFile, 'read'>;
  #next = 0;
  #reading: Promise<void> | undefined;

  /** @param written pieces that are in the file; it grows before `wrote` is called */
  constructor(algorithm: DigestAlgorithm, layout: PieceLayout, written: PieceMap, file: WritableFile) {
    this.#hash = createHash(algorithm);
    this.#layout = layout;
    this.#written = written;
    this.#file = file;
    this.#readOn();
  }

  /** A piece is about to be written. If it is the next one, its bytes are hashed before this returns. */
  writing(piece: number, bytes: Uint8Array): void {
    if (this.#reading || piece !== this.#next) return;
    this.#hash.update(bytes);
    this.#next++;
  }

  /** A piece has been written. */
  wrote(): void {
    this.#readOn();
  }

  /** The digest in hex, once every piece has been written. */
  async finish(): Promise<string> {
    this.#readOn();
    await this.#reading;
    return this.#hash.digest('hex');
  }

  #readOn(): void {
    if (this.#reading || !this.#written.has(this.#next)) return;
    const reading = this.#readWritten().finally(() => {
      this.#reading = undefined;
    });
    // An unreadable file fails in `finish`, where somebody waits for it.
    reading.catch(() => {});
    this.#reading = reading;
  }

  async #readWritten(): Promise<void> {
    const buffer = Buffer.allocUnsafe(Math.min(this.#layout.pieceSize, this.#layout.size));
    for (; this.#written.has(this.#next); this.#next++) {
      const bytes = buffer.subarray(0, pieceLength(this.#layout, this.#next));
      await readFully(this.#file, bytes, pieceOffset(this.#layout, this.#next));
      this.#hash.update(bytes);
    }
  }
}
