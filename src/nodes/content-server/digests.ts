import { createHash } from 'node:crypto';
import type { DigestAnswer } from '../../protocol/micro-cdn-extensions';
import type { FileStat, Folder } from '../../runtime/context';
import type { KnownDigest } from './digest-record';
import { isSame } from './hot-cache';

const CHUNK = 512 * 1024;

type Digest = Omit<DigestAnswer, 'type'>;

/** Who wants a digest: a client that waits for it, or the keeper, which rests in between. */
interface Asker {
  queue: Promise<unknown>;
  rest(): Promise<void>;
}

/**
 * SHA-256 of files and of their beginnings, and what is known of them from before. For clients one at a time, and
 * one in the background: a second of a core for each GiB must not be taken from the transfers by the dozen.
 */
export class Digests {
  readonly #folder: Folder;
  /** Of whole files; no more than the folder has. */
  #known = new Map<string, KnownDigest>();
  readonly #underWay = new Map<string, Promise<Digest>>();
  readonly #clients: Asker = { queue: Promise.resolve(), rest: async () => {} };
  readonly #keeper: Asker;

  /** @param rest awaited between two parts of what is hashed in the background */
  constructor(folder: Folder, rest: () => Promise<void>) {
    this.#folder = folder;
    this.#keeper = { queue: Promise.resolve(), rest };
  }

  /** Everything that is known, by name. */
  get known(): ReadonlyMap<string, KnownDigest> {
    return this.#known;
  }

  /** Takes what an earlier run knew; what is known better stays. */
  recall(earlier: ReadonlyMap<string, KnownDigest>): void {
    this.#known = new Map([...earlier, ...this.#known]);
  }

  /** The digest of a file that looks so, if it was hashed before. */
  remembered(name: string, stat: FileStat): string | undefined {
    const known = this.#known.get(name);
    return known && isUntouched(known, stat) ? known.sha256 : undefined;
  }

  forget(name: string): boolean {
    return this.#known.delete(name);
  }

  /**
   * Of the first `length` bytes, or of the whole file when null.
   * @throws an error of code 'ENOENT', 'RANGE' (the file is shorter) or 'CHANGED' (while it was read)
   */
  of(name: string, length: number | null): Promise<Digest> {
    return this.#digest(name, length, this.#clients);
  }

  /** Of a whole file, without hurry. */
  inBackground(name: string): Promise<Digest> {
    return this.#digest(name, null, this.#keeper);
  }

  #digest(name: string, length: number | null, asker: Asker): Promise<Digest> {
    const key = `${length ?? '*'} ${name}`;
    const underWay = this.#underWay.get(key);
    if (underWay) return underWay;
    const digest = asker.queue
      .then(() => this.#compute(name, length, asker))
      .finally(() => this.#underWay.delete(key));
    asker.queue = digest.catch(() => {});
    this.#underWay.set(key, digest);
    return digest;
  }

  async #compute(name: string, wanted: number | null, asker: Asker): Promise<Digest> {
    const file = await this.#folder.open(name);
    try {
      const { size } = file;
      const length = wanted ?? size;
      if (length > size) throw Object.assign(new Error('The file is shorter.'), { code: 'RANGE' });
      const remembered = length === size ? this.remembered(name, file) : undefined;
      if (remembered !== undefined) return { length, size, sha256: remembered };
      const hash = createHash('sha256');
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(1, length)));
      for (let at = 0; at < length; ) {
        const count = await file.read(buffer.subarray(0, Math.min(buffer.length, length - at)), at);
        if (count === 0) throw changed();
        hash.update(buffer.subarray(0, count));
        at += count;
        await asker.rest();
      }
      if (!isSame(file, await file.stat())) throw changed();
      const sha256 = hash.digest('hex');
      if (length === size) this.#remember(name, file, sha256);
      return { length, size, sha256 };
    } finally {
      await file.close();
    }
  }

  #remember(name: string, { size, modifiedMs, changedMs }: FileStat, sha256: string): void {
    this.#known.set(name, {
      ...{ size, modifiedMs, sha256 },
      ...(changedMs === undefined ? {} : { changedMs }),
    });
  }
}

/** Stricter than what a copy in memory needs: a wrong digest would condemn a right file for good. */
function isUntouched(a: FileStat, b: FileStat): boolean {
  return isSame(a, b) && a.changedMs === b.changedMs;
}

function changed(): Error {
  return Object.assign(new Error('The file changed while it was read.'), { code: 'CHANGED' });
}
