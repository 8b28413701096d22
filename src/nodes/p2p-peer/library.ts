/** The files a peer shares: what is in its folder, settled and hashed. */
import { createHash } from 'node:crypto';
import { layoutOf } from '../../protocol/pieces/layout';
import type { Folder, NodeContext, ReadableFile, Timer } from '../../runtime/context';
import { HASH_BYTES, hashFile, type PieceHashes, rootHash } from '../engine/piece-hashes';
import { codeOf } from '../shared/error-text';

/** A file is being written until it has not changed for so long; only then is it announced. */
const SETTLE_MS = 300;
/** Hashes are kept here, so that a restart hashes only what has changed. */
const CACHE_FILE = '.p2p-hashes.json';
const MAX_CACHE_BYTES = 256 * 1024 * 1024;
const SAVE_AFTER_MS = 500;
const MD5_BLOCK = 1024 * 1024;

export interface SharedFile {
  readonly name: string;
  readonly size: number;
  readonly modifiedMs: number;
  hashes: PieceHashes | null;
  md5: string | null;
  /** Fires when the file is deleted, renamed or changed: its uploads end. */
  readonly gone: AbortController;
}

export interface LibraryListener {
  /** New, changed, or hashed by now: announce it (again). */
  added(file: SharedFile): void;
  removed(name: string): void;
}

interface CachedHashes {
  size: number;
  modifiedMs: number;
  root: string;
  hashes: string;
  md5?: string;
}

export class Library {
  readonly #context: NodeContext;
  readonly #folder: Folder;
  readonly #listener: LibraryListener;
  readonly #files = new Map<string, SharedFile>();
  readonly #cache = new Map<string, CachedHashes>();
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
  #save: Timer | null = null;
  #scanning: Promise<void> | null = null;
  #scanAgain = false;

  constructor(context: NodeContext, folder: Folder, listener: LibraryListener) {
    this.#context = context;
    this.#folder = folder;
    this.#listener = listener;
  }

  async start(): Promise<void> {
    await this.#readCache();
    await this.scan();
    this.#watch = this.#folder.watch(() => void this.scan());
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#watch?.cancel();
    this.#rescan?.cancel();
    this.#save?.cancel();
    if (this.#save) await this.#writeCache();
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

  /** The md5 of a file, which peers of the seed want to know. */
  async md5Of(file: SharedFile): Promise<string> {
    if (file.md5) return file.md5;
    const hash = createHash('md5');
    const open = await this.open(file);
    try {
      const block = Buffer.allocUnsafe(Math.min(MD5_BLOCK, Math.max(1, open.size)));
      for (let at = 0; at < open.size; ) {
        file.gone.signal.throwIfAborted();
        const read = await open.read(block, at);
        if (read === 0) break;
        hash.update(block.subarray(0, read));
        at += read;
      }
    } finally {
      await open.close();
    }
    file.md5 = hash.digest('hex');
    this.#remember(file);
    return file.md5;
  }

  /** A download that has just been finished is shared without being hashed again. */
  adopt(name: string, stat: { size: number; modifiedMs: number }, hashes: PieceHashes): void {
    this.#cache.set(name, {
      ...stat,
      root: hashes.root.toString('hex'),
      hashes: hashes.hashes.toString('base64'),
    });
    this.#take(name, stat.size, stat.modifiedMs);
    this.#saveSoon();
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
    const file: SharedFile = { name, size, modifiedMs, hashes: null, md5: null, gone: new AbortController() };
    this.#files.get(name)?.gone.abort();
    this.#files.set(name, file);
    this.#applyCached(file);
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
      this.#remember(file);
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

  #settleWaiting(file: SharedFile, outcome: PieceHashes | Error): void {
    const waiting = this.#waiting.get(file) ?? [];
    this.#waiting.delete(file);
    for (const { resolve, reject } of waiting) {
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    }
  }

  #applyCached(file: SharedFile): void {
    const cached = this.#cache.get(file.name);
    if (!cached || cached.size !== file.size || cached.modifiedMs !== file.modifiedMs) return;
    const layout = layoutOf(file.size);
    const hashes = Buffer.from(cached.hashes, 'base64');
    if (hashes.length !== layout.count * HASH_BYTES) return;
    const root = rootHash(layout, hashes);
    // Guards against a damaged cache, not against the owner of the folder.
    if (root.toString('hex') !== cached.root) return;
    file.hashes = { layout, hashes, root };
    file.md5 = cached.md5 ?? null;
  }

  #remember(file: SharedFile): void {
    if (!file.hashes) return;
    const { size, modifiedMs, hashes, md5 } = file;
    this.#cache.set(file.name, {
      size,
      modifiedMs,
      root: hashes.root.toString('hex'),
      hashes: hashes.hashes.toString('base64'),
      ...(md5 ? { md5 } : {}),
    });
    this.#saveSoon();
  }

  #saveSoon(): void {
    if (this.#stopped.signal.aborted) return;
    this.#save ??= this.#context.clock.after(SAVE_AFTER_MS, () => {
      this.#save = null;
      void this.#writeCache();
    });
  }

  async #readCache(): Promise<void> {
    try {
      const file = await this.#folder.open(CACHE_FILE);
      const bytes = Buffer.alloc(Math.min(file.size, MAX_CACHE_BYTES));
      await file.read(bytes, 0);
      await file.close();
      for (const [name, cached] of Object.entries(JSON.parse(bytes.toString()) as Record<string, unknown>)) {
        if (isCached(cached)) this.#cache.set(name, cached);
      }
    } catch (error) {
      if (codeOf(error) !== 'ENOENT')
        this.#context.log.info('The kept hashes cannot be read; the files are hashed again.');
    }
  }

  async #writeCache(): Promise<void> {
    const kept = [...this.#cache].filter(([name]) => this.#files.has(name));
    try {
      const file = await this.#folder.create(`${CACHE_FILE}~`, { truncate: true });
      await file.write(Buffer.from(JSON.stringify(Object.fromEntries(kept))), 0);
      await file.close();
      await this.#folder.rename(`${CACHE_FILE}~`, CACHE_FILE);
    } catch (error) {
      this.#context.log.warn(`The hashes cannot be kept: ${(error as Error).message}`);
    }
  }
}

function isCached(value: unknown): value is CachedHashes {
  const { size, modifiedMs, root, hashes, md5 } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof size === 'number' &&
    typeof modifiedMs === 'number' &&
    typeof root === 'string' &&
    typeof hashes === 'string' &&
    (md5 === undefined || typeof md5 === 'string')
  );
}
