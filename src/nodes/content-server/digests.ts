import { createHash } from 'node:crypto';
import type { DigestAnswer } from '../../protocol/micro-cdn-extensions';
import type { Folder } from '../../runtime/context';
import { isSame } from './hot-cache';

const CHUNK = 512 * 1024;
/** Digests of whole files that are remembered. */
const MAX_REMEMBERED = 10_000;

interface Remembered {
  size: number;
  modifiedMs: number;
  sha256: string;
}

/**
 * SHA-256 of files and of their beginnings, for clients that verify what they got. One at a time: a second of
 * a core for each GiB, which must not be taken from the transfers by the dozen.
 */
export class Digests {
  readonly #folder: Folder;
  readonly #remembered = new Map<string, Remembered>();
  readonly #underWay = new Map<string, Promise<Omit<DigestAnswer, 'type'>>>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  /**
   * Of the first `length` bytes, or of the whole file when null.
   * @throws an error of code 'ENOENT', 'RANGE' (the file is shorter) or 'CHANGED' (while it was read)
   */
  of(name: string, length: number | null): Promise<Omit<DigestAnswer, 'type'>> {
    const key = `${length ?? '*'} ${name}`;
    const underWay = this.#underWay.get(key);
    if (underWay) return underWay;
    const digest = this.#queue
      .then(() => this.#compute(name, length))
      .finally(() => this.#underWay.delete(key));
    this.#queue = digest.catch(() => {});
    this.#underWay.set(key, digest);
    return digest;
  }

  async #compute(name: string, wanted: number | null): Promise<Omit<DigestAnswer, 'type'>> {
    const file = await this.#folder.open(name);
    try {
      const { size, modifiedMs } = file;
      const length = wanted ?? size;
      if (length > size) throw Object.assign(new Error('The file is shorter.'), { code: 'RANGE' });
      const known = this.#remembered.get(name);
      if (length === size && known && isSame(known, file)) return { length, size, sha256: known.sha256 };
      const hash = createHash('sha256');
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(1, length)));
      for (let at = 0; at < length; ) {
        const count = await file.read(buffer.subarray(0, Math.min(buffer.length, length - at)), at);
        if (count === 0) throw changed();
        hash.update(buffer.subarray(0, count));
        at += count;
      }
      if (!isSame({ size, modifiedMs }, await file.stat())) throw changed();
      const sha256 = hash.digest('hex');
      if (length === size) this.#remember(name, { size, modifiedMs, sha256 });
      return { length, size, sha256 };
    } finally {
      await file.close();
    }
  }

  #remember(name: string, digest: Remembered): void {
    this.#remembered.delete(name);
    this.#remembered.set(name, digest);
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > MAX_REMEMBERED && oldest !== undefined) this.#remembered.delete(oldest);
  }
}

function changed(): Error {
  return Object.assign(new Error('The file changed while it was read.'), { code: 'CHANGED' });
}
