/** The folders that nodes serve from, or save to: listed, watched, and written to by one writer a name. */
import { StudioError } from '../../contract/errors';
import type { NodeSpec } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import type { Files, Folder } from '../../runtime/context';
import { systemFiles } from '../../runtime/files';
import type { EventHub } from '../events/event-hub';
import { type WriteOptions, writeWhole } from './file-writer';
import { FolderListing } from './folder-listing';

export interface NodeFoldersOptions {
  hub: EventHub;
  /** Absolute path of the folder in a field of the node. */
  folderOf(node: NodeSpec, field: string): string;
}

export class NodeFolders {
  readonly #options: NodeFoldersOptions;
  readonly #files: Files;
  readonly #listings = new Map<string, Promise<FolderListing>>();
  /** Files that are being written, by path. */
  readonly #writing = new Set<string>();

  constructor(options: NodeFoldersOptions) {
    this.#options = options;
    const ignore = (): void => undefined;
    this.#files = systemFiles({ debug: ignore, info: ignore, warn: ignore, error: ignore });
  }

  /** @throws StudioError of code 'NO_FILES' for a node into which no files can be put */
  refuseWithoutFiles(node: NodeSpec): void {
    if (manifestOf(node.kind)?.filesField) return;
    throw new StudioError(
      'NO_FILES',
      `${node.name} serves no files.`,
      'Drop files on a node that does, such as a content server.',
    );
  }

  /** The folder that it serves, or for a client the one it saves to. */
  path(node: NodeSpec): string {
    const manifest = manifestOf(node.kind);
    const saves = Object.entries(manifest?.fields ?? {}).find(([, field]) => field.control === 'folder')?.[0];
    const field = manifest?.filesField ?? saves;
    if (field === undefined) throw new StudioError('NO_FILES', `${node.name} has no files.`);
    return this.#options.folderOf(node, field);
  }

  /** The listing of the folder that the node has now: its configuration may have changed. */
  async listing(node: NodeSpec): Promise<FolderListing> {
    const known = await this.#listings.get(node.id)?.catch(() => undefined);
    if (known && known.path === (await this.#folder(node)).path) return known;
    if (known) this.forget(node.id);
    const opening =
      this.#listings.get(node.id) ??
      this.#folder(node).then((folder) => new FolderListing(folder, () => this.#tell(node)));
    this.#listings.set(node.id, opening);
    opening.catch(() => this.#listings.delete(node.id));
    return opening;
  }

  /** Puts one whole file there. @throws StudioError, 'BUSY' when another writes the same name */
  async write(
    node: NodeSpec,
    name: string,
    chunks: AsyncIterable<Uint8Array>,
    options: WriteOptions,
  ): Promise<{ replaced: boolean }> {
    const folder = await this.#folder(node);
    const key = `${folder.path}\0${name}`;
    if (this.#writing.has(key))
      throw new StudioError('BUSY', `${name} is being added already.`, 'Wait for that, or cancel it.');
    this.#writing.add(key);
    try {
      return await writeWhole(folder, name, chunks, options);
    } finally {
      this.#writing.delete(key);
      this.changed(node);
    }
  }

  /** Something was changed by us; changes by others are noticed by the watch. */
  changed(node: NodeSpec): void {
    const listing = this.#listings.get(node.id);
    if (listing) void listing.then((each) => each.changed()).catch(() => undefined);
    else this.#tell(node);
  }

  /** The node is gone: nobody watches its folder any more. */
  forget(id: string): void {
    const listing = this.#listings.get(id);
    this.#listings.delete(id);
    void listing?.then((each) => each.close()).catch(() => undefined);
  }

  close(): void {
    for (const id of [...this.#listings.keys()]) this.forget(id);
  }

  #folder(node: NodeSpec): Promise<Folder> {
    return this.#files.folder(this.path(node));
  }

  #tell(node: NodeSpec): void {
    this.#options.hub.push({ type: 'files-changed', node: node.id });
  }
}
