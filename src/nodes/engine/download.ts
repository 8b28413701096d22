/**
 * One file from many sources at once, whatever protocol each of them speaks. What to ask of whom is decided by
 * `PieceScheduler`, the sources are kept by `SourcePool`, the bytes by `PieceStore`; here they come together.
 */
import { StudioError } from '../../contract/errors';
import type { Priority } from '../../contract/priority';
import { type PieceLayout, pieceLength } from '../../protocol/pieces/layout';
import type { PieceMap } from '../../protocol/pieces/piece-map';
import { PieceScheduler } from '../../protocol/pieces/scheduler';
import type { Shares } from '../../protocol/pieces/shares';
import { TokenBucket } from '../../protocol/pieces/token-bucket';
import type { Folder, NodeContext, Timer } from '../../runtime/context';
import { sentenceOf } from '../shared/error-text';
import { type DownloadView, FROM_EARLIER_RUN, MISSING, pieceCells } from './download-view';
import { PieceStore } from './piece-store';
import type { Source } from './source';
import { type Slot, SourcePool } from './source-pool';
import { Suspicions } from './suspicions';
import { type Verification, verifiedWords } from './verification';

/** One timer for the whole download looks after rates, stalls and the record; there is none per piece. */
const TICK_MS = 100;
const RECORD_EVERY_TICKS = 10;
/** What will have arrived so soon needs no record, which would keep the disk busy longer than that. */
const SOON_MS = 1500;
/** A source that comes and goes must not fill the memory with the story of it. */
const MAX_MARKS = 100;
/** Pause of a rate limit that is not worth stopping the sources for. */
const MIN_THROTTLE_MS = 20;

export interface DownloadOptions {
  /** Relative; the file is written to `<name>.part` and renamed in the end. */
  name: string;
  folder: Folder;
  layout: PieceLayout;
  verification: Verification;
  /** Computes the SHA-256 of the whole as well, though the pieces are verified one by one. */
  wholeDigest?: boolean;
  /** Which file this is, for the record of a later run: see `RecordedIdentity`. */
  identity: string;
  order: 'sequential' | 'rarest';
  /** A source that sends nothing for so long is given up. */
  timeoutMs: number;
  /** How long to wait for a source when there is none, before the download fails. */
  patienceMs: number;
  /** Sources that are used at once; more wait as a reserve. */
  maxSources: number;
  /** Bytes per second from all sources together; 0: no limit. */
  limit: number;
  /** Of the node, common to its downloads: what each gets of a source that several use. */
  shares?: Shares | undefined;
  /** Undefined: as it was when it was last begun, or else normal. */
  priority?: Priority | undefined;
  /** Throws the `.part` file away when the download ends without success. */
  discardPartial?: boolean;
}

export interface DownloadOutcome {
  /** What was verified, in words: 'size and every piece (SHA-256)'. */
  verified: string;
  /** Hex; absent when pieces were verified instead of the whole. */
  sha256?: string;
  view: DownloadView;
}

export interface DownloadListener {
  /** Something a person may want to trace. */
  event(type: string, text: string, level: 'info' | 'good' | 'warning' | 'bad', subject: string): void;
  /** Called about ten times a second, and at every change of importance. */
  changed(): void;
  /** A piece is on the disk: others may have it from us. */
  pieceKept?(piece: number): void;
}

export class MultiSourceDownload {
  readonly #context: NodeContext;
  readonly #options: DownloadOptions;
  readonly #listener: DownloadListener;
  readonly #store: PieceStore;
  readonly #scheduler: PieceScheduler;
  readonly #pool: SourcePool;
  /** From whom each piece is, as an index of a slot. */
  readonly #origin: Int16Array;
  readonly #marks: DownloadView['marks'] = [];
  readonly #suspicions = new Suspicions();
  /** Reading stops while any of these holds. */
  readonly #holds = new Set<'disk' | 'limit' | 'person'>();
  #bucket: TokenBucket;
  #throttle: Timer | null = null;
  #phase: DownloadView['phase'] = 'waiting';
  #priority: Priority;
  #keptBytes = 0;
  #wasted = 0;
  #ticks = 0;
  #sourcelessSince: number;
  /** Ends the download; null before it runs and after it has ended. */
  #settle: ((error: Error | null) => void) | null = null;

