import { encode } from '../../protocol/micro-cdn';
import type { Clock, FileStat, Folder } from '../../runtime/context';

/** Files up to this size are kept … */
export const MAX_HOT_FILE = 1 << 20;
/** … as long as all of them together fit here. */
const MAX_HOT_BYTES = 64 << 20;
/** So long a copy is trusted without a look at the file: under load, one look serves thousands of clients. */
const TRUST_MS = 100;

/** A small file with its header before it, so that a reply is one write of one buffer. Never changed. */
export interface HotFile extends FileStat {
  reply: Buffer;
  headerLength: number;
}

interface Kept {
  file: HotFile;
  checkedAt: number;
}

/** Recently served small files, whole, in memory. */
export class HotCache {
  readonly #folder: Folder;
  readonly #clock: Clock;
  /** In the order of use, the latest last. */
  readonly #kept = new Map<string, Kept>();
  readonly #loading = new Map<string, Promise<HotFile | null>>();
  #bytes = 0;
  /** Counts how often everything was forgotten: what was being read then may be old. */
  #era = 0;

  constructor(folder: Folder, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Only what needs no look at the disk; otherwise undefined. */
  now(name: string): HotFile | undefined {
    const kept = this.#kept.get(name);
    if (!kept || this.#clock.now() - kept.checkedAt > TRUST_MS) return undefined;
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    return kept.file;
  }

  /**
   * Null for a file that is too large to be kept.
   * @throws an error of code 'ENOENT' or 'UNSAFE_NAME', or of the disk
   */
  get(name: string): Promise<HotFile | null> {
    const loading = this.#loading.get(name);
    if (loading) return loading;
    const load = this.#load(name).finally(() => this.#loading.delete(name));
    this.#loading.set(name, load);
    return load;
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
    this.#era++;
  }

  #forget(name: string): void {
    const kept = this.#kept.get(name);
    if (!kept) return;
    this.#kept.delete(name);
    this.#bytes -= kept.file.reply.length;
  }

  async #load(name: string): Promise<HotFile | null> {
    const era = this.#era;
    const stat = await this.#folder.stat(name).catch((error: unknown) => {
      this.#forget(name);
      throw error;
    });
    const kept = this.#kept.get(name);
    if (kept && isSame(kept.file, stat)) {
      kept.checkedAt = this.#clock.now();
      return kept.file;
    }
    this.#forget(name);
    if (stat.size > MAX_HOT_FILE) return null;
    const file = await this.#read(name);
    if (file && era === this.#era) this.#keep(name, file);
    return file;
  }

  /** Null when the file grew too large, or changed while it was read. */
  async #read(name: string): Promise<HotFile | null> {
    const file = await this.#folder.open(name);
    try {
      const { size, modifiedMs } = file;
      if (size > MAX_HOT_FILE) return null;
      const header = encode.ok(size);
      const reply = Buffer.allocUnsafeSlow(header.length + size);
      reply.write(header, 'latin1');
      for (let at = 0; at < size; ) {
        const count = await file.read(reply.subarray(header.length + at), at);
        if (count === 0) return null;
        at += count;
      }
      const after = await file.stat();
      return isSame({ size, modifiedMs }, after)
        ? { size, modifiedMs, reply, headerLength: header.length }
        : null;
    } finally {
      await file.close();
    }
  }

  #keep(name: string, file: HotFile): void {
    this.#forget(name);
    this.#kept.set(name, { file, checkedAt: this.#clock.now() });
    this.#bytes += file.reply.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= MAX_HOT_BYTES) return;
      this.#forget(oldest);
    }
  }
}

export function isSame(a: FileStat, b: FileStat): boolean {
  return a.size === b.size && a.modifiedMs === b.modifiedMs;
}
