import { createHash, type Hash } from 'node:crypto';
import { fileNameProblem } from '../../protocol/file-name';
import { fingerprint, isMemberRecord, type MemberRecord } from '../../protocol/ring-members';
import type {
  Clock,
  Folder,
  Log,
  NodeContext,
  ReadableFile,
  Timer,
  WritableFile,
} from '../../runtime/context';

/** One version of one item. The higher `version` wins, then the higher `by`. */
export interface ItemVersion {
  name: string;
  version: number;
  /** Address of the member where it was put. */
  by: string;
  size: number;
  /** Hex. */
  sha256: string;
}

/** An item as it is on the disk. */
interface StoredItem extends ItemVersion {
  file: string;
  modifiedMs: number;
}

/** What a member remembers of its ring, to find it again after a restart. */
export interface SavedRing {
  /** Names of the circle. */
  rings: string[];
  members: MemberRecord[];
}

export const BUCKETS = 64;
const JOURNAL = '.ring/journal.jsonl';
const RING = '.ring/ring.json';
const MAX_RING_FILE = 4 * 1024 * 1024;
const READ_SIZE = 1024 * 1024;
/** Pause between two looks at the folder, ms, and at least so many times what the last one took. */
const SCAN_PAUSE_MS = 200;
const SCAN_SHARE = 20;

/** Positive when `a` replaces `b`. */
export function compareVersions(
  a: Pick<ItemVersion, 'version' | 'by'>,
  b: Pick<ItemVersion, 'version' | 'by'>,
): number {
  if (a.version !== b.version) return a.version - b.version;
  return a.by < b.by ? -1 : a.by > b.by ? 1 : 0;
}

/**
 * The items of one member: plain files in its folder, and beside them a journal of their versions, one JSON
 * object per line. Files that a person puts there become items.
 */
export class ItemStore {
  readonly #items = new Map<string, StoredItem>();
  readonly #byFile = new Map<string, string>();
  readonly #digests: Uint32Array = new Uint32Array(BUCKETS * 2);
  #journal: WritableFile | undefined;
  /** One change at a time, so that an older version never lands on a newer one. */
  #changing: Promise<unknown> = Promise.resolve();
  /** Files that are about to be recorded, or in doubt: the watcher must not take them for a person's. */
  readonly #placing = new Set<string>();
  /** Versions of items that were here and are lost: what takes their place must be newer. */
  readonly #lost = new Map<string, number>();
  #watching: Timer | undefined;
  #scan: Promise<void> | undefined;
  #scanAgain = false;
  #scanTimer: Timer | undefined;
  #nextScan = 0;
  #temporary = 0;
  #bytes = 0;

  private constructor(
    readonly folder: Folder,
    readonly self: string,
    readonly log: Log,
    readonly clock: Clock,
    readonly random: () => number,
  ) {}

  static async open(
    folder: Folder,
    self: string,
    { log, clock, random }: Pick<NodeContext, 'log' | 'clock' | 'random'>,
  ): Promise<ItemStore> {
    const store = new ItemStore(folder, self, log, clock, random);
    await store.#load();
    return store;
  }

