/** Everything that the indexes of the workspace know, as one list. */
import type { CatalogueRow, Page } from '../../contract/calls';
import { parseEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import type { NodeSpec } from '../../contract/workspace';
import { abortable } from '../../protocol/abortable';
import { naturalKey } from '../content/natural-key';
import type { AddressBook } from '../supervisor/address-book';
import { aliasesOf } from '../supervisor/supervised-node';

/** The operation that an index answers; input and output are those of the index's manifest. */
const OPERATION = 'catalogue';
/** Rows asked for at once when several indexes must be merged. */
const MERGE_PAGE = 10_000;
/** Whoever wants to download is not kept waiting for an index that hangs: after so long it knows nothing. */
const KNOWS_WITHIN_MS = 2000;
/** For a page of the list; an index that hangs must not leave the panel without a word. */
const LISTS_WITHIN_MS = 5000;

interface IndexQuery {
  search: string;
  sort: 'name' | 'size' | 'holders';
  descending: boolean;
  offset: number;
  limit: number;
}

interface IndexRow {
  name: string;
  size: number;
  holders: IndexHolder[];
}
/** A server by the id that it registered with; a peer has none, and is gone when it is not there. */
interface IndexHolder {
  serverId?: string;
  peer?: string;
  address: string;
  alive?: boolean;
}

/** An index that knows a file, and the nodes of the workspace that hold it. */
export interface Known {
  index: string;
  holders: string[];
}

export interface CatalogueOptions {
  /** Running nodes whose kind keeps a catalogue. */
  indexes(): string[];
  nodes(): NodeSpec[];
  operate(id: string, operation: string, input: unknown, options: { signal: AbortSignal }): Promise<unknown>;
  addresses(): AddressBook;
}

export interface CatalogueQuery extends Omit<IndexQuery, 'sort'> {
  sort: IndexQuery['sort'] | 'modified';
}

export class Catalogue {
  readonly #options: CatalogueOptions;

  constructor(options: CatalogueOptions) {
    this.#options = options;
  }

  /**
   * A page of the catalogue; an index does not know when a file was modified, so that sorts by name. Of several
   * indexes, those that do not answer are left out.
   * @throws StudioError INDEX_SILENT when none answers
   */
  async list(query: CatalogueQuery): Promise<Page<CatalogueRow>> {
    const asked: IndexQuery = { ...query, sort: query.sort === 'modified' ? 'name' : query.sort };
    const indexes = this.#options.indexes();
    const [only] = indexes;
    if (only === undefined) return { rows: [], total: 0 };
    const page =
      indexes.length === 1
        ? await this.#ask(only, asked, LISTS_WITHIN_MS)
        : await this.#merged(indexes, asked);
    return { total: page.total, rows: page.rows.map((row) => this.#described(row)) };
  }

  /**
   * The running indexes that know a file of exactly this name. One that does not answer knows nothing.
   * @throws the reason of `signal` when that fires first
   */
  async whoKnows(name: string, signal: AbortSignal): Promise<Known[]> {
    const query: IndexQuery = { search: name, sort: 'name', descending: false, offset: 0, limit: 1000 };
    const asked = this.#options.indexes().map(async (index) => {
      const { rows } = await this.#ask(index, query, KNOWS_WITHIN_MS, signal).catch(() => ({ rows: [] }));
      const row = rows.find((each) => each.name === name);
      return row ? [{ index, holders: this.#described(row).holders.flatMap(({ node }) => node ?? []) }] : [];
    });
    const known = await Promise.all(asked);
    signal.throwIfAborted();
    return known.flat();
  }

  async #merged(indexes: readonly string[], query: IndexQuery): Promise<Page<IndexRow>> {
    const lists = await Promise.allSettled(indexes.map((id) => this.#all(id, query)));
    const answers = lists.flatMap((list) => (list.status === 'fulfilled' ? [list.value] : []));
    const [first] = lists;
    if (answers.length === 0 && first?.status === 'rejected') throw first.reason;
    const rows = mergeRows(answers.flat());
    rows.sort(comparison(query));
    return { total: rows.length, rows: rows.slice(query.offset, query.offset + query.limit) };
  }

  async #all(id: string, query: IndexQuery): Promise<IndexRow[]> {
    const rows: IndexRow[] = [];
    for (;;) {
      const page = await this.#ask(id, { ...query, offset: rows.length, limit: MERGE_PAGE }, LISTS_WITHIN_MS);
      rows.push(...page.rows);
      if (page.rows.length === 0 || rows.length >= page.total) return rows;
    }
  }

  /** @throws StudioError INDEX_SILENT after `withinMs`, or the reason of `signal` when that fires first */
  async #ask(id: string, query: IndexQuery, withinMs: number, signal?: AbortSignal): Promise<Page<IndexRow>> {
    const late = new AbortController();
    const deadline = setTimeout(() => late.abort(this.#silence(id)), withinMs);
    const enough = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    const asked = this.#options.operate(id, OPERATION, query, { signal: enough });
    const answer = await abortable(asked, enough).finally(() => clearTimeout(deadline));
    const page = answer as Page<IndexRow> | undefined;
    if (!page || !Array.isArray(page.rows))
      throw new StudioError('NO_CATALOGUE', 'The index did not answer with a catalogue.');
    return page;
  }

  #silence(id: string): StudioError {
    const name = this.#options.nodes().find((node) => node.id === id)?.name ?? id;
    return new StudioError(
      'INDEX_SILENT',
      `${name} does not say which files there are.`,
      'It may hang or be broken by a fault: heal or restart it.',
    );
  }

  #described({ name, size, holders }: IndexRow): CatalogueRow {
    const described = holders.map((holder) => {
      const { address, alive = true } = holder;
      const serverId = idOf(holder);
      const node = this.#nodeOf(serverId, address);
      return { serverId, alive, ...(node ? { node } : {}) };
    });
    return { name, size, holders: described.sort((a, b) => Number(b.alive) - Number(a.alive)) };
  }

  /** By address first: two workspaces may use the same id, but not the same port. */
  #nodeOf(serverId: string, address: string): string | undefined {
    const endpoint = parseEndpoint(address);
    const listening = endpoint && this.#options.addresses().find(endpoint, 'tcp');
    if (listening) return listening.node.id;
    return this.#options.nodes().find((node) => aliasesOf(node).includes(serverId))?.id;
  }
}

/** The same name in two indexes is one row with the holders of both. */
export function mergeRows(rows: readonly IndexRow[]): IndexRow[] {
  const byName = new Map<string, IndexRow>();
  for (const row of rows) {
    const known = byName.get(row.name);
    if (!known) {
      byName.set(row.name, { ...row, holders: [...row.holders] });
      continue;
    }
    for (const holder of row.holders) {
      if (!known.holders.some((each) => idOf(each) === idOf(holder))) known.holders.push(holder);
    }
  }
  return [...byName.values()];
}

function idOf({ serverId, peer, address }: IndexHolder): string {
  return serverId ?? peer ?? address;
}

/**
 * What of an index's snapshot its catalogue depends on, as a text to compare: how many files there are, and
 * who of their holders is there. Loads and decisions change with every lookup, and the catalogue does not.
 */
export function catalogueMark(snapshot: Record<string, unknown>): string {
  const holders = [snapshot.servers, snapshot.peers].flatMap((list) => (Array.isArray(list) ? list : []));
  const marks = holders.map((holder: Record<string, unknown>) => [
    holder.serverId ?? holder.id,
    holder.files,
    holder.bytes,
    holder.status,
  ]);
  return JSON.stringify([snapshot.files, marks]);
}

function comparison({ sort, descending }: IndexQuery): (a: IndexRow, b: IndexRow) => number {
  const sign = descending ? -1 : 1;
  const byName = (a: IndexRow, b: IndexRow): number => {
    const [left, right] = [naturalKey(a.name), naturalKey(b.name)];
    return left < right ? -1 : left > right ? 1 : 0;
  };
  const figure = (row: IndexRow): number => (sort === 'size' ? row.size : row.holders.length);
  return (a, b) => sign * (sort === 'name' ? byName(a, b) : figure(a) - figure(b) || byName(a, b));
}
