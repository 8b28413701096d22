/** The files a peer shares: what is in its folder, settled and hashed. */
import type { Folder, NodeContext, ReadableFile, Timer } from '../../runtime/context';
import { hashFile, type PieceHashes, wholeOf } from '../engine/piece-hashes';
import { codeOf } from '../shared/error-text';
import { readFully } from '../shared/whole-file';
import { HashCache, type WholeDigests } from './hash-cache';

/** A file is being written until it has not changed for so long; only then is it announced. */
const SETTLE_MS = 300;
const DIGEST_BLOCK = 1024 * 1024;

export interface SharedFile {
  readonly name: string;
  readonly size: number;
  readonly modifiedMs: number;
  hashes: PieceHashes | null;
  /** Of the whole file, those that somebody has asked for. */
  digests: WholeDigests;
  readonly digesting: Partial<Record<keyof WholeDigests, Promise<string>>>;
  /** Fires when the file is deleted, renamed or changed: its uploads end. */
  readonly gone: AbortController;
}

export interface LibraryListener {
  /** New, changed, or hashed by now: announce it (again). */
  added(file: SharedFile): void;
  removed(name: string): void;
}

export class Library {
  readonly #context: NodeContext;
  readonly #folder: Folder;
  readonly #listener: LibraryListener;
  readonly #files = new Map<string, SharedFile>();
  readonly #cache: HashCache;
  readonly #stopped = new AbortController();
  /** Files to hash; who is asked for comes first. */
  #queue: SharedFile[] = [];
  #hashing: SharedFile | null = null;
  readonly #waiting = new Map<
    SharedFile,
    { resolve: (hashes: PieceHashes) => void; reject: (error: Error) => void }[]
  >();
  #watch: Timer | null = null;
  #rescan: Timer | null = null;
  #scanning: Promise<void> | null = null;
  #scanAgain = false;

  constructor(context: NodeContext, folder: Folder, listener: LibraryListener) {
    this.#context = context;
    this.#folder = folder;
    this.#listener = listener;
    this.#cache = new HashCache(context, folder, (name) => this.#files.has(name));
  }

  async start(): Promise<void> {
    await this.#cache.read();
    await this.scan();
    this.#watch = this.#folder.watch(() => void this.scan());
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#watch?.cancel();
    this.#rescan?.cancel();
    await this.#cache.close();
    for (const file of this.#files.values()) file.gone.abort();
  }

  get files(): ReadonlyMap<string, SharedFile> {
    return this.#files;
  }

  get hashing(): number {
    return this.#queue.length + (this.#hashing ? 1 : 0);
  }

  open(file: SharedFile): Promise<ReadableFile> {
    return this.#folder.open(file.name);
  }

  /** Removes a file of the folder; its uploads end, and it is out of the index at once. */
  async delete(name: string): Promise<void> {
    await this.#folder.remove(name);
    this.#forget(name);
  }

  /** The piece hashes of a file, computed now if they are not known yet. */
  hashesOf(file: SharedFile): Promise<PieceHashes> {
    if (file.hashes) return Promise.resolve(file.hashes);
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(file) ?? [];
      waiting.push({ resolve, reject });
      this.#waiting.set(file, waiting);
      this.#queue = [file, ...this.#queue.filter((other) => other !== file)];
      if (this.#hashing === file) this.#queue.shift();
      void this.#hashNext();
    });
  }

