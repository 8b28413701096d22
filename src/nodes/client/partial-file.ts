import { createHash, type Hash } from 'node:crypto';
import type { Folder, NodeContext, Timer, WritableFile } from '../../runtime/context';
import { codeOf } from '../shared/error-text';

const SLAB = 1 << 20;
/** Slabs that may be full while the disk is busy; then the sender is held back. */
const MAX_FULL_SLABS = 3;
/** A `.part` file that was touched so recently is being written by another program. */
const FRESH_MS = 2000;
const TOUCH_MS = 1000;

/** Names of `.part` files that this process is writing, by folder; other processes tell by touching theirs. */
export class PartialFiles {
  readonly #inUse = new Set<string>();
  /** Left by this very process: fresh, and free nevertheless. */
  readonly #released = new Set<string>();
  readonly #context: NodeContext;

  constructor(context: NodeContext) {
    this.#context = context;
  }

  /**
   * Opens `<name>.part` for a file that is not there yet; where the name is taken, or being downloaded by
   * somebody else, `<name> (2).part` and so on. What an earlier download left is kept, to be resumed.
   */
  async claim(folder: Folder, name: string): Promise<PartialFile> {
    for (let number = 1; ; number++) {
      const finalName = numbered(name, number);
      const partName = `${finalName}.part`;
      const key = `${folder.path}\0${partName}`;
      if (this.#inUse.has(key) || (await exists(folder, finalName))) continue;
      if (this.#inUse.has(key)) continue;
      this.#inUse.add(key);
      const file = await this.#open(folder, partName, this.#released.delete(key)).catch((error: unknown) => {
        this.#inUse.delete(key);
        throw error;
      });
      if (!file) {
        this.#inUse.delete(key);
        continue;
      }
      return new PartialFile(folder, file, { name, number, partName }, this.#context, () => {
        this.#inUse.delete(key);
        this.#released.add(key);
      });
    }
  }

  /**
   * The same choice of a name, for a download that writes `<name>.part` by itself. `release` when it has ended.
   */
  async reserve(folder: Folder, name: string): Promise<{ name: string; release: () => void }> {
    for (let number = 1; ; number++) {
      const finalName = numbered(name, number);
      const key = `${folder.path}\0${finalName}.part`;
      if (this.#inUse.has(key) || (await exists(folder, finalName)) || this.#inUse.has(key)) continue;
      this.#inUse.add(key);
      try {
        const file = await this.#open(folder, `${finalName}.part`, this.#released.delete(key));
        if (file) {
          await file.close();
          const release = (): void => {
            this.#inUse.delete(key);
            this.#released.add(key);
          };
          return { name: finalName, release };
        }
        this.#inUse.delete(key);
      } catch (error) {
        this.#inUse.delete(key);
        throw error;
      }
    }
  }

  /** Null when another process is writing it. */
  async #open(folder: Folder, partName: string, left: boolean): Promise<WritableFile | null> {
    try {
      return await folder.create(partName, { exclusive: true });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const { modifiedMs } = await folder.stat(partName);
    const fresh = Math.abs(this.#context.clock.wallTime() - modifiedMs) < FRESH_MS;
    return fresh && !left ? null : folder.create(partName);
  }
}

/**
 * The file while it arrives. Bytes are appended as they come; they are hashed and written a megabyte at a time.
 * Only `finish` gives it its real name, so a partial file is never taken for a whole one.
 */
export class PartialFile {
  readonly #folder: Folder;
  readonly #file: WritableFile;
  readonly #names: { name: string; number: number; partName: string };
  readonly #release: () => void;
  readonly #touch: Timer;
  #hash: Hash = createHash('sha256');
  /** Bytes appended, written or not. */
  #length = 0;
  #written = 0;
  #slab: Buffer | undefined;
  #filled = 0;
  readonly #spare: Buffer[] = [];
  #fullSlabs = 0;
  #writing: Promise<void> = Promise.resolve();
  #error: Error | undefined;
  #touched = true;
  /** Called when there is room again after `append` had returned false, and when writing has failed. */
  onRoom: () => void = () => {};

  constructor(
    folder: Folder,
    file: WritableFile,
    names: { name: string; number: number; partName: string },
    context: NodeContext,
    release: () => void,
  ) {
    this.#folder = folder;
    this.#file = file;
    this.#names = names;
    this.#release = release;
    this.#touch = context.clock.every(TOUCH_MS, () => this.#keepFresh());
  }

  get length(): number {
    return this.#length;
  }

  /** Path of the `.part` file on this machine. */
  get path(): string {
    return `${this.#folder.path}/${this.#names.partName}`;
  }

  /** Bytes that an earlier download has left, before `adopt`. */
  get leftover(): number {
    return this.#file.size;
  }

  /** The error that made writing fail, if one did. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Goes on after what an earlier download has left. Resolves to its length. */
  async adopt(signal: AbortSignal): Promise<number> {
    const buffer = Buffer.allocUnsafe(Math.min(SLAB, Math.max(1, this.#file.size)));
    while (this.#length < this.#file.size) {
      signal.throwIfAborted();
      const count = await this.#file.read(buffer, this.#length);
      if (count === 0) break;
      this.#hash.update(buffer.subarray(0, count));
      this.#length += count;
    }
    this.#written = this.#length;
    return this.#length;
  }

  /** Throws away what there is. */
  async restart(): Promise<void> {
    await this.flush();
    await this.#file.truncate(0);
    this.#hash = createHash('sha256');
    this.#length = this.#written = 0;
  }

  /** Copies the bytes. False: enough for now, wait for `onRoom`. */
  append(bytes: Uint8Array, expected: number): boolean {
    for (let at = 0; at < bytes.length; ) {
      this.#slab ??= this.#spare.pop() ?? Buffer.allocUnsafeSlow(Math.max(1, Math.min(SLAB, expected)));
      const count = Math.min(this.#slab.length - this.#filled, bytes.length - at);
      this.#slab.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      this.#length += count;
      at += count;
      if (this.#filled === this.#slab.length) this.#seal();
    }
    return this.#fullSlabs < MAX_FULL_SLABS;
  }

  /** Resolves when everything appended is written. @throws what the disk says */
  async flush(): Promise<void> {
    this.#seal();
    await this.#writing;
    if (this.#error) throw this.#error;
  }

  /** SHA-256 of everything appended so far, in hex. Call `flush` first. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  /** Gives the file its name and resolves to it; a file that has appeared there meanwhile is not replaced. */
  async finish(): Promise<string> {
    await this.flush();
    await this.#file.truncate(this.#length);
    await this.#close();
    for (let number = this.#names.number; ; number++) {
      const finalName = numbered(this.#names.name, number);
      try {
        await this.#folder.rename(this.#names.partName, finalName, { exclusive: true });
        this.#release();
        return finalName;
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  /** Ends without a file; what there is stays as `.part` when `keep` is set. */
  async abandon(keep: boolean): Promise<void> {
    await this.flush().catch(() => {});
    await this.#close();
    if (!keep || this.#written === 0) await this.#folder.remove(this.#names.partName).catch(() => {});
    this.#release();
  }

  #seal(): void {
    const slab = this.#slab;
    const count = this.#filled;
    this.#slab = undefined;
    this.#filled = 0;
    if (!slab || count === 0) return;
    const position = this.#length - count;
    const full = slab.subarray(0, count);
    this.#hash.update(full);
    this.#fullSlabs++;
    this.#writing = this.#writing
      .then(() => this.#write(full, position))
      .then(() => {
        this.#fullSlabs--;
        if (slab.length === SLAB) this.#spare.push(slab);
        if (this.#fullSlabs === MAX_FULL_SLABS - 1 || this.#error) this.onRoom();
      });
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    if (this.#error) return;
    try {
      await this.#file.write(bytes, position);
      this.#written = position + bytes.length;
      this.#touched = true;
    } catch (error) {
      this.#error = error as Error;
    }
  }

  /** Shows other processes that the file is being written, also while the sender stalls. */
  #keepFresh(): void {
    if (!this.#touched && this.#file.size === this.#written) {
      this.#writing = this.#writing.then(() => this.#file.truncate(this.#file.size)).catch(() => {});
    }
    this.#touched = false;
  }

  async #close(): Promise<void> {
    this.#touch.cancel();
    await this.#writing;
    await this.#file.close();
  }
}

/** 'a/photo.jpg' → 'a/photo (2).jpg' */
export function numbered(name: string, number: number): string {
  if (number === 1) return name;
  const slash = name.lastIndexOf('/');
  const dot = name.lastIndexOf('.');
  const cut = dot > slash + 1 ? dot : name.length;
  return `${name.slice(0, cut)} (${number})${name.slice(cut)}`;
}

async function exists(folder: Folder, name: string): Promise<boolean> {
  try {
    await folder.stat(name);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
