import type { DiskOperation } from '../faults/fault';
import type {
  Clock,
  FileStat,
  Files,
  Folder,
  FolderEntry,
  ReadableFile,
  Timer,
  WritableFile,
} from './context';
import { digestThenWrite } from './digest-then-write';
import type { FaultSet } from './fault-set';

const reasons: Record<string, string> = {
  EIO: 'input/output error',
  ENOSPC: 'no space left on the disk',
  EMFILE: 'too many open files',
};

const OWN_RECORD = /(^|\/)\./;

/** Folders with the faults of a disk. Without any, every call goes straight through. */
export class FaultyFiles implements Files {
  readonly #inner: Files;
  readonly #disk: FaultyDisk;

  constructor(inner: Files, faults: FaultSet, realClock: Clock) {
    this.#inner = inner;
    this.#disk = new FaultyDisk(faults, realClock);
  }

  async folder(path: string): Promise<Folder> {
    return new FaultyFolder(await this.#inner.folder(path), this.#disk);
  }

  kindOf(path: string): Promise<'file' | 'folder' | 'missing'> {
    return this.#disk.run('list', 0, () => this.#inner.kindOf(path));
  }
}

/** Applies the disk rules of all faults, in the order of the chain. */
class FaultyDisk {
  readonly faults: FaultSet;
  readonly #clock: Clock;
  /** The disk does one thing at a time: delays add up for operations that come together. */
  #turn: Promise<void> = Promise.resolve();
  #busyUntil = 0;

  constructor(faults: FaultSet, clock: Clock) {
    this.faults = faults;
    this.#clock = clock;
  }

  get sound(): boolean {
    return this.faults.active.length === 0;
  }

  /** Runs `operation` on `bytes` as the faults allow. @throws an error with the code of the fault */
  async run<T>(kind: DiskOperation, bytes: number, operation: () => Promise<T>): Promise<T> {
    if (this.sound) return operation();
    await this.faults.running();
    if (this.#delayOf(kind, bytes) > 0) await this.#wait(kind, bytes);
    for (const rule of this.#rules) {
      const code = rule.fail?.(kind, bytes);
      if (code) throw Object.assign(new Error(`${code}: ${reasons[code] ?? 'failed'}, ${kind}`), { code });
    }
    return operation().finally(() => this.faults.running());
  }

  /** Of what a node offers; its own records (names with a dot in front) stay what they are. */
  damage(name: string, bytes: Uint8Array, position: number): void {
    if (this.sound || OWN_RECORD.test(name)) return;
    for (const rule of this.#rules) rule.content?.(name, bytes, position);
  }

  /**
   * What is told of a file. Wrong bytes change neither its size nor its times, as on a disk that rots: only a hash
   * from before can tell. Watchers are called instead, so that copies in memory do not hide the fault.
   */
  told<T extends FileStat>(name: string, stat: T): T {
    if (this.sound) return stat;
    const size = this.#rules.reduce((size, rule) => rule.size?.(name, size) ?? size, stat.size);
    return size === stat.size ? stat : { ...stat, size };
  }

  /** Names the faults that make files look other than they are; empty when none does. */
  get disguise(): string {
    const disguising = this.faults.active.filter(({ behaviour: { disk } }) => disk?.content || disk?.size);
    return disguising.map(({ spec }) => spec.id + JSON.stringify(spec.params)).join(' ');
  }

  get #rules() {
    return this.faults.active.map((fault) => fault.behaviour.disk).filter((rule) => rule !== undefined);
  }

  #delayOf(kind: DiskOperation, bytes: number): number {
    return this.#rules.reduce((sum, rule) => sum + (rule.delay?.(kind, bytes) ?? 0), 0);
  }

  /** Waits for the disk, in turn. */
  #wait(kind: DiskOperation, bytes: number): Promise<void> {
    const arrived = this.#clock.now();
    this.#turn = this.#turn.then(() => this.#work(kind, bytes, arrived));
    return this.#turn;
  }

