/** The files of nodes: listed, added by path or upload, removed. */

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { FileRow, Page, UploadTicket } from '../../contract/calls';
import { StudioError, toErrorShape } from '../../contract/errors';
import type { NodeSpec } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import type { Files, Folder } from '../../runtime/context';
import { systemFiles } from '../../runtime/files';
import type { EventHub } from '../events/event-hub';
import type { Task, Tasks } from '../tasks';
import { writeWhole } from './file-writer';
import { FolderListing, type ListQuery } from './folder-listing';
import { type ImportFile, type ImportPlan, planImport } from './import-plan';
import { moveToTrash } from './trash';

/** Up to so many files each have a task of their own; more share one. */
const MAX_TASKS_AT_ONCE = 50;
/** Copies that run at once; more only make each slower, since all go to the same disk. */
const COPIES_AT_ONCE = 2;
/** A ticket that nobody uses ends after so long, so that its task does not run for ever. */
const TICKET_MS = 30 * 60_000;
const READ_BYTES = 1024 * 1024;

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

/** Several files that go into one node together, under one task or several. */
interface Batch {
  task: Task;
  name: string;
  left: number;
  added: number;
  replaced: number;
  skipped: number;
  problems: string[];
}

interface Ticket {
  node: NodeSpec;
  name: string;
  size: number;
  batch: Batch;
  expiry: NodeJS.Timeout;
  /** Tickets of the same page, to which this one belongs until it is used. */
  ofPage: Set<string>;
}

export class Content {
  readonly #options: ContentOptions;
  readonly #files: Files;
  readonly #listings = new Map<string, Promise<FolderListing>>();
  readonly #tickets = new Map<string, Ticket>();
  /** Tickets by the page that asked for them. */
  readonly #ticketsOf = new WeakMap<AbortSignal, Set<string>>();
  /** Files that are being written, by path: a second writer of the same name is refused. */
  readonly #writing = new Set<string>();

  constructor(options: ContentOptions) {
    this.#options = options;
    const ignore = (): void => undefined;
    this.#files = systemFiles({ debug: ignore, info: ignore, warn: ignore, error: ignore });
  }

  async list(id: string, query: ListQuery): Promise<Page<FileRow>> {
    const node = this.#options.node(id);
    const page = await (await this.#listing(node)).page(query);
    const notes = this.#options.notes(node);
    if (notes.size === 0) return page;
    return {
      ...page,
      rows: page.rows.map((row) => {
        const note = notes.get(row.name);
        return note === undefined ? row : { ...row, note };
      }),
    };
  }

  /** Moves files to the workspace's trash. */
  async remove(id: string, names: readonly string[]): Promise<void> {
    const node = this.#options.node(id);
    const folder = this.#folderPath(node);
    const { moved, to } = await moveToTrash(folder, names, this.#options.trash(), node.id);
    this.#changed(node);
    const title = `${files(moved)} removed from ${node.name}`;
    if (moved > 0) this.#options.hub.notice('info', title, `Kept in ${to}`);
  }

  /** Copies files and folders of this machine into a node; resolves to the tasks, which go on by themselves. */
  import(id: string, paths: readonly string[]): string[] {
    const node = this.#options.node(id);
    this.#refuseWithoutFiles(node);
    const groups = paths.length > MAX_TASKS_AT_ONCE ? [paths] : paths.map((path) => [path]);
    const tasks = groups.map((group) => ({
      group,
      task: this.#options.tasks.begin({
        kind: 'upload',
        title: group.length === 1 ? `Add ${lastPart(group[0] as string)}` : `Add ${group.length} items`,
        node: node.id,
        unit: 'bytes',
      }),
    }));
    void this.#importAll(node, tasks);
    return tasks.map(({ task }) => task.id);
  }

