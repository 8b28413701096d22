import type { Folder, WritableFile } from '../../../runtime/context';
import { digestThenWrite } from '../../../runtime/digest-then-write';
import type { MemoryFolder } from '../../../runtime/testing/memory-files';

interface Unsynced {
  name: string;
  position: number;
  /** What was there before. */
  before: Uint8Array;
}

/**
 * A folder as one process sees it, until the process is killed or the power is cut. Names and sizes are on the disk
 * at once, the worst order there is: bytes that were never synced may be missing behind a record that is there.
 */
export class MortalFolder implements Folder {
  readonly path: string;
  readonly #disk: MemoryFolder;
  #unsynced: Unsynced[] = [];
  #dead = false;

  constructor(disk: MemoryFolder) {
    this.#disk = disk;
    this.path = disk.path;
  }

  /** The process is gone; what it wrote stays. */
  kill(): void {
    this.#dead = true;
  }

  /** The process is gone, and of what it has not synced any part. @param lost whether this write is */
  cutPower(lost: () => boolean): void {
    this.#dead = true;
    for (const { name, position, before } of this.#unsynced.reverse()) {
      if (lost()) this.#disk.bytesOf(name)?.set(before, position);
    }
  }

  list = () => this.#alive(() => this.#disk.list());
  stat = (name: string) => this.#alive(() => this.#disk.stat(name));
  open = (name: string) => this.#alive(() => this.#disk.open(name));
  rename = (...names: Parameters<Folder['rename']>) => this.#alive(() => this.#disk.rename(...names));
  remove = (name: string) => this.#alive(() => this.#disk.remove(name));
  watch = (onChange: () => void) => this.#disk.watch(onChange);

  create(name: string, options?: Parameters<Folder['create']>[1]): Promise<WritableFile> {
    return this.#alive(async () => this.#mortal(name, await this.#disk.create(name, options)));
  }

  #mortal(name: string, file: WritableFile): WritableFile {
    const mortal: WritableFile = {
      get size() {
        return file.size;
      },
      writeDigested: (bytes, position, digest) => digestThenWrite(mortal, bytes, position, digest),
      write: (bytes, position) =>
        this.#alive(async () => {
          const before = new Uint8Array(bytes.length);
          await file.read(before, position);
          await file.write(bytes, position);
          this.#unsynced.push({ name, position, before });
        }),
      read: (into, position) => this.#alive(() => file.read(into, position)),
      truncate: (size) => this.#alive(() => file.truncate(size)),
      sync: () =>
        this.#alive(async () => {
          this.#unsynced = this.#unsynced.filter((write) => write.name !== name);
        }),
      close: () => this.#alive(() => file.close()),
    };
    return mortal;
  }

  /** For a dead process nothing happens any more, not even an error. */
  #alive<Value>(work: () => Promise<Value>): Promise<Value> {
    return this.#dead ? new Promise(() => {}) : work();
  }
}