  constructor(context: NodeContext, options: DownloadOptions, listener: DownloadListener) {
    const { layout, order, timeoutMs, maxSources, shares } = options;
    const { clock, random } = context;
    this.#context = context;
    this.#options = options;
    this.#listener = listener;
    this.#priority = options.priority ?? 'normal';
    this.#origin = new Int16Array(layout.count).fill(MISSING);
    this.#bucket = new TokenBucket(options.limit, clock.now());
    this.#sourcelessSince = clock.now();
    this.#store = new PieceStore(context, { ...options, wholeDigest: options.wholeDigest === true });
    this.#store.onFull = (full) => this.#hold('disk', full);
    const { verified } = this.#store;
    this.#scheduler = new PieceScheduler({ layout, verified, order, random, timeoutMs }, clock.now());
    this.#pool = new SourcePool(
      context,
      this.#scheduler,
      { maxSources, shares, priority: this.#priority },
      {
        received: (slot, id, bytes) => this.#received(slot, id, bytes),
        mayAsk: () => this.#ask(),
        reading: () => this.#holds.size === 0,
        changed: () => this.#listener.changed(),
        lost: (slot, why) => this.#lost(slot, why),
      },
    );
  }

  /** A source to use, or to keep in reserve. One that is known already is tried again if it was lost. */
  add(source: Source): void {
    this.#pool.add(source);
  }

  /** A source that is known to be gone, or to have the file no more. */
  remove(id: string, note: string): void {
    this.#pool.remove(id, note);
  }

  /** Bytes per second from now on; 0: no limit. */
  setLimit(bytesPerSecond: number): void {
    this.#bucket = new TokenBucket(bytesPerSecond, this.#context.clock.now());
  }

  setPriority(priority: Priority): void {
    this.#priority = priority;
    this.#pool.setPriority(priority);
    this.#ask();
    this.#listener.changed();
  }

  setPaused(paused: boolean): void {
    this.#hold('person', paused);
    this.#phase = paused ? 'paused' : 'running';
    this.#listener.changed();
  }

  get verified(): PieceMap {
    return this.#store.verified;
  }

  /** Reads bytes of verified pieces, for others who want them from us. */
  read(into: Uint8Array, position: number): Promise<number> {
    return this.#store.read(into, position);
  }

  /**
   * Downloads, verifies, and leaves the finished file in `<name>.part`, closed: the caller names it.
   * @throws StudioError: NO_SOURCE, CORRUPT, DISK; or the signal's reason
   */
  async run(signal: AbortSignal): Promise<DownloadOutcome> {
    const timer = this.#context.clock.every(TICK_MS, () => this.#tick());
    try {
      signal.throwIfAborted();
      await this.#open();
      await this.#allPieces(signal);
      return await this.#finish();
    } catch (error) {
      if (this.#options.discardPartial) await this.#store.discard();
      else await this.#store.suspend(this.#priority);
      throw error;
    } finally {
      timer.cancel();
      this.#throttle?.cancel();
      this.#pool.stop();
      await this.#store.close();
    }
  }

  view(): DownloadView {
    const sources = this.#pool.views(this.#scheduler.rates());
    return {
      phase: this.#phase,
      priority: this.#priority,
      bytes: this.#keptBytes,
      size: this.#options.layout.size,
      wasted: this.#wasted,
      bytesPerSecond: sources.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0),
      sources,
      marks: this.#marks,
      pieces: pieceCells(this.#origin, this.#scheduler.availability()),
    };
  }

  /** Opens the file, and goes on with what an earlier run kept. */
  async #open(): Promise<void> {
    const { layout, name } = this.#options;
    const recorded = await this.#store.open();
    this.#priority = this.#options.priority ?? recorded ?? 'normal';
    this.#pool.setPriority(this.#priority);
    const { verified } = this.#store;
    for (let piece = 0; piece < layout.count; piece++) {
      if (!verified.has(piece)) continue;
      this.#origin[piece] = FROM_EARLIER_RUN;
      this.#keptBytes += pieceLength(layout, piece);
    }
    if (verified.count === 0) return;
    const resumed = `${verified.count} of ${layout.count} pieces were there`;
    this.#mark(`resumed: ${resumed}`);
    this.#listener.event('download-resumed', `${name} goes on where it was: ${resumed}.`, 'info', name);
  }

