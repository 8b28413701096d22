import type { Folder, FolderEntry, NodeContext, Timer } from '../../runtime/context';
import { reasonOf } from '../shared/error-text';

export interface LibraryChange {
  added: FolderEntry[];
  changed: FolderEntry[];
  /** Names. */
  removed: string[];
}

/** Changes that are told one by one; larger ones are told as a number. */
const MAX_TOLD = 20;

/** The files of the folder as they were last seen, kept up to date by watching it. */
export class Library {
  readonly folder: Folder;
  readonly #context: NodeContext;
  #files = new Map<string, FolderEntry>();
  #bytes = 0;
  #watch: Timer | undefined;
  #scanning = false;
  #scanAgain = false;
  /** Called after the folder's files have become different. */
  onChange: (change: LibraryChange) => void = () => {};
  /** Called whenever something may be different, even where neither size nor time tells it. */
  onTouched: () => void = () => {};

  private constructor(folder: Folder, context: NodeContext) {
    this.folder = folder;
    this.#context = context;
  }

  /** Reads the folder for the first time. */
  static async open(path: string, context: NodeContext): Promise<Library> {
    const library = new Library(await context.files.folder(path), context);
    library.#take(await library.folder.list());
    return library;
  }

  get files(): ReadonlyMap<string, FolderEntry> {
    return this.#files;
  }

  get bytes(): number {
    return this.#bytes;
  }

  watch(): void {
    this.#watch = this.folder.watch(() => void this.#rescan());
    // What changed between the first reading and the watch.
    void this.#rescan();
  }

  close(): void {
    this.#watch?.cancel();
    this.onChange = () => {};
    this.onTouched = () => {};
  }

  /** One scan at a time; and after a long one (a folder of 100 000 files) as long a rest. */
  async #rescan(): Promise<void> {
    this.onTouched();
    this.#scanAgain = true;
    if (this.#scanning) return;
    this.#scanning = true;
    while (this.#scanAgain) {
      this.#scanAgain = false;
      const began = this.#context.clock.now();
      await this.#scan();
      const took = this.#context.clock.now() - began;
      if (took > 100) await this.#context.clock.sleep(took);
    }
    this.#scanning = false;
  }

  async #scan(): Promise<void> {
    try {
      const change = this.#take(await this.folder.list());
      if (change.added.length + change.changed.length + change.removed.length === 0) return;
      this.#tell(change);
      this.onChange(change);
    } catch (error) {
      this.#context.log.warn(`The folder cannot be read: ${reasonOf(error)}`);
    }
  }

  #take(entries: FolderEntry[]): LibraryChange {
    const change: LibraryChange = { added: [], changed: [], removed: [] };
    const files = new Map<string, FolderEntry>();
    this.#bytes = 0;
    for (const entry of entries) {
      files.set(entry.name, entry);
      this.#bytes += entry.size;
      const before = this.#files.get(entry.name);
      if (!before) change.added.push(entry);
      else if (isOther(before, entry)) change.changed.push(entry);
    }
    for (const name of this.#files.keys()) if (!files.has(name)) change.removed.push(name);
    this.#files = files;
    return change;
  }

  #tell({ added, changed, removed }: LibraryChange): void {
    const tell = (type: string, verb: string, names: string[]): void => {
      const { telemetry } = this.#context;
      if (names.length > MAX_TOLD)
        return telemetry.event({ type, text: `${names.length} files were ${verb}.` });
      for (const name of names) telemetry.event({ type, subject: name, text: `${name} was ${verb}.` });
    };
    tell('file-added', 'added', added.map(nameOf));
    tell('file-changed', 'changed', changed.map(nameOf));
    tell('file-removed', 'removed', removed);
  }
}

function isOther(before: FolderEntry, { size, modifiedMs, changedMs }: FolderEntry): boolean {
  return before.size !== size || before.modifiedMs !== modifiedMs || before.changedMs !== changedMs;
}

function nameOf(entry: FolderEntry): string {
  return entry.name;
}
