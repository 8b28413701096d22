/** Files that a browser sends: announced by a call, which gives tickets, then streamed one by one. */
import { randomUUID } from 'node:crypto';
import type { UploadTicket } from '../../contract/calls';
import { StudioError } from '../../contract/errors';
import type { NodeSpec } from '../../contract/workspace';
import type { Tasks } from '../tasks';
import { Batch } from './batch';
import type { NodeFolders } from './node-folders';

/** Up to so many files each have a task of their own; more share one. */
const MAX_TASKS_AT_ONCE = 50;
/** A ticket that nobody uses ends after so long, so that its task does not run for ever. */
const TICKET_MS = 30 * 60_000;

interface Announced {
  name: string;
  /** Bytes. */
  size: number;
}

interface Ticket extends Announced {
  node: NodeSpec;
  batch: Batch;
  expiry: NodeJS.Timeout;
  /** Tickets of the same page, to which this one belongs until it is used. */
  ofPage: Set<string>;
}

export class Uploads {
  readonly #tasks: Tasks;
  readonly #folders: NodeFolders;
  readonly #tickets = new Map<string, Ticket>();
  /** Tickets by the page that asked for them. */
  readonly #ticketsOf = new WeakMap<AbortSignal, Set<string>>();

  constructor(tasks: Tasks, folders: NodeFolders) {
    this.#tasks = tasks;
    this.#folders = folders;
  }

  /** Each ticket is good for one `receive`. They end when `page` fires: its page is gone. */
  prepare(node: NodeSpec, announced: readonly Announced[], page: AbortSignal): UploadTicket[] {
    this.#folders.refuseWithoutFiles(node);
    const shared = announced.length > MAX_TASKS_AT_ONCE ? this.#batch(node, announced) : undefined;
    const ofPage = this.#ticketsOfPage(page);
    return announced.map((file) => {
      const uploadId = randomUUID();
      const batch = shared ?? this.#batch(node, [file]);
      const expiry = setTimeout(() => this.#expire(uploadId, 'It was never sent.'), TICKET_MS).unref();
      this.#tickets.set(uploadId, { ...file, node, batch, expiry, ofPage });
      ofPage.add(uploadId);
      return { uploadId, name: file.name, task: batch.task.id };
    });
  }

  /**
   * Takes the bytes of an announced file, as fast as the disk takes them.
   * @throws StudioError 'UNKNOWN_UPLOAD', 'SIZE_MISMATCH', 'UNSAFE_NAME', 'CANCELLED' …
   */
  async receive(uploadId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const ticket = this.#tickets.get(uploadId);
    if (!ticket)
      throw new StudioError(
        'UNKNOWN_UPLOAD',
        'This upload was not announced, or was made already.',
        'Add the file again.',
      );
    this.#forget(uploadId, ticket);
    const { node, name, size, batch } = ticket;
    const { task } = batch;
    let written = 0;
    const onBytes = (count: number): void => {
      written += count;
      task.advance(count);
    };
    try {
      batch.fileAdded(await this.#folders.write(node, name, chunks, { size, signal: task.signal, onBytes }));
    } catch (error) {
      task.advance(-written);
      batch.fileFailed(error);
      throw error;
    }
  }

  close(): void {
    for (const uploadId of [...this.#tickets.keys()]) this.#expire(uploadId, 'The studio was closed.');
  }

  #batch(node: NodeSpec, announced: readonly Announced[]): Batch {
    const [first] = announced;
    const task = this.#tasks.begin({
      kind: 'upload',
      title: announced.length === 1 ? `Add ${first?.name}` : `Add ${announced.length} files`,
      node: node.id,
      unit: 'bytes',
      total: announced.reduce((sum, file) => sum + file.size, 0),
    });
    const batch = new Batch(task, node.name, announced.length);
    // What has not begun to come would otherwise not notice that it was cancelled.
    const cancel = (): void => {
      for (const [uploadId, ticket] of this.#tickets)
        if (ticket.batch === batch) this.#expire(uploadId, 'Cancelled.');
    };
    task.signal.addEventListener('abort', cancel, { once: true });
    return batch;
  }

  #ticketsOfPage(page: AbortSignal): Set<string> {
    const known = this.#ticketsOf.get(page);
    if (known) return known;
    const uploadIds = new Set<string>();
    this.#ticketsOf.set(page, uploadIds);
    const leave = (): void => {
      for (const uploadId of uploadIds) this.#expire(uploadId, 'The page was closed before it was sent.');
    };
    page.addEventListener('abort', leave, { once: true });
    return uploadIds;
  }

  #expire(uploadId: string, why: string): void {
    const ticket = this.#tickets.get(uploadId);
    if (!ticket) return;
    this.#forget(uploadId, ticket);
    ticket.batch.fileFailed(new StudioError('NOT_SENT', `${ticket.name}: ${why}`));
  }

  #forget(uploadId: string, ticket: Ticket): void {
    clearTimeout(ticket.expiry);
    ticket.ofPage.delete(uploadId);
    this.#tickets.delete(uploadId);
  }
}