  /** Resolves when every piece is verified and written. Sources are closed then. */
  async #allPieces(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => this.#settle?.(signal.reason as Error);
      this.#settle = (error) => {
        this.#settle = null;
        signal.removeEventListener('abort', abort);
        this.#pool.stop();
        if (error) reject(error);
        else resolve();
      };
      signal.addEventListener('abort', abort, { once: true });
      if (this.#phase === 'waiting') this.#phase = 'running';
      if (signal.aborted) abort();
      else if (this.#store.verified.complete) this.#settle(null);
      else this.#pool.start();
    });
  }

  #ask(): void {
    if (!this.#holds.has('person')) this.#pool.ask();
  }

  #received(slot: Slot, requestId: number, bytes: Uint8Array): void {
    const now = this.#context.clock.now();
    this.#limit(bytes.length, now);
    const { place, complete, answered, cancel } = this.#scheduler.received(requestId, bytes.length, now);
    this.#wasted += place ? place.skip : bytes.length;
    if (place) this.#store.put(place.piece, place.at, bytes.subarray(place.skip));
    else this.#scheduler.showedLife(slot.source.id, now);
    this.#pool.cancel(cancel);
    if (place && complete) void this.#keep(place.piece, slot);
    if (answered || complete) this.#ask();
  }

  async #keep(piece: number, { index }: Slot): Promise<void> {
    try {
      const kept = await this.#store.keep(piece, (bytes, right) => {
        if (right) this.#convict(piece, bytes);
        else this.#reject(piece, bytes);
      });
      if (kept === 'kept' && this.#settle) this.#kept(piece, index);
    } catch (error) {
      this.#settle?.(error as Error);
    }
    this.#ask();
  }

  #kept(piece: number, from: number): void {
    this.#scheduler.verified(piece);
    this.#origin[piece] = from;
    this.#keptBytes += pieceLength(this.#options.layout, piece);
    this.#listener.pieceKept?.(piece);
    if (this.#store.verified.complete) this.#settle?.(null);
  }

  #reject(piece: number, wrong: Uint8Array): void {
    const { name } = this.#options;
    this.#wasted += wrong.length;
    const { banned, suspects } = this.#scheduler.corrupt(piece);
    for (const id of banned) this.#ban(id, piece);
    if (suspects.length === 0) return;
    this.#suspicions.remember(piece, suspects, wrong);
    const names = [...new Set(suspects.map(({ source }) => source))];
    this.#mark(`piece ${piece} was wrong`);
    this.#listener.event(
      'piece-corrupt',
      `Piece ${piece} of ${name} was wrong; ${names.join(' and ')} had a part in it. It is fetched again from one source alone.`,
      'warning',
      name,
    );
  }

  /** Now that the right bytes are known, so is who had sent others. */
  #convict(piece: number, right: Uint8Array): void {
    for (const id of this.#suspicions.resolve(piece, right)) {
      if (this.#scheduler.isBanned(id)) continue;
      this.#scheduler.ban(id);
      this.#ban(id, piece);
    }
  }

  #ban(id: string, piece: number): void {
    const slot = this.#pool.get(id);
    if (!slot) return;
    this.#pool.ban(slot, `sent wrong bytes (piece ${piece})`);
    this.#mark(`${id} sent wrong bytes and is not asked again`);
    this.#listener.event(
      'source-banned',
      `Source ${id} sent a wrong piece of ${this.#options.name} (number ${piece}). The piece is thrown away and comes from elsewhere; ${id} is not asked again.`,
      'bad',
      id,
    );
  }

  #lost({ source: { id } }: Slot, why: string): void {
    this.#mark(`${id} is lost: ${why}`);
    this.#listener.event(
      'source-lost',
      `Source ${id} of ${this.#options.name} is lost: ${sentenceOf(why)} The others go on.`,
      'warning',
      id,
    );
  }

  #tick(): void {
    if (!this.#settle) return;
    const now = this.#context.clock.now();
    this.#lookForStalls(now);
    this.#pool.measure(TICK_MS);
    this.#ask();
    this.#giveUpWithoutSources(now);
    if (++this.#ticks % RECORD_EVERY_TICKS === 0 && !this.#doneSoon) this.#store.record(this.#priority);
    this.#listener.changed();
  }

  get #doneSoon(): boolean {
    const rate = this.#scheduler.rates().reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0);
    return (this.#options.layout.size - this.#keptBytes) * 1000 < rate * SOON_MS;
  }

  #lookForStalls(now: number): void {
    if (this.#holds.size > 0) this.#scheduler.forgiveSilence(now);
    for (const { source, silentMs, cancel, dead } of this.#scheduler.tick(now)) {
      const slot = this.#pool.get(source);
      if (!slot?.open) continue;
      const silent = `sent nothing for ${Math.round(silentMs)} ms`;
      if (dead) {
        this.#pool.fail(slot, new Error(`it ${silent}`));
        continue;
      }
      this.#pool.cancel(cancel);
      this.#mark(`${source} stalled`);
      this.#listener.event(
        'source-stalled',
        `Source ${source} of ${this.#options.name} has ${silent} while others go on; its part is asked for elsewhere.`,
        'warning',
        source,
      );
    }
  }

  #giveUpWithoutSources(now: number): void {
    const { layout, name, patienceMs } = this.#options;
    if (!this.#scheduler.starving || this.#pool.hopeful || this.#holds.has('person')) {
      this.#sourcelessSince = now;
      return;
    }
    if (now - this.#sourcelessSince < patienceMs) return;
    const missing = layout.count - this.#store.verified.count;
    const { notes } = this.#pool;
    this.#settle?.(
      new StudioError(
        'NO_SOURCE',
        `${missing} of ${layout.count} pieces of ${name} are missing and nobody who is left has them.${notes.length > 0 ? ` ${sentenceOf(...notes)}` : ''}`,
        'Start a source that has the whole file, then download again: what is there is kept.',
      ),
    );
  }

  #limit(bytes: number, now: number): void {
    const wait = this.#bucket.take(bytes, now);
    if (wait < MIN_THROTTLE_MS || this.#holds.has('limit')) return;
    this.#hold('limit', true);
    this.#throttle = this.#context.clock.after(wait, () => this.#hold('limit', false));
  }

  #hold(why: 'disk' | 'limit' | 'person', hold: boolean): void {
    const before = this.#holds.size;
    if (hold) this.#holds.add(why);
    else this.#holds.delete(why);
    if (before === 0 && this.#holds.size > 0) this.#pool.pause();
    if (before > 0 && this.#holds.size === 0) {
      this.#scheduler.forgiveSilence(this.#context.clock.now());
      this.#pool.resume();
      this.#ask();
    }
  }

  async #finish(): Promise<DownloadOutcome> {
    const { verification } = this.#options;
    this.#phase = 'verifying';
    this.#listener.changed();
    const digest = await this.#store.finish();
    const sha256 = verification.kind === 'digest' && verification.algorithm !== 'sha256' ? undefined : digest;
    return { verified: verifiedWords(verification), ...(sha256 ? { sha256 } : {}), view: this.view() };
  }

  #mark(text: string): void {
    if (this.#marks.length >= MAX_MARKS) return;
    this.#marks.push({ at: this.#context.clock.wallTime(), bytes: this.#keptBytes, text });
  }
}
