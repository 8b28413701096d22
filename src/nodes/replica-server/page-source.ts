import type { FileStat, Files, Folder } from '../../runtime/context';
import { splitPath } from '../shared/log-file';
import { readWhole } from '../shared/whole-file';
import { FilePage, MEMORY_LIMIT, MemoryPage, type Page } from './page';

/** Where the page comes from. */
export interface PageSource {
  /** For people: a URL or a path. */
  readonly name: string;
  /** Why the copy that is served is not the newest, if so. */
  readonly problem?: string | undefined;
  /** The page as it is now. @throws an error that says why there is none */
  current(): Promise<Page>;
  close?(): void;
}

/** One file. It is looked at for each client, and read again only when it has changed. */
export class FileSource implements PageSource {
  #cached: { stat: FileStat; page: Page } | undefined;

  constructor(
    readonly folder: Folder,
    readonly file: string,
  ) {}

  get name(): string {
    return `${this.folder.path}/${this.file}`;
  }

  async current(): Promise<Page> {
    const stat = await this.folder.stat(this.file);
    const cached = this.#cached;
    if (cached?.stat.size === stat.size && cached.stat.modifiedMs === stat.modifiedMs) return cached.page;
    const page =
      stat.size > MEMORY_LIMIT
        ? new FilePage(stat.size, () => this.folder.open(this.file))
        : new MemoryPage(await readWhole(this.folder, this.file, MEMORY_LIMIT));
    this.#cached = { stat, page };
    return page;
  }
}

const INDEX_NAMES = ['index.html', 'index.htm'];
/** Files named in a list of a folder. */
const MAX_LISTED = 10_000;

/** A folder: its index.html, or its only file, or a list of its files. */
export class FolderSource implements PageSource {
  #file: FileSource | undefined;

  constructor(readonly folder: Folder) {}

  get name(): string {
    return this.#file?.name ?? this.folder.path;
  }

  async current(): Promise<Page> {
    for (const file of INDEX_NAMES) {
      const page = await this.#tryFile(file);
      if (page) return page;
    }
    const entries = await this.folder.list();
    const only = entries.length === 1 ? entries[0] : undefined;
    const page = only && (await this.#tryFile(only.name));
    if (page) return page;
    this.#file = undefined;
    return new MemoryPage(Buffer.from(listing(entries.slice(0, MAX_LISTED))));
  }

  async #tryFile(file: string): Promise<Page | null> {
    const source = this.#file?.file === file ? this.#file : new FileSource(this.folder, file);
    try {
      const page = await source.current();
      this.#file = source;
      return page;
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return null;
      throw error;
    }
  }
}

/** A path given by a person: a file, or a folder. @throws an error with code 'ENOENT' for neither */
export async function sourceAt(path: string, files: Files): Promise<PageSource> {
  if ((await files.kindOf(path)) === 'folder') return new FolderSource(await files.folder(path));
  const { folder, name } = splitPath(path);
  if ((await files.kindOf(path)) === 'missing')
    throw Object.assign(new Error(`There is no file or folder ${path}.`), { code: 'ENOENT' });
  return new FileSource(await files.folder(folder), name);
}

function listing(entries: readonly { name: string; size: number }[]): string {
  const rows = entries.map(({ name, size }) => `<li>${escapeHtml(name)} (${size} bytes)</li>\n`);
  return `<!doctype html>\n<meta charset="utf-8">\n<title>Files</title>\n<ul>\n${rows.join('')}</ul>\n`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
