/** Downloads through client nodes: each can be paused, resumed, cancelled and tried again. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { parseEndpoint } from '../../contract/endpoint';
import { type ErrorShape, StudioError, toErrorShape } from '../../contract/errors';
import type { TransferPhase, TransferView } from '../../contract/events';
import type { Priority } from '../../contract/priority';
import { abortable } from '../../protocol/abortable';
import type { EventHub } from '../events/event-hub';
import type { Journal } from '../journal/journal';
import { RateMeter } from '../rate-meter';
import { pathProblem } from '../storage/path-problem';
import type { AddressBook } from '../supervisor/address-book';

/** The operation of nodes that can fetch; see the client's manifest. */
const OPERATION = 'download';
/** What steers a download that is under way, where the client's kind has priorities. */
const CONTROL = 'control';
/** The rate is looked at again so often, so that it falls when nothing comes. */
const TICK_MS = 500;
/** Ended transfers that are kept for the list. */
const MAX_ENDED = 500;

/** What a client reports while it downloads; fields that its kind does not know are absent. */
interface Progress {
  partial?: string;
  phase?: 'waiting' | 'running' | 'verifying';
  priority?: Priority;
  bytes?: number;
  size?: number;
  source?: { serverId: string; address: string };
  /** `source` is the fastest of several at once; the client itself says which of them is lost. */
  several?: boolean;
  segments?: TransferView['segments'];
  marks?: TransferView['marks'];
}
interface Result extends Progress {
  path?: string;
  sha256?: string;
  verified?: string;
}

export interface TransfersOptions {
  hub: EventHub;
  journal: Journal;
  /** Makes sure that this client, or else one that can download the file, runs; resolves to its id. */
  ensureClient(name: string, client: string | undefined, signal: AbortSignal): Promise<string>;
  operate(
    id: string,
    operation: string,
    input: unknown,
    options?: { signal: AbortSignal; progress(value: Record<string, unknown>): void },
  ): Promise<unknown>;
  addresses(): AddressBook;
}

export interface DownloadRequest {
  name: string;
  client?: string | undefined;
  folder?: string | undefined;
  /** At most so many servers at once, for a client whose kind takes that; absent: as it is set. */
  sources?: number | undefined;
}

interface Transfer {
  view: TransferView;
  folder: string | undefined;
  sources: number | undefined;
  /** Path of the unfinished file, once the client has told it. */
  partial?: string;
  rate: RateMeter;
  /** Present while the client works on it. */
  run?: { abort: AbortController; ended: Promise<void>; intent: 'none' | 'pause' | 'cancel' };
}

export class Transfers {
  readonly #options: TransfersOptions;
  readonly #transfers = new Map<string, Transfer>();
  #choosing: Promise<unknown> = Promise.resolve();
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /** Begins a download; resolves as soon as it is in the list. */
  download(request: DownloadRequest): string {
    const id = randomUUID();
    const transfer: Transfer = {
      folder: request.folder === '' ? undefined : request.folder,
      sources: request.sources,
      rate: new RateMeter(),
      view: {
        id,
        name: request.name,
        client: request.client ?? '',
        phase: 'waiting',
        bytes: 0,
        bytesPerSecond: 0,
        startedAt: Date.now(),
        segments: [],
        marks: [],
      },
    };
    this.#transfers.set(id, transfer);
    this.#forgetOldest();
    this.#begin(transfer);
    return id;
  }