  /** Announces uploads; each ticket is good for one `receive`. They end when `signal` fires (the page is gone). */
  prepareUpload(
    id: string,
    announced: readonly { name: string; size: number }[],
    signal: AbortSignal,
  ): UploadTicket[] {
    const node = this.#options.node(id);
    this.#refuseWithoutFiles(node);
    const shared = announced.length > MAX_TASKS_AT_ONCE ? this.#batch(node, announced) : undefined;
    const ofPage = this.#ticketsOfPage(signal);
    const uploadIds = announced.map((file) => {
      const uploadId = randomUUID();
      const batch = shared ?? this.#batch(node, [file]);
      const expiry = setTimeout(() => this.#expire(uploadId, 'It was never sent.'), TICKET_MS);
      expiry.unref();
      this.#tickets.set(uploadId, { node, ...file, batch, expiry, ofPage });
      ofPage.add(uploadId);
      return uploadId;
    });
    return announced.map(({ name }, i) => ({ uploadId: uploadIds[i] as string, name }));
  }

  /**
   * Takes the bytes of an announced upload. Reads as fast as the disk takes them.
   * @throws StudioError 'UNKNOWN_UPLOAD', 'SIZE_MISMATCH', 'UNSAFE_NAME', 'CANCELLED' …
   */
  async receiveUpload(uploadId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const ticket = this.#tickets.get(uploadId);
    if (!ticket)
      throw new StudioError(
        'UNKNOWN_UPLOAD',
        'This upload was not announced, or was made already.',
        'Add the file again.',
      );
    this.#forgetTicket(uploadId, ticket);
    const { node, name, size, batch } = ticket;
    let written = 0;
    try {
      const { replaced } = await this.#write(node, name, chunks, {
        size,
        signal: batch.task.signal,
        onBytes: (count) => {
          written += count;
          batch.task.advance(count);
        },
      });
      this.#count(batch, { added: 1, replaced: replaced ? 1 : 0 });
    } catch (error) {
      batch.task.advance(-written);
      this.#count(batch, { problem: error });
      throw error;
    }
  }

  /** The node is gone: nobody watches its folder any more. */
  forget(id: string): void {
    const listing = this.#listings.get(id);
    this.#listings.delete(id);
    void listing?.then((each) => each.close()).catch(() => undefined);
  }

  close(): void {
    for (const id of [...this.#listings.keys()]) this.forget(id);
    for (const uploadId of [...this.#tickets.keys()]) this.#expire(uploadId, 'The studio was closed.');
  }

  async #importAll(node: NodeSpec, groups: { group: readonly string[]; task: Task }[]): Promise<void> {
    const outcomes: Batch[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let at = next++; at < groups.length; at = next++) {
        const each = groups[at] as (typeof groups)[number];
        outcomes.push(await this.#importGroup(node, each.group, each.task));
      }
    };
    await Promise.all(Array.from({ length: COPIES_AT_ONCE }, worker));
    this.#tellImport(node, outcomes);
  }

  async #importGroup(node: NodeSpec, paths: readonly string[], task: Task): Promise<Batch> {
    const batch: Batch = { task, name: node.name, left: 0, added: 0, replaced: 0, skipped: 0, problems: [] };
    try {
      const plans: ImportPlan[] = [];
      for (const path of paths) plans.push(await planImport(path, task.signal));
      task.setTotal(plans.reduce((sum, plan) => sum + plan.bytes, 0));
      batch.skipped = plans.reduce((sum, plan) => sum + plan.skipped, 0);
      batch.left = plans.reduce((sum, plan) => sum + plan.files.length, 0);
      if (batch.left === 0) this.#finish(batch);
      for (const file of plans.flatMap((plan) => plan.files)) await this.#importFile(node, file, batch);
    } catch (error) {
      batch.problems.push(toErrorShape(error).message);
      task.fail(error);
    }
    return batch;
  }

  async #importFile(node: NodeSpec, { source, name, size }: ImportFile, batch: Batch): Promise<void> {
    const { task } = batch;
    if (task.signal.aborted) return this.#count(batch, { problem: task.signal.reason });
    try {
      const chunks = createReadStream(source, { highWaterMark: READ_BYTES });
      const { replaced } = await this.#write(node, name, chunks, {
        size,
        signal: task.signal,
        onBytes: (count) => task.advance(count),
      });
      this.#count(batch, { added: 1, replaced: replaced ? 1 : 0 });
    } catch (error) {
      this.#count(batch, { problem: error });
    }
  }

  async #write(
    node: NodeSpec,
    name: string,
    chunks: AsyncIterable<Uint8Array>,
    options: Parameters<typeof writeWhole>[3],
  ): Promise<{ replaced: boolean }> {
    const folder = await this.#folder(node);
    const key = `${folder.path}\0${name}`;
    if (this.#writing.has(key))
      throw new StudioError(
        'BUSY',
        `${name} is being added already.`,
        'Wait until that has ended, or cancel it.',
      );
    this.#writing.add(key);
    try {
      return await writeWhole(folder, name, chunks, options);
    } finally {
      this.#writing.delete(key);
      this.#changed(node);
    }
  }

  #batch(node: NodeSpec, announced: readonly { name: string; size: number }[]): Batch {
    const [first] = announced;
    const task = this.#options.tasks.begin({
      kind: 'upload',
      title: announced.length === 1 ? `Add ${first?.name}` : `Add ${announced.length} files`,
      node: node.id,
      unit: 'bytes',
      total: announced.reduce((sum, file) => sum + file.size, 0),
    });
    const batch = {
      task,
      name: node.name,
      left: announced.length,
      added: 0,
      replaced: 0,
      skipped: 0,
      problems: [],
    };
    // What has not begun to come would otherwise not notice that it was cancelled.
    const cancel = (): void => {
      for (const [uploadId, ticket] of this.#tickets)
        if (ticket.batch === batch) this.#expire(uploadId, 'Cancelled.');
    };
    task.signal.addEventListener('abort', cancel, { once: true });
    return batch;
  }

  #ticketsOfPage(signal: AbortSignal): Set<string> {
    const known = this.#ticketsOf.get(signal);
    if (known) return known;
    const uploadIds = new Set<string>();
    this.#ticketsOf.set(signal, uploadIds);
    const leave = (): void => {
      for (const uploadId of uploadIds) this.#expire(uploadId, 'The page was closed before it was sent.');
    };
    signal.addEventListener('abort', leave, { once: true });
    return uploadIds;
  }

  #count(batch: Batch, outcome: { added?: number; replaced?: number; problem?: unknown }): void {
    batch.left -= 1;
    batch.added += outcome.added ?? 0;
    batch.replaced += outcome.replaced ?? 0;
    if (outcome.problem !== undefined) batch.problems.push(toErrorShape(outcome.problem).message);
    if (batch.left === 0) this.#finish(batch);
  }

  #finish(batch: Batch): void {
    const { task, problems } = batch;
    const [problem] = problems;
    if (task.signal.aborted) return task.cancelled(batch.added > 0 ? outcomeOf(batch) : undefined);
    if (problem === undefined) return task.done(outcomeOf(batch));
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
    task.fail(
      new StudioError('NOT_ADDED', `${problem}${more}`, batch.added > 0 ? outcomeOf(batch) : undefined),
    );
  }

  #tellImport(node: NodeSpec, batches: readonly Batch[]): void {
    const added = batches.reduce((sum, batch) => sum + batch.added, 0);
    const problems = batches.filter(({ task }) => !task.signal.aborted).flatMap((batch) => batch.problems);
    if (problems.length > 0)
      this.#options.hub.notice(
        'bad',
        `${files(problems.length)} could not be added to ${node.name}`,
        problems[0],
      );
    if (added > 0) this.#options.hub.notice('good', `${files(added)} added to ${node.name}`);
  }

  #expire(uploadId: string, why: string): void {
    const ticket = this.#tickets.get(uploadId);
    if (!ticket) return;
    this.#forgetTicket(uploadId, ticket);
    this.#count(ticket.batch, { problem: new StudioError('NOT_SENT', `${ticket.name}: ${why}`) });
  }

  #forgetTicket(uploadId: string, ticket: Ticket): void {
    clearTimeout(ticket.expiry);
    ticket.ofPage.delete(uploadId);
    this.#tickets.delete(uploadId);
  }

  #changed(node: NodeSpec): void {
    const listing = this.#listings.get(node.id);
    if (listing) void listing.then((each) => each.changed()).catch(() => undefined);
    else this.#options.hub.push({ type: 'files-changed', node: node.id });
  }

  /** The listing of the folder that the node has now: its configuration may have changed. */
  async #listing(node: NodeSpec): Promise<FolderListing> {
    const known = await this.#listings.get(node.id)?.catch(() => undefined);
    if (known && known.path === (await this.#folder(node)).path) return known;
    if (known) this.forget(node.id);
    const opening =
      this.#listings.get(node.id) ??
      this.#folder(node).then(
        (folder) =>
          new FolderListing(folder, () => this.#options.hub.push({ type: 'files-changed', node: node.id })),
      );
    this.#listings.set(node.id, opening);
    opening.catch(() => this.#listings.delete(node.id));
    return opening;
  }

  #folder(node: NodeSpec): Promise<Folder> {
    return this.#files.folder(this.#folderPath(node));
  }

  /** The folder that it serves, or for a client the one it saves to. */
  #folderPath(node: NodeSpec): string {
    const manifest = manifestOf(node.kind);
    const saves = Object.entries(manifest?.fields ?? {}).find(([, field]) => field.control === 'folder')?.[0];
    const field = manifest?.filesField ?? saves;
    if (field === undefined) throw new StudioError('NO_FILES', `${node.name} has no files.`);
    return this.#options.folderOf(node, field);
  }

  #refuseWithoutFiles(node: NodeSpec): void {
    if (manifestOf(node.kind)?.filesField) return;
    throw new StudioError(
      'NO_FILES',
      `${node.name} serves no files.`,
      'Drop files on a node that does, such as a content server.',
    );
  }
}

function files(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}

function outcomeOf({ name, added, replaced, skipped }: Batch): string {
  const parts = [`${files(added)} added to ${name}`];
  if (replaced > 0) parts.push(added === 1 ? 'replaced the former one' : `${replaced} replaced`);
  if (skipped > 0) parts.push(`${skipped} hidden or special left out`);
  return parts.join(', ');
}

function lastPart(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}
