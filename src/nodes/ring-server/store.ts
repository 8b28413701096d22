import { createHash } from 'node:crypto';
import { fileNameProblem } from '../../protocol/file-name';
import type { Clock, Folder, Log, NodeContext, ReadableFile } from '../../runtime/context';
import { exists } from '../shared/exists';
import { readWhole } from '../shared/whole-file';
import { FolderWatch } from './folder-watch';
import { Incoming } from './incoming';
import { ItemJournal } from './item-journal';
import { ItemTable, type StoredItem } from './item-table';
import { compareVersions, type ItemVersion } from './item-version';

const READ_SIZE = 1024 * 1024;
/** Small items alone are read as a whole, but a person may have put a larger file in the place of one. */
const MAX_READ = 16 * 1024 * 1024;

/**
 * The items of one member: plain files in its folder, and beside them a journal of their versions. Files that a
 * person puts there become items.
 */
export class ItemStore {
  /** One change at a time, so that an older version never lands on a newer one. */
  #changing: Promise<unknown> = Promise.resolve();
  /** Files that are about to be recorded, or in doubt: the watcher must not take them for a person's. */
  readonly #placing = new Set<string>();
  #watch: FolderWatch | undefined;
  #temporary = 0;

  private constructor(
    readonly folder: Folder,
    readonly self: string,
    readonly table: ItemTable,
    readonly journal: ItemJournal,
    readonly context: { log: Log; clock: Clock; random(): number },
  ) {}

  static async open(
    folder: Folder,
    self: string,
    context: Pick<NodeContext, 'log' | 'clock' | 'random'>,
  ): Promise<ItemStore> {
    const table = new ItemTable();
    const present = new Set((await folder.list()).map(({ name }) => name));
    for (const item of await ItemJournal.read(folder)) {
      if (present.has(item.file) || (await exists(folder, item.file))) table.set(item);
    }
    return new ItemStore(folder, self, table, await ItemJournal.begin(folder, table.items), context);
  }

  get(name: string): ItemVersion | undefined {
    const item = this.table.get(name);
    return item && plain(item);
  }

  /** All items, or those of one part of the names. */
  itemsOf(bucket?: number): ItemVersion[] {
    return (bucket === undefined ? this.table.items : this.table.inBucket(bucket)).map(plain);
  }

  /** @throws an error of code 'ENOENT' when the item is not there, or no longer in this version */
  async open(name: string): Promise<ReadableFile> {
    const item = this.table.get(name);
    if (!item) throw noItem(name);
    return this.folder.open(item.file);
  }

  /** The whole content; only for items that are known to be small. */
  async read(name: string): Promise<Buffer> {
    const item = this.table.get(name);
    if (!item) throw noItem(name);
    return readWhole(this.folder, item.file, MAX_READ);
  }

  /** Begins to receive a content, which becomes an item by `commit`. */
  async receive(): Promise<Incoming> {
    const unique = Math.floor(this.context.random() * 2 ** 40).toString(36);
    const name = `.ring/${unique}-${this.#temporary++}.part`;
    return new Incoming(this.folder, name, await this.folder.create(name, { truncate: true }));
  }

  /** Begins with a content that is here in full. */
  async receiveWhole(content: Uint8Array): Promise<Incoming> {
    const incoming = await this.receive();
    try {
      await incoming.write(content);
      return incoming;
    } catch (error) {
      await incoming.discard();
      throw error;
    }
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
      const known = this.table.get(name);
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
    this.#watch = new FolderWatch(this.folder, this.context.clock, () =>
      this.#look(onPut, onLost).catch((error) =>
        this.context.log.warn(`The folder cannot be read: ${(error as Error).message}`),
      ),
    );
  }

  /**
   * Looks whether an item's file still has the content that was recorded. If not, the item is given up here,
   * until `recover` has got it from another member; where nobody has it, the file as it stands becomes a
   * new version.
   * @returns that new version, to be told to the others; null when there is none
   */
  async checkContent(name: string, recover: () => Promise<unknown>): Promise<ItemVersion | null> {
    const item = this.table.get(name);
    if (!item || this.#placing.has(item.file)) return null;
    this.#placing.add(item.file);
    try {
      const found = await hashFile(this.folder, item.file).catch(() => null);
      if (found?.sha256 === item.sha256 || this.table.get(name) !== item) return null;
      this.table.lose(item);
      await recover().catch((error) => this.context.log.warn(`"${name}": ${(error as Error).message}`));
      return this.table.get(name) || !found ? null : await this.#adopt(item.file, name);
    } finally {
      this.#placing.delete(item.file);
    }
  }

  async close(): Promise<void> {
    await this.#watch?.close();
    await this.#changing;
    await this.journal.close();
  }

  #nextVersion(name: string): Pick<ItemVersion, 'version' | 'by'> {
    return { version: this.table.nextVersion(name), by: this.self };
  }

  #exclusively<Value>(change: () => Promise<Value>): Promise<Value> {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => {});
    return changed;
  }

  /** The item's own name where that can be a file, and one made from its hash. */
  #filesFor(name: string): string[] {
    const hashed = `item-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
    const known = this.table.get(name)?.file;
    if (known) return [known, hashed];
    const own = fileNameProblem(name) === null && !/(^|\/)\./.test(name) && !name.endsWith('.part');
    return own && !this.table.isTaken(name) ? [name, hashed] : [hashed];
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
    this.table.set(item);
    await this.journal.record(item);
  }

  async #look(onPut: (item: ItemVersion) => void, onLost: (name: string) => void): Promise<void> {
    const entries = await this.folder.list();
    const seen = new Set(entries.map(({ name }) => name));
    for (const { name: file, size, modifiedMs } of entries) {
      if (this.#placing.has(file)) continue;
      const known = this.table.inFile(file);
      if (known?.size === size && known.modifiedMs === modifiedMs) continue;
      const item = await this.#adopt(file, known?.name ?? file);
      if (item) onPut(item);
    }
    for (const item of this.table.items) {
      if (seen.has(item.file) || (await exists(this.folder, item.file)) || this.table.get(item.name) !== item)
        continue;
      this.table.lose(item);
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
        const known = this.table.get(name);
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
        this.context.log.warn(`${file}: ${(error as Error).message}`);
      return null;
    }
  }
}

function noItem(name: string): Error {
  return Object.assign(new Error(`There is no item "${name}".`), { code: 'ENOENT' });
}

function plain({ name, version, by, size, sha256 }: StoredItem): ItemVersion {
  return { name, version, by, size, sha256 };
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
