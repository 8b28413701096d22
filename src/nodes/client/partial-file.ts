import type { Folder, NodeContext, Timer, WritableFile } from '../../runtime/context';
import { ArrivingFile } from '../engine/arriving-file';
import { removeRecord } from '../engine/resume-record';
import { codeOf } from '../shared/error-text';
import { exists } from '../shared/exists';
import { giveFreeName, numbered } from '../shared/free-name';

/** A `.part` file that was touched so recently is being written by another program. */
const FRESH_MS = 2000;
const TOUCH_MS = 1000;

interface Claim {
  file: WritableFile;
  number: number;
  partName: string;
  release: () => void;
}

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
    const { file, number, partName, release } = await this.#claim(folder, name);
    // Of pieces that several servers gave: a later download from several would take what is written now for them.
    await removeRecord(folder, numbered(name, number));
    return new PartialFile(folder, file, { name, number, partName }, this.#context, release);
  }

  /**
   * The same choice of a name, for a download that writes `<name>.part` by itself. `release` when it has ended.
   */
  async reserve(folder: Folder, name: string): Promise<{ name: string; release: () => void }> {
    const { file, number, release } = await this.#claim(folder, name);
    await file.close();
    return { name: numbered(name, number), release };
  }

  async #claim(folder: Folder, name: string): Promise<Claim> {
    for (let number = 1; ; number++) {
      const finalName = numbered(name, number);
      const partName = `${finalName}.part`;
      const key = `${folder.path}\0${partName}`;
      if (this.#inUse.has(key) || (await exists(folder, finalName)) || this.#inUse.has(key)) continue;
      this.#inUse.add(key);
      const file = await this.#open(folder, partName, this.#released.delete(key)).catch((error: unknown) => {
        this.#inUse.delete(key);
        throw error;
      });
      if (!file) {
        this.#inUse.delete(key);
        continue;
      }
      const release = (): void => {
        this.#inUse.delete(key);
        this.#released.add(key);
      };
      return { file, number, partName, release };
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
 * A file under the name that it has while it arrives. Only `finish` gives it its real name, so a partial file is
 * never taken for a whole one.
 */
export class PartialFile {
  readonly content: ArrivingFile;
  readonly #folder: Folder;
  readonly #file: WritableFile;
  readonly #names: { name: string; number: number; partName: string };
  readonly #release: () => void;
  readonly #touch: Timer;
  /** How much was written when it was last looked after. */
  #seen = -1;

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
    this.content = new ArrivingFile(file, context.hashing);
    this.#touch = context.clock.every(TOUCH_MS, () => this.#keepFresh());
  }

  /** Path of the `.part` file on this machine. */
  get path(): string {
    return `${this.#folder.path}/${this.#names.partName}`;
  }

  /** Bytes that an earlier download has left, before they are adopted. */
  get leftover(): number {
    return this.#file.size;
  }

  /** Gives the file its name and resolves to it; a file that has appeared there meanwhile is not replaced. */
  async finish(): Promise<string> {
    await this.content.flush();
    await this.#file.truncate(this.content.length);
    await this.#close();
    const { partName, name, number } = this.#names;
    const saved = await giveFreeName(this.#folder, partName, name, number);
    this.#release();
    return saved;
  }

  /** Ends without a file; what there is stays as `.part` when `keep` is set. */
  async abandon(keep: boolean): Promise<void> {
    await this.content.flush().catch(() => {});
    await this.#close();
    if (!keep || this.content.written === 0) await this.#folder.remove(this.#names.partName).catch(() => {});
    this.#release();
  }

  /** Shows other processes that the file is being written, also while the sender stalls. */
  #keepFresh(): void {
    const { written } = this.content;
    if (written === this.#seen) this.content.touch();
    this.#seen = written;
  }

  async #close(): Promise<void> {
    this.#touch.cancel();
    await this.content.close();
    await this.#file.close();
  }
}
