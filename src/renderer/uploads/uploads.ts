/** Brings files into a node: by path where the shell has paths, else as streams to the headless shell. */

import type { ErrorShape } from '../../contract/errors';
import { formatCount } from '../format';
import { notify, notifyError } from '../notify';
import type { DroppedFiles, PanelStore } from '../panel-state';
import type { Store } from '../store';
import type { StudioClient } from '../studio-client';
import type { StudioState } from '../studio-store';
import { type NamedFile, takeFiles } from './dropped';
import { TaskEnds } from './task-ends';
import { type QueuedUpload, type QueueOutcome, UploadQueue } from './upload-queue';

/** Tickets asked for at once; a call may carry more, but its answer should come soon. */
const ticketsPerCall = 1000;

export class Uploads {
  readonly #queue: UploadQueue;
  readonly #ends: TaskEnds;

  constructor(
    private readonly client: StudioClient,
    private readonly store: Store<StudioState | null>,
    private readonly panel: PanelStore,
  ) {
    this.#ends = new TaskEnds(store, (ms, run) => setTimeout(run, ms));
    this.#queue = new UploadQueue((upload) => this.#put(upload));
  }

  /** Files of a drop or paste. Without a node, asks which server takes them. */
  async take(transfer: DataTransfer, node?: string): Promise<void> {
    const { pathForFile } = this.client;
    const paths = pathForFile ? [...transfer.files].map(pathForFile).filter(Boolean) : [];
    try {
      await this.give(paths.length > 0 ? { paths } : { files: await takeFiles(transfer) }, node);
    } catch (error) {
      notifyError(error);
    }
  }

  async give(dropped: DroppedFiles, node?: string): Promise<void> {
    if (countOf(dropped) === 0) {
      notify({ level: 'warning', title: 'Nothing to add', text: 'There are no files in what was dropped.' });
    } else if (!node) {
      this.panel.open({ kind: 'choose-server', files: dropped });
    } else if ('paths' in dropped) {
      await this.client.transport.call('files.import', { node, paths: dropped.paths });
    } else {
      await this.#upload(node, dropped.files);
    }
  }

  async #upload(node: string, files: NamedFile[]): Promise<void> {
    const byName = new Map(files.map(({ name, file }) => [name, file]));
    const outcomes: QueueOutcome[] = [];
    for (let from = 0; from < files.length; from += ticketsPerCall) {
      const part = files.slice(from, from + ticketsPerCall);
      const { tickets } = await this.client.transport.call('files.prepareUpload', {
        node,
        files: part.map(({ name, file }) => ({ name, size: file.size })),
      });
      const uploads = tickets.flatMap(({ uploadId, name, task }, i) => {
        const file = byName.get(name) ?? part[i]?.file;
        return file ? [{ uploadId, task, file }] : [];
      });
      outcomes.push(await this.#queue.add(uploads));
    }
    this.#report(node, outcomes);
  }

  /** One toast for all that was given together, none for what was cancelled. (The core tells of copies by path.) */
  #report(node: string, outcomes: readonly QueueOutcome[]): void {
    const server = this.store.get()?.specs.get(node)?.name ?? 'the server';
    const done = outcomes.reduce((sum, outcome) => sum + outcome.done, 0);
    const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
    const problem = outcomes.find((outcome) => outcome.problem)?.problem;
    if (done > 0) notify({ level: 'good', title: `${formatCount(done, 'file')} added to ${server}` });
    if (failed > 0)
      notify({
        level: 'bad',
        title: `${formatCount(failed, 'file')} could not be added to ${server}`,
        text: problem,
      });
  }

  async #put(upload: QueuedUpload): Promise<'done' | 'cancelled'> {
    if (this.#ends.phase(upload.task) === 'cancelled') return 'cancelled';
    const failure = await this.#send(upload);
    if (!failure) return 'done';
    if (failure.code === 'CANCELLED') return 'cancelled';
    // Both may be what became of it by a cancel: the connection breaks, a ticket that was waiting is gone.
    const isUnclear = failure.code === 'BROKEN_OFF' || failure.code === 'UNKNOWN_UPLOAD';
    if (isUnclear && (await this.#ends.of(upload.task)) === 'cancelled') return 'cancelled';
    throw new Error(failure.message);
  }

  /** @returns why it failed; undefined when the file has arrived */
  async #send({ uploadId, file }: QueuedUpload): Promise<ErrorShape | undefined> {
    const response = await fetch(`/upload/${encodeURIComponent(uploadId)}`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${this.client.token ?? ''}` },
      body: file,
    }).catch(() => undefined);
    // The browser does not tell more: cancelled, the file changed while it was read, or no connection.
    if (!response) return { code: 'BROKEN_OFF', message: 'It was broken off before its end.' };
    if (response.ok) return undefined;
    const { error } = ((await response.json().catch(() => null)) ?? {}) as { error?: Partial<ErrorShape> };
    return {
      code: error?.code ?? 'REFUSED',
      message: error?.message ?? `The studio answered ${response.status}.`,
    };
  }
}

function countOf(dropped: DroppedFiles): number {
  return 'paths' in dropped ? dropped.paths.length : dropped.files.length;
}
