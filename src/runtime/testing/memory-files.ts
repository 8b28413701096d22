import { fileNameProblem } from '../../protocol/file-name';
import type {
  Clock,
  FileStat,
  Files,
  Folder,
  FolderEntry,
  ReadableFile,
  Timer,
  WritableFile,
} from '../context';
import { digestThenWrite } from '../digest-then-write';

interface Stored {
  bytes: Uint8Array;
  size: number;
  modifiedMs: number;
}

/** Folders in memory, for tests. Two programs that open the same path see the same files. */
export class MemoryFiles implements Files {
  readonly #folders = new Map<string, MemoryFolder>();

  constructor(readonly clock: Clock) {}

  async folder(path: string): Promise<MemoryFolder> {
    return this.at(path);
  }

  async kindOf(path: string): Promise<'file' | 'folder' | 'missing'> {
    if (this.#folders.has(path)) return 'folder';
    const cut = path.lastIndexOf('/');
    return this.#folders.get(path.slice(0, cut) || '/')?.bytesOf(path.slice(cut + 1)) ? 'file' : 'missing';
  }

  /** The folder itself, to prepare and inspect it in a test. */
  at(path: string): MemoryFolder {
    let folder = this.#folders.get(path);
    if (!folder) {
      folder = new MemoryFolder(path, this.clock);
      this.#folders.set(path, folder);
    }
    return folder;
  }
}

export class MemoryFolder implements Folder {
  /** Files that were opened and not closed. */
  openFiles = 0;
  readonly #files = new Map<string, Stored>();
  readonly #watchers = new Set<() => void>();

  constructor(
    readonly path: string,
    readonly clock: Clock,
  ) {}

  /** Puts a whole file there, as a person would from outside; watchers hear of it. */
  put(name: string, content: Uint8Array | string): void {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    this.#files.set(name, { bytes, size: bytes.length, modifiedMs: this.clock.wallTime() });
    this.#changed();
  }

  /** The bytes of a file, or undefined. Also of files that `list` hides. */
  bytesOf(name: string): Uint8Array | undefined {
    const stored = this.#files.get(name);
    return stored?.bytes.subarray(0, stored.size);
  }

  /** Every name, hidden ones too. */
  get names(): string[] {
    return [...this.#files.keys()].sort();
  }

  async list(): Promise<FolderEntry[]> {
    return [...this.#files]
      .filter(([name]) => isListed(name))
      .map(([name, { size, modifiedMs }]) => ({ name, size, modifiedMs }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async stat(name: string): Promise<FileStat> {
    const { size, modifiedMs } = this.#get(name);
    return { size, modifiedMs };
  }

  async open(name: string): Promise<ReadableFile> {
    const stored = this.#get(name);
    const closed = this.#opened();
    return {
      size: stored.size,
      modifiedMs: stored.modifiedMs,
      read: async (into, at) => readFrom(stored, into, at),
      stat: async () => ({ size: stored.size, modifiedMs: stored.modifiedMs }),
      close: async () => closed(),
    };
  }

  async create(
    name: string,
    options: { truncate?: boolean; exclusive?: boolean } = {},
  ): Promise<WritableFile> {
    refuseUnsafe(name);
    let stored = this.#files.get(name);
    if (stored && options.exclusive) throw taken(name);
    if (!stored || options.truncate) {
      stored = { bytes: new Uint8Array(0), size: 0, modifiedMs: this.clock.wallTime() };
      this.#files.set(name, stored);
      this.#changed();
    }
    const file = stored;
    const closed = this.#opened();
    const writable: WritableFile = {
      get size() {
        return file.size;
      },
      writeDigested: (bytes, position, digest) => digestThenWrite(writable, bytes, position, digest),
      write: async (bytes, position) => {
        const end = position + bytes.length;
        if (end > file.bytes.length) {
          const grown = new Uint8Array(Math.max(end, file.bytes.length * 2));
          grown.set(file.bytes.subarray(0, file.size));
          file.bytes = grown;
        }
        file.bytes.set(bytes, position);
        file.size = Math.max(file.size, end);
        file.modifiedMs = this.clock.wallTime();
      },
      read: async (into, position) => readFrom(file, into, position),
      truncate: async (size) => {
        file.bytes = Uint8Array.from(file.bytes.subarray(0, Math.min(size, file.size)));
        file.size = file.bytes.length;
        file.modifiedMs = this.clock.wallTime();
      },
      sync: async () => {},
      close: async () => {
        closed();
        this.#changed();
      },
    };
    return writable;
  }

  async rename(from: string, to: string, options: { exclusive?: boolean } = {}): Promise<void> {
    refuseUnsafe(to);
    if (options.exclusive && this.#files.has(to)) throw taken(to);
    const stored = this.#get(from);
    this.#files.delete(from);
    this.#files.set(to, stored);
    this.#changed();
  }

  async remove(name: string): Promise<void> {
    this.#get(name);
    this.#files.delete(name);
    this.#changed();
  }

  watch(onChange: () => void): Timer {
    this.#watchers.add(onChange);
    return { cancel: () => void this.#watchers.delete(onChange) };
  }

  /** Counts a file as open until what is returned is called, once or several times. */
  #opened(): () => void {
    this.openFiles++;
    let open = true;
    return () => {
      if (open) this.openFiles--;
      open = false;
    };
  }

  #get(name: string): Stored {
    refuseUnsafe(name);
    const stored = this.#files.get(name);
    if (!stored) throw Object.assign(new Error(`There is no file "${name}".`), { code: 'ENOENT' });
    return stored;
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) setImmediate(() => this.#watchers.has(watcher) && watcher());
  }
}

function taken(name: string): Error {
  return Object.assign(new Error(`There is a file "${name}" already.`), { code: 'EEXIST' });
}

function readFrom(stored: Stored, into: Uint8Array, position: number): number {
  const part = stored.bytes.subarray(position, Math.min(stored.size, position + into.length));
  into.set(part);
  return part.length;
}

function refuseUnsafe(name: string): void {
  const problem = fileNameProblem(name);
  if (problem)
    throw Object.assign(new Error(`The name "${name}" is refused: ${problem}`), { code: 'UNSAFE_NAME' });
}

function isListed(name: string): boolean {
  return !name.endsWith('.part') && !name.split('/').some((part) => part.startsWith('.'));
}