  /** How long it takes is asked anew after a change of faults: the disk may be quicker, or quick again. */
  async #work(kind: DiskOperation, bytes: number, arrived: number): Promise<void> {
    const begun = Math.max(this.#busyUntil, arrived);
    while (true) {
      this.#busyUntil = begun + this.#delayOf(kind, bytes);
      const left = this.#busyUntil - this.#clock.now();
      if (left <= 0) return;
      await this.faults.changeWithin(left);
    }
  }
}

class FaultyFolder implements Folder {
  readonly #inner: Folder;
  readonly #disk: FaultyDisk;

  constructor(inner: Folder, disk: FaultyDisk) {
    this.#inner = inner;
    this.#disk = disk;
  }

  get path(): string {
    return this.#inner.path;
  }

  async list(): Promise<FolderEntry[]> {
    const entries = await this.#disk.run('list', 0, () => this.#inner.list());
    return this.#disk.sound ? entries : entries.map((entry) => this.#disk.told(entry.name, entry));
  }

  async stat(name: string): Promise<FileStat> {
    return this.#disk.told(name, await this.#disk.run('list', 0, () => this.#inner.stat(name)));
  }

  async open(name: string): Promise<ReadableFile> {
    const file = await this.#disk.run('open', 0, () => this.#inner.open(name));
    const disk = this.#disk;
    return {
      size: file.size,
      modifiedMs: file.modifiedMs,
      ...(file.changedMs === undefined ? {} : { changedMs: file.changedMs }),
      read: (into, position) => readThrough(disk, name, file, into, position),
      stat: () => file.stat(),
      close: () => file.close(),
    };
  }

  async create(name: string, options?: { truncate?: boolean; exclusive?: boolean }): Promise<WritableFile> {
    const file = await this.#disk.run('open', 0, () => this.#inner.create(name, options));
    const disk = this.#disk;
    const write = (bytes: Uint8Array, position: number): Promise<void> =>
      disk.run('write', bytes.length, () => file.write(bytes, position));
    let writing: Promise<unknown> = Promise.resolve();
    const begun = <T>(work: Promise<T>): Promise<T> => {
      writing = Promise.allSettled([writing, work]);
      return work;
    };
    return {
      get size() {
        return file.size;
      },
      read: (into, position) => readThrough(disk, name, file, into, position),
      write: (bytes, position) => (disk.sound ? file.write(bytes, position) : begun(write(bytes, position))),
      writeDigested: (bytes, position, digest) =>
        disk.sound
          ? file.writeDigested(bytes, position, digest)
          : begun(digestThenWrite({ write }, bytes, position, digest)),
      truncate: (size) => disk.run('write', 0, () => file.truncate(size)),
      sync: () => disk.run('write', 0, () => file.sync()),
      // As of a sound disk: what was begun is written before.
      close: () => writing.then(() => file.close()),
    };
  }

  rename(from: string, to: string, options?: { exclusive?: boolean }): Promise<void> {
    return this.#disk.run('write', 0, () => this.#inner.rename(from, to, options));
  }

  remove(name: string): Promise<void> {
    return this.#disk.run('write', 0, () => this.#inner.remove(name));
  }

  watch(onChange: () => void): Timer {
    let isOver = false;
    const changed = async (): Promise<void> => {
      await this.#disk.faults.running();
      if (!isOver) onChange();
    };
    const inner = this.#inner.watch(() => void changed());
    let disguise = this.#disk.disguise;
    const stop = this.#disk.faults.onChange(() => {
      if (disguise === this.#disk.disguise) return;
      disguise = this.#disk.disguise;
      onChange();
    });
    return {
      cancel: () => {
        isOver = true;
        inner.cancel();
        stop();
      },
    };
  }
}

async function readThrough(
  disk: FaultyDisk,
  name: string,
  file: Pick<ReadableFile, 'read'>,
  into: Uint8Array,
  position: number,
): Promise<number> {
  if (disk.sound) return file.read(into, position);
  const length = await disk.run('read', into.length, () => file.read(into, position));
  disk.damage(name, into.subarray(0, length), position);
  return length;
}