  /** A digest of the whole file, hex; the first to ask waits until the file has been read. */
  digestOf(file: SharedFile, algorithm: keyof WholeDigests): Promise<string> {
    const known = file.digests[algorithm];
    if (known) return Promise.resolve(known);
    file.digesting[algorithm] ??= this.#digest(file, algorithm).finally(() => {
      delete file.digesting[algorithm];
    });
    return file.digesting[algorithm];
  }

  /** A download that has just been finished is shared without being hashed again. */
  adopt(name: string, stat: { size: number; modifiedMs: number }, hashes: PieceHashes): void {
    this.#cache.remember(name, stat, hashes);
    this.#take(name, stat.size, stat.modifiedMs);
  }

  /** Looks at the folder. One look at a time; a change meanwhile makes it look again. */
  scan(): Promise<void> {
    this.#scanAgain = true;
    this.#scanning ??= this.#scanWhileNeeded().finally(() => {
      this.#scanning = null;
    });
    return this.#scanning;
  }

  async #scanWhileNeeded(): Promise<void> {
    while (this.#scanAgain && !this.#stopped.signal.aborted) {
      this.#scanAgain = false;
      const entries = await this.#folder.list();
      if (this.#stopped.signal.aborted) return;
      this.#compare(entries);
    }
  }

  #compare(entries: readonly { name: string; size: number; modifiedMs: number }[]): void {
    const now = this.#context.clock.wallTime();
    const present = new Set<string>();
    let unsettled = false;
    for (const { name, size, modifiedMs } of entries) {
      present.add(name);
      const known = this.#files.get(name);
      if (known && known.size === size && known.modifiedMs === modifiedMs) continue;
      if (known) this.#forget(name);
      // A time stamp of the future says nothing about how long ago the file was written.
      const age = now - modifiedMs;
      if (age >= 0 && age < SETTLE_MS) unsettled = true;
      else this.#take(name, size, modifiedMs);
    }
    for (const name of [...this.#files.keys()]) if (!present.has(name)) this.#forget(name);
    if (unsettled) {
      this.#rescan?.cancel();
      this.#rescan = this.#context.clock.after(SETTLE_MS, () => void this.scan());
    }
  }

  #take(name: string, size: number, modifiedMs: number): void {
    const known = this.#cache.find(name, { size, modifiedMs });
    const file: SharedFile = {
      name,
      size,
      modifiedMs,
      hashes: known?.hashes ?? null,
      digests: known?.digests ?? {},
      digesting: {},
      gone: new AbortController(),
    };
    this.#files.get(name)?.gone.abort();
    this.#files.set(name, file);
    if (!file.hashes) {
      this.#queue.push(file);
      void this.#hashNext();
    }
    this.#listener.added(file);
  }

  #forget(name: string): void {
    const file = this.#files.get(name);
    if (!file) return;
    this.#files.delete(name);
    file.gone.abort();
    this.#queue = this.#queue.filter((other) => other !== file);
    this.#settleWaiting(file, new Error(`${name} is no longer there.`));
    this.#listener.removed(name);
  }

  async #hashNext(): Promise<void> {
    if (this.#hashing) return;
    const file = this.#queue.shift();
    if (!file || this.#stopped.signal.aborted) return;
    this.#hashing = file;
    try {
      const open = await this.open(file);
      try {
        file.hashes = await hashFile(open, this.#context.hashing, file.gone.signal);
        const after = await open.stat();
        if (after.size !== file.size || after.modifiedMs !== file.modifiedMs) {
          file.hashes = null;
          throw Object.assign(new Error('The file was changed while it was hashed.'), { code: 'CHANGED' });
        }
      } finally {
        await open.close();
      }
      this.#cache.remember(file.name, file, file.hashes, file.digests);
      this.#settleWaiting(file, file.hashes);
      if (this.#files.get(file.name) === file) this.#listener.added(file);
    } catch (error) {
      this.#settleWaiting(file, error as Error);
      const expected = file.gone.signal.aborted || codeOf(error) === 'CHANGED' || codeOf(error) === 'ENOENT';
      if (!expected) this.#context.log.warn(`${file.name} cannot be hashed: ${(error as Error).message}`);
    } finally {
      this.#hashing = null;
    }
    void this.#hashNext();
  }

  async #digest(file: SharedFile, algorithm: keyof WholeDigests): Promise<string> {
    const open = await this.open(file);
    const hasher = this.#context.hashing.hasher(algorithm, file.size);
    try {
      let block: Buffer = Buffer.allocUnsafeSlow(Math.min(DIGEST_BLOCK, file.size));
      for (let at = 0; at < file.size; at += block.length) {
        file.gone.signal.throwIfAborted();
        const part = block.subarray(0, Math.min(block.length, file.size - at));
        await readFully(open, part, at);
        block = wholeOf((await hasher.update(part)).bytes);
      }
      const digest = await hasher.digest();
      file.digests = { ...file.digests, [algorithm]: digest };
      if (file.hashes) this.#cache.remember(file.name, file, file.hashes, file.digests);
      return digest;
    } finally {
      hasher.close();
      await open.close();
    }
  }

  #settleWaiting(file: SharedFile, outcome: PieceHashes | Error): void {
    const waiting = this.#waiting.get(file) ?? [];
    this.#waiting.delete(file);
    for (const { resolve, reject } of waiting) {
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    }
  }
}