  views(): TransferView[] {
    return [...this.#transfers.values()].map(({ view }) => view);
  }

  view(id: string): TransferView {
    return this.#transfer(id).view;
  }

  /** Keeps what has come; `resume` goes on from there. */
  pause(id: string): void {
    const { run, view } = this.#transfer(id);
    if (!run) throw new StudioError('NOT_RUNNING', `The download of ${view.name} is not running.`);
    this.#interrupt(run, 'pause');
  }

  async resume(id: string): Promise<void> {
    const transfer = this.#transfer(id);
    await transfer.run?.ended;
    if (transfer.view.phase !== 'paused')
      throw new StudioError('NOT_PAUSED', `The download of ${transfer.view.name} is not paused.`);
    this.#begin(transfer);
  }

  /** What has come is deleted. */
  async cancel(id: string): Promise<void> {
    const transfer = this.#transfer(id);
    if (transfer.run) {
      this.#interrupt(transfer.run, 'cancel');
      return;
    }
    if (transfer.view.phase !== 'paused' && transfer.view.phase !== 'failed') return;
    await this.#discard(transfer);
  }

  /** From now on, and whenever it is begun again. @throws StudioError when it has ended */
  async prioritise(id: string, priority: Priority): Promise<void> {
    const transfer = this.#transfer(id);
    const { client, name, phase, priority: before = 'normal' } = transfer.view;
    if (isEnded(phase)) throw new StudioError('ENDED', `The download of ${name} has ended.`);
    this.#change(transfer, { priority });
    if (!transfer.run || client === '') return;
    try {
      await this.#options.operate(client, CONTROL, { name, priority });
    } catch (error) {
      // It has not reached the client yet, which will be told when it begins.
      if (error instanceof StudioError && error.code === 'NO_DOWNLOAD') return;
      this.#change(transfer, { priority: before });
      throw error;
    }
  }

  /** Tries a failed or cancelled download again, from what has come already. */
  async retry(id: string): Promise<void> {
    const transfer = this.#transfer(id);
    await transfer.run?.ended;
    if (transfer.view.phase !== 'failed' && transfer.view.phase !== 'cancelled')
      throw new StudioError('NOT_FAILED', `The download of ${transfer.view.name} has not failed.`);
    this.#begin(transfer);
  }

  /** Takes one ended transfer off the list, or all of them. */
  clear(id?: string): void {
    const chosen = id === undefined ? [...this.#transfers.values()] : [this.#transfer(id)];
    for (const transfer of chosen) if (!transfer.run) this.#forget(transfer);
  }

  /** Interrupts all; they stay in the list as paused. */
  async close(): Promise<void> {
    const runs = [...this.#transfers.values()].flatMap(({ run }) => run ?? []);
    for (const run of runs) this.#interrupt(run, 'pause');
    await Promise.allSettled(runs.map(({ ended }) => ended));
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #begin(transfer: Transfer): void {
    const abort = new AbortController();
    const run: NonNullable<Transfer['run']> = { abort, ended: Promise.resolve(), intent: 'none' };
    transfer.run = run;
    transfer.rate.reset();
    const { endedAt: _ended, error: _error, source: _source, ...view } = transfer.view;
    transfer.view = view;
    this.#change(transfer, { phase: 'waiting', bytesPerSecond: 0 });
    run.ended = this.#run(transfer, run).finally(() => {
      delete transfer.run;
    });
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  async #run(transfer: Transfer, run: NonNullable<Transfer['run']>): Promise<void> {
    const { name } = transfer.view;
    const { signal } = run.abort;
    try {
      // A client may take long to start, or wait for others that do; who gives up does not wait with it.
      const client = await abortable(this.#clientFor(transfer, signal), signal);
      this.#change(transfer, { client });
      const { priority } = transfer.view;
      const input = {
        name,
        keepPartial: true,
        ...(transfer.folder ? { folder: transfer.folder } : {}),
        ...(transfer.sources ? { sources: transfer.sources } : {}),
        ...(priority ? { priority } : {}),
      };
      const result = (await this.#options.operate(client, OPERATION, input, {
        signal,
        progress: (value) => this.#progress(transfer, value),
      })) as Result;
      this.#finish(transfer, result);
    } catch (thrown) {
      await this.#interrupted(transfer, run.intent, thrown);
    }
  }

