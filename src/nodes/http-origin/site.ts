import { isHiddenName } from '../../protocol/file-name';
import { fileNameOf, pathOfFile } from '../../protocol/http/target';
import type { Clock, Endpoint, FileStat, Folder } from '../../runtime/context';
import type { HeaderRule } from './header-rules';
import { mirrorLinks } from './mirrors';
import { type Representation, representationOf } from './representation';

const INDEX = 'index.html';

/** What a path leads to. */
export type Found =
  | { kind: 'file'; representation: Representation }
  /** A folder was asked for without the slash at its end. */
  | { kind: 'redirect'; location: string }
  | { kind: 'listing'; html: string }
  | { kind: 'nothing' };

/** The folder as a site: paths to files. */
export class Site {
  readonly #folder: Folder;
  readonly #rules: readonly HeaderRule[];
  readonly #listing: boolean;
  readonly #mirrors: readonly Endpoint[];
  readonly #clock: Clock;

  constructor(
    folder: Folder,
    rules: readonly HeaderRule[],
    listing: boolean,
    mirrors: readonly Endpoint[],
    clock: Clock,
  ) {
    this.#mirrors = mirrors;
    this.#folder = folder;
    this.#rules = rules;
    this.#listing = listing;
    this.#clock = clock;
  }

  get folder(): Folder {
    return this.#folder;
  }

  /** @param path path and query of the request */
  async find(path: string): Promise<Found> {
    const name = fileNameOf(path);
    if (name === null) return { kind: 'nothing' };
    if (name === '' || name.endsWith('/')) return this.#findFolder(name);
    const representation = await this.#file(name);
    if (representation) return { kind: 'file', representation };
    if (await this.#file(`${name}/${INDEX}`)) return { kind: 'redirect', location: `${pathOfFile(name)}/` };
    return { kind: 'nothing' };
  }

  represent(name: string, stat: FileStat): Representation {
    const links = this.#mirrors.length > 0 ? mirrorLinks(name, this.#mirrors) : [];
    return representationOf(name, `/${name}`, stat, this.#rules, this.#clock.wallTime(), links);
  }

  async #findFolder(name: string): Promise<Found> {
    const representation = await this.#file(`${name}${INDEX}`);
    if (representation) return { kind: 'file', representation };
    if (!this.#listing) return { kind: 'nothing' };
    const below = (await this.#folder.list()).filter((entry) => entry.name.startsWith(name));
    if (below.length === 0 && name !== '') return { kind: 'nothing' };
    return {
      kind: 'listing',
      html: listingOf(
        name,
        below.map((entry) => entry.name.slice(name.length)),
      ),
    };
  }

  /** Undefined for what is not there, is hidden, or would lead out of the folder. */
  async #file(name: string): Promise<Representation | undefined> {
    if (isHiddenName(name)) return undefined;
    try {
      return this.represent(name, await this.#folder.stat(name));
    } catch {
      return undefined;
    }
  }
}

/** Files, and folders once each, as links. */
function listingOf(folder: string, names: string[]): string {
  const entries = new Set(names.map((name) => name.replace(/\/.*$/s, '/')));
  const links = [...entries].sort().map((entry) => {
    const href = entry.endsWith('/')
      ? `${encodeURIComponent(entry.slice(0, -1))}/`
      : encodeURIComponent(entry);
    return `<li><a href="./${href}">${escapeHtml(entry)}</a></li>`;
  });
  const title = `Files of /${escapeHtml(folder)}`;
  return `<!doctype html><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><ul>${links.join('')}</ul>\n`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
