/** Brings files into a node: by path where the shell has paths, else as streams to the headless shell. */

import { formatCount } from '../format';
import { notify, notifyError } from '../notify';
import type { DroppedFiles, PanelStore } from '../panel-state';
import type { Store } from '../store';
import type { StudioClient } from '../studio-client';
import type { StudioState } from '../studio-store';
import { type NamedFile, takeFiles } from './dropped';
import { type QueuedUpload, type QueueOutcome, UploadQueue } from './upload-queue';

/** Tickets asked for at once; a call may carry more, but its answer should come soon. */
const ticketsPerCall = 1000;

export class Uploads {
  readonly #queue: UploadQueue;

  constructor(
    private readonly client: StudioClient,
    private readonly store: Store<StudioState | null>,
    private readonly panel: PanelStore,
  ) {
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
      const uploads = tickets.flatMap(({ uploadId, name }, i) => {
        const file = byName.get(name) ?? part[i]?.file;
        return file ? [{ uploadId, file }] : [];
      });
      outcomes.push(await this.#queue.add(uploads));
    }
    this.#report(node, outcomes);
  }

  /** One toast for all that was given together. (Copies by path are told by the core.) */
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

  async #put({ uploadId, file }: QueuedUpload): Promise<void> {
    const response = await fetch(`/upload/${encodeURIComponent(uploadId)}`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${this.client.token ?? ''}` },
      body: file,
    }).catch(() => {
      // The browser does not tell more: cancelled, the file changed while it was read, or no connection.
      throw new Error('It was broken off before its end.');
    });
    if (response.ok) return;
    const answer: unknown = await response.json().catch(() => null);
    throw new Error(messageIn(answer) ?? `The studio answered ${response.status}.`);
  }
}

function messageIn(answer: unknown): string | undefined {
  const { error } = (answer ?? {}) as { error?: { message?: unknown } };
  return typeof error?.message === 'string' ? error.message : undefined;
}

function countOf(dropped: DroppedFiles): number {
  return 'paths' in dropped ? dropped.paths.length : dropped.files.length;
}
