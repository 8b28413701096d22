/** How a download is known to be the right file. */
import { type PieceLayout, pieceLength, pieceOffset } from '../../protocol/pieces/layout';
import type { PieceMap } from '../../protocol/pieces/piece-map';
import type { Digested, FilePlace, HashAlgorithm, Hasher, WritableFile } from '../../runtime/context';
import { readFully } from '../shared/whole-file';
import { wholeOf } from './piece-hashes';

export type Verification =
  /** Every piece has its SHA-256: a wrong one is found at once, with its sender. */
  | { kind: 'pieces'; hashes: Uint8Array; root: Uint8Array }
  /** Only the whole file has a digest: it is checked on the way, and a mismatch costs the file. */
  | { kind: 'digest'; algorithm: HashAlgorithm; hex: string }
  /** Nobody said what the file hashes to; its SHA-256 is computed all the same, to be shown. */
  | { kind: 'size' };

/** What was verified, for people. */
export function verifiedWords(verification: Verification): string {
  switch (verification.kind) {
    case 'pieces':
      return 'size and every piece (SHA-256)';
    case 'digest':
      return `size and ${verification.algorithm}`;
    case 'size':
      return 'size';
  }
}

/** Pieces further ahead of the digest than this are read back later instead of being kept in memory. */
const MAX_AHEAD = 32 * 1024 * 1024;

interface Held {
  bytes: Uint8Array;
  resolve: (bytes: Uint8Array) => void;
  reject: (error: unknown) => void;
}

/**
 * The digest of a file whose pieces are written in any order: those that come a little early wait in memory, the
 * rest is read back from the disk (in practice from the system's cache) when its turn comes.
 */
export class OrderedDigest {
  readonly #hasher: Hasher;
  readonly #layout: PieceLayout;
  readonly #written: PieceMap;
  readonly #file: Pick<WritableFile, 'read'>;
  /** Pieces that were written and may be hashed from memory. */
  readonly #held = new Map<number, Held>();
  /** The first piece that has not been given to the hasher. */
  #next = 0;
  #hashing: Promise<void> | undefined;
  #stopped = false;
  #failure: Error | undefined;

  /** @param hasher closed by who made it. @param written pieces that are in the file; it grows before `add` is called */
  constructor(hasher: Hasher, layout: PieceLayout, written: PieceMap, file: Pick<WritableFile, 'read'>) {
    this.#hasher = hasher;
    this.#layout = layout;
    this.#written = written;
    this.#file = file;
    this.#goOn();
  }

  /** True when a piece that comes before this one has not been written. */
  hasGapBefore(piece: number): boolean {
    for (let before = this.#next; before < piece; before++) if (!this.#written.has(before)) return true;
    return false;
  }

  /** Whether it is this piece's turn: then `takeNext` may have it before it is written. */
  isNext(piece: number): boolean {
    return piece === this.#next && !this.#hashing && !this.#stopped;
  }

  /** Takes the bytes of the piece whose turn it is. @param place where they are to be written */
  takeNext(bytes: Uint8Array, place?: FilePlace): Promise<Digested> {
    this.#next++;
    const digested = this.#hasher.update(bytes, place);
    this.#goOn();
    return digested;
  }

  /**
   * A piece has been written. Resolves to its bytes when they are not needed here any more.
   * @throws when it cannot be hashed; `finish` will say so again
   */
  add(piece: number, bytes: Uint8Array): Promise<Uint8Array> {
    const ahead = (piece - this.#next) * this.#layout.pieceSize;
    const hashed = new Promise<Uint8Array>((resolve, reject) => {
      if (ahead > MAX_AHEAD) resolve(bytes);
      else this.#held.set(piece, { bytes, resolve, reject });
    });
    this.#goOn();
    return hashed;
  }

  /** The digest in hex, once every piece has been written. @throws when the file cannot be read */
  async finish(): Promise<string> {
    this.#goOn();
    while (this.#hashing) await this.#hashing;
    const digest = await this.#hasher.digest();
    if (this.#failure) throw this.#failure;
    return digest;
  }

  /** Resolves when nothing is read or hashed any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#hashing?.catch(() => {});
  }

  #goOn(): void {
    if (this.#hashing || this.#stopped || !this.#written.has(this.#next)) return;
    const hashing = this.#hashWritten().then(() => {
      this.#hashing = undefined;
      // Something may have been written since it found nothing more.
      this.#goOn();
    });
    // An unreadable file fails in `finish`, where somebody waits for it.
    hashing.catch(() => {});
    this.#hashing = hashing;
  }

  /** Gives the hasher all that is there in order; it has the next block at hand when it is done with one. */
  async #hashWritten(): Promise<void> {
    // While one buffer is hashed the other is read into.
    let spare: Buffer | undefined;
    let hashed: Promise<Buffer> | undefined;
    for (; this.#written.has(this.#next) && !this.#stopped; this.#next++) {
      const held = this.#held.get(this.#next);
      if (held) {
        this.#held.delete(this.#next);
        this.#hasher.update(held.bytes).then(
          ({ bytes }) => held.resolve(bytes),
          (error: Error) => {
            this.#failure ??= error;
            held.reject(error);
          },
        );
        continue;
      }
      const buffer = spare ?? Buffer.allocUnsafeSlow(Math.min(this.#layout.pieceSize, this.#layout.size));
      const bytes = buffer.subarray(0, pieceLength(this.#layout, this.#next));
      await readFully(this.#file, bytes, pieceOffset(this.#layout, this.#next));
      const before = hashed;
      hashed = this.#hasher.update(bytes).then((digested) => wholeOf(digested.bytes));
      spare = await before;
    }
    await hashed;
  }
}
