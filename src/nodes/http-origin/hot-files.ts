import { Sieve } from '../../protocol/eviction/sieve';
import type { Representation } from './representation';

/** Larger files are read from the disk each time: there the disk's own cache does as well. */
export const MAX_HOT_FILE = 4 * 1024 * 1024;
/**
 * While a file is asked for more than `BUSY` times in so many ms, its state counts for as long, once it was
 * looked at. That spares a busy server thousands of looks at the disk a second. Otherwise every request looks:
 * whoever changes a file and asks for it gets what is new.
 */
const TRUSTED_MS = 10;
const BUSY = 16;
/** Bytes that a prepared reply has in one buffer with its head; the rest of a larger one follows. */
export const PREPARED_JOIN = 128 * 1024;
/** Bytes that an entry costs besides its content. */
const OVERHEAD = 1024;

export interface HotFile {
  representation: Representation;
  content: Uint8Array;
  /** On the context's clock. */
  checkedAt: number;
  /** Requests since `countedFrom`, and whether there were many in the span before. */
  requests: number;
  countedFrom: number;
  busy: boolean;
  /** The 200 reply as it leaves, and the second it is dated: head and first bytes joined, and the rest. */
  prepared?: { date: string; head: Uint8Array; rest: Uint8Array | undefined };
}

/** Small files in memory, by request path; bounded, the least useful leave first. */
export class HotFiles {
  readonly capacity: number;
  readonly #files = new Map<string, HotFile>();
  readonly #policy = new Sieve<string>();
  #bytes = 0;
  hits = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.#files.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The file as it was a moment ago; undefined when the disk must be asked. */
  fresh(path: string, now: number): HotFile | undefined {
    const file = this.#files.get(path);
    if (!file) return undefined;
    count(file, now);
    if (!file.busy || now - file.checkedAt > TRUSTED_MS) return undefined;
    this.hits++;
    this.#policy.touch(path);
    return file;
  }

  /** The file, if it is still the one that the disk has. */
  revive(path: string, { name, size, modifiedMs }: Representation, now: number): HotFile | undefined {
    const file = this.#files.get(path);
    if (!file) return undefined;
    const { representation } = file;
    if (
      representation.name !== name ||
      representation.size !== size ||
      representation.modifiedMs !== modifiedMs
    ) {
      this.remove(path);
      return undefined;
    }
    file.checkedAt = now;
    this.#policy.touch(path);
    return file;
  }

  takes(size: number): boolean {
    return size <= MAX_HOT_FILE && 2 * size + OVERHEAD <= this.capacity;
  }

  add(path: string, representation: Representation, content: Uint8Array, now: number): HotFile {
    this.remove(path);
    const file: HotFile = {
      representation,
      content,
      checkedAt: now,
      requests: 0,
      countedFrom: now,
      busy: false,
    };
    this.#files.set(path, file);
    this.#bytes += weightOf(file);
    this.#policy.insert(path, weightOf(file));
    while (this.#bytes > this.capacity) this.#drop(this.#policy.evict());
    return file;
  }

  clear(): void {
    for (const path of [...this.#files.keys()]) this.remove(path);
  }

  remove(path: string): void {
    this.#policy.remove(path);
    this.#drop(path);
  }

  #drop(path: string | undefined): void {
    const file = path === undefined ? undefined : this.#files.get(path);
    if (!file || path === undefined) return;
    this.#files.delete(path);
    this.#bytes -= weightOf(file);
  }
}

function count(file: HotFile, now: number): void {
  file.requests++;
  if (now - file.countedFrom < TRUSTED_MS) return;
  file.busy = file.requests > BUSY && now - file.countedFrom < 2 * TRUSTED_MS;
  file.requests = 0;
  file.countedFrom = now;
}

/** The beginning of the content counts twice: it is in the prepared reply too. */
function weightOf({ content }: HotFile): number {
  return content.length + Math.min(content.length, PREPARED_JOIN) + OVERHEAD;
}
