/** The files of nodes: listed, added by path or upload, removed. */
import type { FileRow, Page, UploadTicket } from '../../contract/calls';
import type { NodeSpec } from '../../contract/workspace';
import type { EventHub } from '../events/event-hub';
import type { Tasks } from '../tasks';
import { countOf } from './batch';
import type { ListQuery } from './folder-listing';
import { Imports } from './imports';
import { NodeFolders } from './node-folders';
import { moveToTrash } from './trash';
import { Uploads } from './uploads';

export interface ContentOptions {
  hub: EventHub;
  tasks: Tasks;
  node(id: string): NodeSpec;
  /** Absolute path of the folder in a field of the node. */
  folderOf(node: NodeSpec, field: string): string;
  trash(): string;
  /** Why some names may not be seen by other programs, by file name. */
  notes(node: NodeSpec): ReadonlyMap<string, string>;
}

export class Content {
  readonly #options: ContentOptions;
  readonly #folders: NodeFolders;
  readonly #imports: Imports;
  readonly #uploads: Uploads;

  constructor(options: ContentOptions) {
    this.#options = options;
    const { hub, tasks } = options;
    this.#folders = new NodeFolders(options);
    this.#imports = new Imports(hub, tasks, this.#folders);
    this.#uploads = new Uploads(tasks, this.#folders);
  }

  async list(id: string, query: ListQuery): Promise<Page<FileRow>> {
    const node = this.#options.node(id);
    const page = await (await this.#folders.listing(node)).page(query);
    const notes = this.#options.notes(node);
    if (notes.size === 0) return page;
    const rows = page.rows.map((row) => {
      const note = notes.get(row.name);
      return note === undefined ? row : { ...row, note };
    });
    return { ...page, rows };
  }

  /** Moves files to the workspace's trash. */
  async remove(id: string, names: readonly string[]): Promise<void> {
    const node = this.#options.node(id);
    const { hub, trash } = this.#options;
    const { moved, to } = await moveToTrash(this.#folders.path(node), names, trash(), node.id);
    this.#folders.changed(node);
    if (moved > 0) hub.notice('info', `${countOf(moved)} removed from ${node.name}`, `Kept in ${to}`);
  }

  /** Copies files and folders of this machine into a node; returns the tasks, which go on by themselves. */
  import(id: string, paths: readonly string[]): string[] {
    return this.#imports.begin(this.#options.node(id), paths);
  }

  /** Announces uploads; the tickets end when `page` fires. */
  prepareUpload(
    id: string,
    announced: readonly { name: string; size: number }[],
    page: AbortSignal,
  ): UploadTicket[] {
    return this.#uploads.prepare(this.#options.node(id), announced, page);
  }

  receiveUpload(uploadId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#uploads.receive(uploadId, chunks);
  }

  /** The node is gone. */
  forget(id: string): void {
    this.#folders.forget(id);
  }

  close(): void {
    this.#folders.close();
    this.#uploads.close();
  }
}
