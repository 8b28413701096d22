/** What a peer tells download programs about a file over HTTP: who else has it, and how to check it. */
import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { formatOldDigest } from '../../protocol/http/digest';
import { pathOfFile } from '../../protocol/http/target';
import { formatDuplicateLinks, formatMetalink, type MetalinkUrl } from '../../protocol/metalink';
import { hashOf } from '../engine/piece-hashes';
import type { IndexLink } from './index-link';
import type { Library, SharedFile } from './library';

export const METALINK_ENDING = '.meta4';

export class HttpDescription {
  readonly #library: Library;
  readonly #link: IndexLink;

  constructor(library: Library, link: IndexLink) {
    this.#library = library;
    this.#link = link;
  }

  /** RFC 5854. @param own where the asker reached this peer */
  async metalink(file: SharedFile, own: Endpoint): Promise<string> {
    const { layout, hashes } = await this.#library.hashesOf(file);
    const others = await this.#others(file);
    const urls = [{ url: urlOf(own, file), priority: 1 }, ...others];
    const hex = Array.from({ length: layout.count }, (_, piece) =>
      Buffer.from(hashOf(hashes, piece)).toString('hex'),
    );
    const pieces = layout.count > 0 ? { hash: 'sha-256' as const, length: layout.pieceSize, hex } : null;
    const { sha256 } = file.digests;
    return formatMetalink([
      { name: file.name, size: file.size, hashes: sha256 ? { 'sha-256': sha256 } : {}, pieces, urls },
    ]);
  }

  /** The field that names the Metalink. */
  describedBy(file: SharedFile): [string, string][] {
    const links = formatDuplicateLinks([], `${pathOfFile(file.name)}${METALINK_ENDING}`);
    return links.map((link) => ['Link', link]);
  }

  /**
   * Everybody who has the file, and its digest, for who asks for one: without it nobody may take a file from several
   * (RFC 6249, section 6). The first to ask waits until the file has been read.
   */
  async mirrors(file: SharedFile): Promise<[string, string][]> {
    const others = await this.#others(file);
    if (others.length === 0) return [];
    const digest = Buffer.from(await this.#library.digestOf(file, 'sha256'), 'hex');
    const links = formatDuplicateLinks(others).map((link): [string, string] => ['Link', link]);
    return [...links, ['Digest', formatOldDigest(digest)]];
  }

  /** Peers of our own that have the file in full: they serve it over HTTP as well. */
  async #others(file: SharedFile): Promise<MetalinkUrl[]> {
    const { root } = await this.#library.hashesOf(file);
    const found = await this.#link.find(file.name).catch(() => []);
    return found
      .filter((holder) => holder.extended && holder.complete && root.equals(holder.root))
      .map((holder, at) => ({ url: urlOf(holder, file), priority: at + 2 }));
  }
}

function urlOf(at: Endpoint, { name }: SharedFile): string {
  return `http://${formatEndpoint(at)}${pathOfFile(name)}`;
}