  get count(): number {
    return this.#items.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Equal where two stores hold the same versions. */
  get digest(): string {
    return fingerprint(this.#digests.join(' '));
  }

  /** The same, for each of 64 parts of the names. */
  get bucketDigests(): string[] {
    return Array.from({ length: BUCKETS }, (_, n) => `${this.#digests[2 * n]} ${this.#digests[2 * n + 1]}`);
  }

  *itemsOf(bucket?: number): Generator<ItemVersion> {
    for (const item of this.#items.values()) {
      if (bucket === undefined || bucketOf(item.name) === bucket) yield plain(item);
    }
  }

  get(name: string): ItemVersion | undefined {
    const item = this.#items.get(name);
    return item && plain(item);
  }

  /** @throws an error of code 'ENOENT' when the item is not there, or no longer in this version */
  async open(name: string): Promise<ReadableFile> {
    const item = this.#items.get(name);
    if (!item) throw Object.assign(new Error(`There is no item "${name}".`), { code: 'ENOENT' });
    return this.folder.open(item.file);
  }

  /** The whole content; only for items that are known to be small. */
  async read(name: string): Promise<Buffer> {
    const file = await this.open(name);
    try {
      const bytes = Buffer.alloc(file.size);
      for (let done = 0; done < bytes.length; ) {
        const read = await file.read(bytes.subarray(done), done);
        if (read === 0) return bytes.subarray(0, done);
        done += read;
      }
      return bytes;
    } finally {
      await file.close();
    }
  }

  /** Begins to receive a content, which becomes an item by `commit`. */
  async receive(): Promise<Incoming> {
    const name = `.ring/${Math.floor(this.random() * 2 ** 40).toString(36)}-${this.#temporary++}.part`;
    return new Incoming(this.folder, name, await this.folder.create(name, { truncate: true }));
  }

  /**
   * Gives a received content its name, and its version: the next one of this member when none is given. Nothing
   * changes when the same or a newer version is here already.
   * @returns the newest version that is here now
   */
  commit(
    incoming: Incoming,
    name: string,
    version?: Pick<ItemVersion, 'version' | 'by'>,
  ): Promise<ItemVersion> {
    return this.#exclusively(async () => {
      const { size, sha256 } = await incoming.close();
      const known = this.#items.get(name);
      const given = version ?? this.#nextVersion(name);
      if (known && compareVersions(given, known) <= 0) {
        await incoming.discard();
        return plain(known);
      }
      const candidates = this.#filesFor(name);
      for (const file of candidates) this.#placing.add(file);
      try {
        const file = await this.#place(incoming.file, candidates);
        const { modifiedMs } = await this.folder.stat(file);
        const item = { name, version: given.version, by: given.by, size, sha256, file, modifiedMs };
        await this.#record(item);
        return plain(item);
      } finally {
        for (const file of candidates) this.#placing.delete(file);
      }
    });
  }

