/** The files of one folder, kept in memory, sorted and searched a page at a time. */
import type { FileRow, Page } from '../../contract/calls';
import type { Folder, FolderEntry } from '../../runtime/context';
import { naturalKey } from './natural-key';

export interface ListQuery {
  search: string;
  sort: 'name' | 'size' | 'modified' | 'holders';
  descending: boolean;
  offset: number;
  limit: number;
}

/** After a listing of a large folder, changes are reported again only after so many times as long. */
const REST = 4;
const MIN_REST_MS = 100;

interface Sorted {
  by: ListQuery['sort'];
  rows: FolderEntry[];
}

/**
 * A hundred thousand rows are listed once and then answered from memory, until the folder's watch says that
 * something changed.
 */
export class FolderListing {
  readonly #folder: Folder;
  readonly #onChange: () => void;
  readonly #watch: { cancel(): void };
  #entries: Promise<FolderEntry[]> | undefined;
  #sorted: Sorted | undefined;
  #restMs = MIN_REST_MS;
  #report: NodeJS.Timeout | undefined;

  constructor(folder: Folder, onChange: () => void) {
    this.#folder = folder;
    this.#onChange = onChange;
    this.#watch = folder.watch(() => this.changed());
  }

  get path(): string {
    return this.#folder.path;
  }

  async page({ search, sort, descending, offset, limit }: ListQuery): Promise<Page<FileRow>> {
    const rows = matching(await this.#rowsBy(sort), search);
    const start = descending ? Math.max(0, rows.length - offset - limit) : offset;
    const end = descending ? Math.max(0, rows.length - offset) : offset + limit;
    const slice = rows.slice(start, end);
    return { rows: descending ? slice.reverse() : slice, total: rows.length };
  }

  /** Something was changed here, or by somebody else. */
  changed(): void {
    this.#entries = undefined;
    this.#sorted = undefined;
    if (this.#report !== undefined) return;
    this.#report = setTimeout(() => {
      this.#report = undefined;
      this.#onChange();
    }, this.#restMs);
    this.#report.unref();
  }

  close(): void {
    clearTimeout(this.#report);
    this.#watch.cancel();
  }

  async #rowsBy(sort: ListQuery['sort']): Promise<FolderEntry[]> {
    const listing = this.#list();
    const entries = await listing;
    if (this.#sorted?.by === sort) return this.#sorted.rows;
    const rows = sortEntries(entries, sort);
    // Otherwise the folder has changed meanwhile, and this order is not worth keeping.
    if (this.#entries === listing) this.#sorted = { by: sort, rows };
    return rows;
  }

  #list(): Promise<FolderEntry[]> {
    const listing = this.#entries ?? this.#read();
    this.#entries = listing;
    return listing;
  }

  async #read(): Promise<FolderEntry[]> {
    const began = performance.now();
    const entries = await this.#folder.list();
    this.#restMs = Math.max(MIN_REST_MS, (performance.now() - began) * REST);
    return entries;
  }
}

function matching(rows: FolderEntry[], search: string): FolderEntry[] {
  const wanted = search.trim().toLowerCase();
  return wanted === '' ? rows : rows.filter((row) => row.name.toLowerCase().includes(wanted));
}

/** By name where the sort says nothing, or says the same of two. */
function sortEntries(entries: readonly FolderEntry[], sort: ListQuery['sort']): FolderEntry[] {
  const keyed = entries.map((entry) => ({ entry, key: naturalKey(entry.name) }));
  const byName = (a: { key: string }, b: { key: string }): number =>
    a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
  if (sort === 'size') keyed.sort((a, b) => a.entry.size - b.entry.size || byName(a, b));
  else if (sort === 'modified') keyed.sort((a, b) => a.entry.modifiedMs - b.entry.modifiedMs || byName(a, b));
  else keyed.sort(byName);
  return keyed.map(({ entry }) => entry);
}