  /** One after the other: many downloads at once need one new client, not one each. */
  #clientFor({ view: { name, client: wanted } }: Transfer, signal: AbortSignal): Promise<string> {
    const client = this.#choosing.then(() => {
      signal.throwIfAborted();
      return this.#options.ensureClient(name, wanted || undefined, signal);
    });
    this.#choosing = client.catch(() => undefined);
    return client;
  }

  #progress(transfer: Transfer, value: Progress): void {
    const before = transfer.view;
    if (value.partial !== undefined) transfer.partial = value.partial;
    this.#change(transfer, this.#fromProgress(value));
    const { source, marks, name, client } = transfer.view;
    // Bytes that an earlier attempt left are no speed.
    if (marks.length > before.marks.length) transfer.rate.reset();
    if (value.several || !source || !before.source || source.serverId === before.source.serverId) return;
    this.#options.journal.add({
      level: 'warning',
      type: 'transfer-failover',
      text: `The download of ${name} moved from ${before.source.serverId} to ${source.serverId}.`,
      node: client,
      subject: before.source.serverId,
    });
  }

  #fromProgress(progress: Progress): Partial<TransferView> {
    const { phase, priority, bytes, size, source, segments, marks } = progress;
    return {
      ...(phase ? { phase } : {}),
      ...(priority ? { priority } : {}),
      ...(bytes === undefined ? {} : { bytes }),
      ...(size === undefined ? {} : { size }),
      ...(source ? { source: this.#located(source) } : {}),
      ...(segments ? { segments } : {}),
      ...(marks ? { marks } : {}),
    };
  }

  #located(source: { serverId: string; address: string }): NonNullable<TransferView['source']> {
    const endpoint = parseEndpoint(source.address);
    const node = endpoint ? this.#options.addresses().find(endpoint, 'tcp')?.node.id : undefined;
    return { ...source, ...(node ? { node } : {}) };
  }

  #finish(transfer: Transfer, result: Result): void {
    this.#change(transfer, {
      ...this.#fromProgress(result),
      phase: 'done',
      bytesPerSecond: 0,
      endedAt: Date.now(),
      ...(result.path === undefined ? {} : { savedTo: result.path }),
      ...(result.sha256 === undefined ? {} : { sha256: result.sha256 }),
      ...(result.verified === undefined ? {} : { verified: result.verified }),
    });
    const { name, verified, savedTo } = transfer.view;
    const checked = verified ? `, ${verified} verified` : '';
    this.#options.hub.notice(
      'good',
      `${name} is downloaded`,
      `Saved to ${savedTo ?? 'the folder of the client'}${checked}.`,
    );
  }

  async #interrupted(
    transfer: Transfer,
    intent: 'none' | 'pause' | 'cancel',
    thrown: unknown,
  ): Promise<void> {
    if (intent === 'pause') return this.#change(transfer, { phase: 'paused', bytesPerSecond: 0 });
    if (intent === 'cancel') return this.#discard(transfer);
    const error = toErrorShape(thrown);
    this.#change(transfer, { phase: 'failed', bytesPerSecond: 0, endedAt: Date.now(), error });
    const { name } = transfer.view;
    this.#options.hub.notice(
      'bad',
      `${name} was not downloaded`,
      [error.message, error.hint].filter(Boolean).join(' '),
    );
  }

  /** It is cancelled when what had come is gone. What cannot be deleted is told with it. */
  async #discard(transfer: Transfer): Promise<void> {
    const problem = await deletionProblem(transfer.partial);
    this.#change(transfer, {
      phase: 'cancelled',
      bytesPerSecond: 0,
      endedAt: Date.now(),
      ...(problem ? { error: problem } : {}),
    });
  }

  #interrupt(run: NonNullable<Transfer['run']>, intent: 'pause' | 'cancel'): void {
    run.intent = intent;
    run.abort.abort(new StudioError('INTERRUPTED', 'Interrupted.'));
  }

  #tick(): void {
    let running = false;
    for (const transfer of this.#transfers.values()) {
      if (!transfer.run) continue;
      running = true;
      if (transfer.view.phase === 'running') this.#change(transfer, {});
    }
    if (running) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #change(transfer: Transfer, change: Partial<TransferView>): void {
    transfer.view = { ...transfer.view, ...change };
    if (transfer.view.phase === 'running')
      transfer.view.bytesPerSecond = Math.round(transfer.rate.sample(transfer.view.bytes, performance.now()));
    this.#options.hub.push({ type: 'transfer', transfer: transfer.view });
  }

  #transfer(id: string): Transfer {
    const transfer = this.#transfers.get(id);
    if (!transfer) throw new StudioError('UNKNOWN_TRANSFER', 'This download is no longer in the list.');
    return transfer;
  }

  #forgetOldest(): void {
    const ended = [...this.#transfers.values()].filter(({ view }) => isEnded(view.phase));
    for (const transfer of ended.slice(0, Math.max(0, ended.length - MAX_ENDED))) this.#forget(transfer);
  }

  #forget({ view }: Transfer): void {
    this.#transfers.delete(view.id);
    this.#options.hub.push({ type: 'transfer-removed', id: view.id });
  }
}

/** Deletes the file, if there is one; resolves to why it is still there. */
async function deletionProblem(path: string | undefined): Promise<ErrorShape | undefined> {
  if (path === undefined) return undefined;
  try {
    await rm(path, { force: true });
    return undefined;
  } catch (thrown) {
    const { code, message } = toErrorShape(thrown);
    const why = pathProblem(code) ?? message;
    return { code, message: `What had come is still in ${path}: ${why}.`, hint: 'Delete it yourself.' };
  }
}

function isEnded(phase: TransferPhase): boolean {
  return phase === 'done' || phase === 'failed' || phase === 'cancelled';
}
