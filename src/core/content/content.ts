/** The files of nodes: listed, added by path or upload, removed. */
import type { FileRow, Page, RemovedFile, UploadTicket } from '../../contract/calls';
import { toErrorShape } from '../../contract/errors';
import type { NodeSpec } from '../../contract/workspace';
import type { EventHub } from '../events/event-hub';
import type { Tasks } from '../tasks';
import type { ListQuery } from './folder-listing';
import { Imports } from './imports';
import { NodeFolders } from './node-folders';
import { Trash } from './trash';
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
  readonly #trash: Trash;

  constructor(options: ContentOptions) {
    this.#options = options;
    const { hub, tasks } = options;
    this.#folders = new NodeFolders(options);
    this.#imports = new Imports(hub, tasks, this.#folders);
    this.#uploads = new Uploads(tasks, this.#folders);
    this.#trash = new Trash(options.trash);
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
  async remove(id: string, names: readonly string[]): Promise<{ batch: string; removed: number }> {
    const node = this.#options.node(id);
    try {
      return await this.#trash.take(node.id, this.#folders.path(node), names);
    } finally {
      this.#folders.changed(node);
    }
  }

  /** What was removed, and where it is kept. */
  async removed(
    id: string,
    range: { offset: number; limit: number },
  ): Promise<Page<RemovedFile> & { folder: string }> {
    const node = this.#options.node(id);
    return { ...(await this.#trash.list(node.id, range)), folder: this.#trash.folder };
  }

  /** Puts removed files back, those that can be. */
  async restore(
    id: string,
    files: readonly Pick<RemovedFile, 'batch' | 'name'>[],
  ): Promise<{ restored: number; problems: string[] }> {
    const node = this.#options.node(id);
    const folder = this.#folders.path(node);
    const problems: string[] = [];
    for (const file of files) {
      await this.#trash
        .putBack(node.id, folder, file)
        .catch((error: unknown) => void problems.push(toErrorShape(error).message));
    }
    this.#folders.changed(node);
    return { restored: files.length - problems.length, problems };
  }

  /** Deletes the removed files of a node for good. */
  async emptyTrash(id: string): Promise<number> {
    const node = this.#options.node(id);
    try {
      return await this.#trash.empty(node.id);
    } finally {
      this.#folders.changed(node);
    }
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
