import type { IndexOperations } from './manifest';
import type { FileRecord, RegistryListener } from './registry';
import { mergeInSlices, sortInSlices } from './sort-in-slices';

type Query = IndexOperations['catalogue']['input'];
type Result = IndexOperations['catalogue']['output'];
type Sort = Query['sort'];

/** Names are looked through this many at a time. */
const FILTER_SLICE = 32_768;

/**
 * Everything announced, a page at a time. The order by name is kept and new names are merged into it; other
 * orders, and the last search, are kept until something changes. So a page of a hundred thousand files costs a
 * slice of an array, and one new file costs a merge, not a sort.
 */
export class Catalogue implements RegistryListener {
  readonly #pause: () => Promise<void>;
  /** By name. May hold files that are gone (no holdings), until the next merge. */
  #byName: FileRecord[] = [];
  #added = new Set<FileRecord>();
  #removed = 0;
  #version = 0;
  /** The newest order and the newest search, and the version each was made of. */
  #sorted: { sort: Sort; version: number; files: FileRecord[] } | undefined;
  #found: { search: string; sort: Sort; version: number; files: FileRecord[] } | undefined;
  /** Pages are made one after the other, so that each piece of work is done once. */
  #queue: Promise<unknown> = Promise.resolve();

  /** @param pause is awaited now and then during long work */
  constructor(pause: () => Promise<void>) {
    this.#pause = pause;
  }

  fileAdded(file: FileRecord): void {
    this.#added.add(file);
    this.#version++;
  }

  fileRemoved(file: FileRecord): void {
    if (!this.#added.delete(file)) this.#removed++;
    this.#version++;
  }

  fileChanged(): void {
    this.#version++;
  }

  page(query: Query): Promise<Result> {
    const page = this.#queue.then(() => this.#page(query));
    this.#queue = page.catch(() => {});
    return page;
  }

  async #page({ search, sort, descending, offset, limit }: Query): Promise<Result> {
    const files = await this.#search(search.trim().toLowerCase(), sort);
    const total = files.length;
    const rows: Result['rows'] = [];
    for (let at = offset; at < Math.min(total, offset + limit); at++) {
      rows.push(rowOf(files[descending ? total - 1 - at : at] as FileRecord));
    }
    return { rows, total };
  }

  async #search(search: string, sort: Sort): Promise<FileRecord[]> {
    const found = this.#found;
    if (found?.search === search && found.sort === sort && found.version === this.#version)
      return found.files;
    const version = this.#version;
    const files = await this.#order(sort);
    if (search === '') return files;
    const matching: FileRecord[] = [];
    for (const [at, file] of files.entries()) {
      if (file.name.toLowerCase().includes(search)) matching.push(file);
      if (at % FILTER_SLICE === FILTER_SLICE - 1) await this.#pause();
    }
    this.#found = { search, sort, version, files: matching };
    return matching;
  }

  async #order(sort: Sort): Promise<FileRecord[]> {
    const sorted = this.#sorted;
    if (sorted?.sort === sort && sorted.version === this.#version) return sorted.files;
    const version = this.#version;
    const byName = await this.#orderByName();
    const files = sort === 'name' ? byName : await sortInSlices(byName, comparisons[sort], this.#pause);
    this.#sorted = { sort, version, files };
    return files;
  }

  /** Merges what is new into what is kept, and drops what is gone. */
  async #orderByName(): Promise<FileRecord[]> {
    if (this.#added.size > 0 || this.#removed > 0) {
      const added = [...this.#added];
      this.#added = new Set();
      this.#removed = 0;
      const sorted = await sortInSlices(added, comparisons.name, this.#pause);
      const merged = await mergeInSlices(this.#byName, sorted, comparisons.name, this.#pause);
      this.#byName = merged.filter((file) => file.holdings.length > 0);
    }
    return this.#byName;
  }
}

const comparisons: Record<Sort, (a: FileRecord, b: FileRecord) => number> = {
  // Not by locale: a hundred times slower, and different on each machine.
  name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  size: (a, b) => sizeOf(a) - sizeOf(b),
  holders: (a, b) => a.holdings.length - b.holdings.length,
};

function sizeOf(file: FileRecord): number {
  return file.holdings[0]?.size ?? 0;
}

function rowOf(file: FileRecord): Result['rows'][number] {
  const holders = file.holdings.map(({ server }) => ({
    serverId: server.serverId,
    address: server.address,
    alive: server.status === 'alive',
  }));
  return { name: file.name, size: sizeOf(file), holders };
}