  /** Calls back with each item that a person put into the folder or changed there, and the names of those removed. */
  watch(onPut: (item: ItemVersion) => void, onLost: (name: string) => void): void {
    const scan = (): void => {
      this.#scanTimer = undefined;
      const began = this.clock.now();
      this.#scan = this.#look(onPut, onLost)
        .catch((error) => this.log.warn(`The folder cannot be read: ${(error as Error).message}`))
        .finally(() => {
          this.#scan = undefined;
          const now = this.clock.now();
          this.#nextScan = now + Math.max(SCAN_PAUSE_MS, SCAN_SHARE * (now - began));
          if (this.#scanAgain) changed();
        });
    };
    // Every item that arrives changes the folder as well: under load, looking must not cost more than storing.
    const changed = (): void => {
      this.#scanAgain = this.#scan !== undefined;
      if (this.#scan || this.#scanTimer || !this.#watching) return;
      this.#scanTimer = this.clock.after(Math.max(0, this.#nextScan - this.clock.now()), scan);
    };
    this.#watching = this.folder.watch(changed);
    changed();
  }

  /**
   * Looks whether an item's file still has the content that was recorded. If not, the item is given up here,
   * until `recover` has got it from another member; where nobody has it, the file as it stands becomes a
   * new version.
   * @returns that new version, to be told to the others; null when there is none
   */
  async checkContent(name: string, recover: () => Promise<unknown>): Promise<ItemVersion | null> {
    const item = this.#items.get(name);
    if (!item || this.#placing.has(item.file)) return null;
    this.#placing.add(item.file);
    try {
      const found = await hashFile(this.folder, item.file).catch(() => null);
      if (found?.sha256 === item.sha256 || this.#items.get(name) !== item) return null;
      this.#lose(item);
      await recover().catch((error) => this.log.warn(`"${name}": ${(error as Error).message}`));
      return this.#items.has(name) || !found ? null : await this.#adopt(item.file, name);
    } finally {
      this.#placing.delete(item.file);
    }
  }

  async close(): Promise<void> {
    this.#watching?.cancel();
    this.#watching = undefined;
    this.#scanTimer?.cancel();
    await this.#scan;
    await this.#changing;
    await this.#journal?.close();
  }

  /** What was last saved about the ring; empty when there is nothing, or nothing usable. */
  async savedRing(): Promise<SavedRing> {
    try {
      const file = await this.folder.open(RING);
      const bytes = Buffer.alloc(Math.min(file.size, MAX_RING_FILE));
      await file.read(bytes, 0).finally(() => file.close());
      const { rings, members } = JSON.parse(bytes.toString('utf8')) as Partial<SavedRing>;
      return {
        rings: Array.isArray(rings) ? rings.filter((ring) => typeof ring === 'string') : [],
        members: Array.isArray(members) ? members.filter(isMemberRecord) : [],
      };
    } catch {
      return { rings: [], members: [] };
    }
  }

  async saveRing(ring: SavedRing): Promise<void> {
    const incoming = await this.receive();
    await incoming.write(Buffer.from(JSON.stringify(ring)));
    await incoming.close();
    await this.folder.rename(incoming.file, RING);
  }

  async #load(): Promise<void> {
    for (const item of await this.#readJournal()) this.#index(item);
    const present = new Map((await this.folder.list()).map((entry) => [entry.name, entry]));
    for (const item of [...this.#items.values()]) {
      if (!present.has(item.file) && !(await this.#exists(item.file))) this.#forget(item);
    }
    // Written anew, so that it does not grow for ever.
    this.#journal = await this.folder.create(JOURNAL, { truncate: true });
    const lines = [...this.#items.values()].map((item) => `${JSON.stringify(item)}\n`);
    if (lines.length > 0) await this.#journal.write(Buffer.from(lines.join('')), 0);
  }

  async #readJournal(): Promise<StoredItem[]> {
    let file: ReadableFile;
    try {
      file = await this.folder.open(JOURNAL);
    } catch {
      return [];
    }
    const bytes = Buffer.alloc(file.size);
    await file.read(bytes, 0).finally(() => file.close());
    const items = new Map<string, StoredItem>();
    for (const line of bytes.toString('utf8').split('\n')) {
      const item = parseLine(line);
      if (item) items.set(item.name, item);
    }
    return [...items.values()];
  }

  async #exists(file: string): Promise<boolean> {
    return this.folder.stat(file).then(
      () => true,
      () => false,
    );
  }

  #nextVersion(name: string): Pick<ItemVersion, 'version' | 'by'> {
    const known = Math.max(this.#items.get(name)?.version ?? 0, this.#lost.get(name) ?? 0);
    return { version: known + 1, by: this.self };
  }

  #exclusively<Value>(change: () => Promise<Value>): Promise<Value> {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => {});
    return changed;
  }

  /** The item's own name where that can be a file, and one made from its hash. */
  #filesFor(name: string): string[] {
    const hashed = `item-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
    const known = this.#items.get(name)?.file;
    if (known) return [known, hashed];
    const own = fileNameProblem(name) === null && !/(^|\/)\./.test(name) && !name.endsWith('.part');
    return own && !this.#byFile.has(name) ? [name, hashed] : [hashed];
  }

  async #place(temporary: string, [first, second]: string[]): Promise<string> {
    try {
      await this.folder.rename(temporary, first as string);
      return first as string;
    } catch (error) {
      // "a" is a file where "a/b" needs a folder, or the system does not like the name.
      if (second === undefined || second === first) throw error;
      await this.folder.rename(temporary, second);
      return second;
    }
  }

  async #record(item: StoredItem): Promise<void> {
    this.#index(item);
    await this.#journal?.write(Buffer.from(`${JSON.stringify(item)}\n`), this.#journal.size);
  }

  #index(item: StoredItem): void {
    const former = this.#items.get(item.name);
    if (former) this.#forget(former);
    this.#lost.delete(item.name);
    this.#items.set(item.name, item);
    this.#byFile.set(item.file, item.name);
    this.#bytes += item.size;
    this.#toggle(item);
  }

  #forget(item: StoredItem): void {
    this.#items.delete(item.name);
    this.#byFile.delete(item.file);
    this.#bytes -= item.size;
    this.#toggle(item);
  }

  #lose(item: StoredItem): void {
    this.#lost.set(item.name, item.version);
    this.#forget(item);
  }

  /** Adding and removing are the same: exclusive or. */
  #toggle({ name, version, by }: ItemVersion): void {
    const print = fingerprint(`${name}\n${version}\n${by}`);
    const at = 2 * bucketOf(name);
    this.#digests[at] = (this.#digests[at] as number) ^ Number.parseInt(print.slice(0, 8), 16);
    this.#digests[at + 1] = (this.#digests[at + 1] as number) ^ Number.parseInt(print.slice(8), 16);
  }

  async #look(onPut: (item: ItemVersion) => void, onLost: (name: string) => void): Promise<void> {
    const entries = await this.folder.list();
    const seen = new Set(entries.map(({ name }) => name));
    for (const entry of entries) {
      if (this.#placing.has(entry.name)) continue;
      const known = this.#items.get(this.#byFile.get(entry.name) ?? entry.name);
      if (known?.file === entry.name && known.size === entry.size && known.modifiedMs === entry.modifiedMs)
        continue;
      const item = await this.#adopt(entry.name, known?.file === entry.name ? known.name : entry.name);
      if (item) onPut(item);
    }
    for (const item of [...this.#items.values()]) {
      if (seen.has(item.file) || (await this.#exists(item.file)) || this.#items.get(item.name) !== item)
        continue;
      this.#lose(item);
      onLost(item.name);
    }
  }

  /** A file that a person put there, as it stands; null when it is unchanged, or changes while it is read. */
  async #adopt(file: string, name: string): Promise<ItemVersion | null> {
    try {
      const { size, modifiedMs, sha256 } = await hashFile(this.folder, file);
      return await this.#exclusively(async () => {
        const now = await this.folder.stat(file);
        if (now.size !== size || now.modifiedMs !== modifiedMs) return null;
        const known = this.#items.get(name);
        if (known?.file === file && known.sha256 === sha256) {
          known.modifiedMs = modifiedMs;
          return null;
        }
        const item = { name, ...this.#nextVersion(name), size, sha256, file, modifiedMs };
        await this.#record(item);
        return plain(item);
      });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT')
        this.log.warn(`${file}: ${(error as Error).message}`);
      return null;
    }
  }
}

/** A content that is arriving. */
export class Incoming {
  readonly #hash: Hash = createHash('sha256');
  #size = 0;
  #closed: { size: number; sha256: string } | undefined;

  constructor(
    readonly folder: Folder,
    readonly file: string,
    readonly handle: WritableFile,
  ) {}

  get size(): number {
    return this.#size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    const position = this.#size;
    this.#size += bytes.length;
    await this.handle.write(bytes, position);
  }

  async close(): Promise<{ size: number; sha256: string }> {
    if (!this.#closed) {
      this.#closed = { size: this.#size, sha256: this.#hash.digest('hex') };
      await this.handle.close();
    }
    return this.#closed;
  }

  async discard(): Promise<void> {
    await this.close();
    await this.folder.remove(this.file).catch(() => {});
  }
}

export function bucketOf(name: string): number {
  return Number.parseInt(fingerprint(name).slice(0, 8), 16) % BUCKETS;
}

function plain({ name, version, by, size, sha256 }: StoredItem): ItemVersion {
  return { name, version, by, size, sha256 };
}

function parseLine(line: string): StoredItem | null {
  try {
    const value = JSON.parse(line) as StoredItem;
    const usable =
      isItemVersion(value) && typeof value.file === 'string' && typeof value.modifiedMs === 'number';
    return usable ? value : null;
  } catch {
    return null; // the last line of a process that was killed while it wrote
  }
}

/** Whether a value, from the network or the disk, describes a version of an item. */
export function isItemVersion(value: unknown): value is ItemVersion {
  if (typeof value !== 'object' || value === null) return false;
  const { name, version, by, size, sha256 } = value as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    name !== '' &&
    name.length <= 1024 &&
    Number.isSafeInteger(version) &&
    (version as number) > 0 &&
    (version as number) < 2 ** 48 &&
    typeof by === 'string' &&
    by.length <= 261 &&
    Number.isSafeInteger(size) &&
    (size as number) >= 0 &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}

async function hashFile(
  folder: Folder,
  name: string,
): Promise<{ size: number; modifiedMs: number; sha256: string }> {
  const file = await folder.open(name);
  try {
    const hash = createHash('sha256');
    const buffer = new Uint8Array(Math.max(1, Math.min(READ_SIZE, file.size)));
    let size = 0;
    for (let read = await file.read(buffer, 0); read > 0; read = await file.read(buffer, size)) {
      hash.update(buffer.subarray(0, read));
      size += read;
    }
    return { size, modifiedMs: file.modifiedMs, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}
