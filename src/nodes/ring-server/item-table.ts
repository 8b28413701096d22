import { fingerprint } from '../../protocol/ring-members';
import type { ItemVersion } from './item-version';

/** An item as it is on the disk. */
export interface StoredItem extends ItemVersion {
  file: string;
  modifiedMs: number;
}

const BUCKETS = 64;

/**
 * What one member knows of its items, with digests by which two members find what they do not share: one for
 * everything, and one for each of 64 parts of the names.
 */
export class ItemTable {
  readonly #items = new Map<string, StoredItem>();
  readonly #byFile = new Map<string, StoredItem>();
  /** How often a name is taken where the case of letters and the form of accents do not count. */
  readonly #taken = new Map<string, number>();
  readonly #digests: Uint32Array = new Uint32Array(BUCKETS * 2);
  /** Versions of items that were here and are lost: what takes their place must be newer. */
  readonly #lost = new Map<string, number>();
  #bytes = 0;

  get count(): number {
    return this.#items.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Equal where two tables hold the same versions. */
  get digest(): string {
    return fingerprint(this.#digests.join(' '));
  }

  /** The same, for each part of the names. */
  get bucketDigests(): string[] {
    return Array.from({ length: BUCKETS }, (_, n) => `${this.#digests[2 * n]} ${this.#digests[2 * n + 1]}`);
  }

  /** A copy, so that the table may be changed while it is gone through. */
  get items(): StoredItem[] {
    return [...this.#items.values()];
  }

  inBucket(bucket: number): StoredItem[] {
    return this.items.filter(({ name }) => bucketOf(name) === bucket);
  }

  get(name: string): StoredItem | undefined {
    return this.#items.get(name);
  }

  /** The item that is kept in this file, which may have another name. */
  inFile(file: string): StoredItem | undefined {
    return this.#byFile.get(file);
  }

  /** Whether a file of this name would be the file of another item, at least on Windows and macOS. */
  isTaken(file: string): boolean {
    return this.#taken.has(folded(file));
  }

  nextVersion(name: string): number {
    return Math.max(this.#items.get(name)?.version ?? 0, this.#lost.get(name) ?? 0) + 1;
  }

  /** Adds an item, or replaces the one of this name. */
  set(item: StoredItem): void {
    const former = this.#items.get(item.name);
    if (former) this.remove(former);
    this.#lost.delete(item.name);
    this.#items.set(item.name, item);
    this.#byFile.set(item.file, item);
    this.#countFile(item.file, 1);
    this.#bytes += item.size;
    this.#toggle(item);
  }

  remove(item: StoredItem): void {
    this.#items.delete(item.name);
    this.#byFile.delete(item.file);
    this.#countFile(item.file, -1);
    this.#bytes -= item.size;
    this.#toggle(item);
  }

  /** The content is gone; the version is not forgotten. */
  lose(item: StoredItem): void {
    this.#lost.set(item.name, item.version);
    this.remove(item);
  }

  #countFile(file: string, by: 1 | -1): void {
    const count = (this.#taken.get(folded(file)) ?? 0) + by;
    if (count > 0) this.#taken.set(folded(file), count);
    else this.#taken.delete(folded(file));
  }

  /** Adding and removing are the same: exclusive or. */
  #toggle({ name, version, by }: ItemVersion): void {
    const print = fingerprint(`${name}\n${version}\n${by}`);
    const at = 2 * bucketOf(name);
    this.#digests[at] = (this.#digests[at] as number) ^ Number.parseInt(print.slice(0, 8), 16);
    this.#digests[at + 1] = (this.#digests[at + 1] as number) ^ Number.parseInt(print.slice(8), 16);
  }
}

function bucketOf(name: string): number {
  return Number.parseInt(fingerprint(name).slice(0, 8), 16) % BUCKETS;
}

function folded(file: string): string {
  return file.normalize('NFC').toLowerCase();
}
