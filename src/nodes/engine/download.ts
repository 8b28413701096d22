/**
 * One file from many sources at once, whatever protocol each of them speaks. What to ask of whom is decided by
 * `PieceScheduler`; here are the bytes: buffers, verification, the disk, and what a person sees of it.
 */
import { StudioError } from '../../contract/errors';
import { type Priority, shareOf } from '../../contract/priority';
import { type PieceLayout, pieceLength, pieceOffset } from '../../protocol/pieces/layout';
import { PieceMap } from '../../protocol/pieces/piece-map';
import { PieceScheduler, type Request } from '../../protocol/pieces/scheduler';
import type { Claim, Shares } from '../../protocol/pieces/shares';
import { TokenBucket } from '../../protocol/pieces/token-bucket';
import type { Folder, NodeContext, Timer, WritableFile } from '../../runtime/context';
import { reasonOf } from '../shared/error-text';
import { type RecordedIdentity, readRecord, removeRecord, writeRecord } from './resume-record';
import type { OpenSource, Source } from './source';
import { OrderedDigest, pieceIsRight, type Verification } from './verification';

/** One timer for the whole download looks after rates, stalls and the record; there is none per piece. */
const TICK_MS = 100;
const RECORD_EVERY_TICKS = 10;
/** Bytes that wait to be verified and written; more, and nobody is read from until half of it is written. */
const MAX_UNWRITTEN = 16 * 1024 * 1024;
/** Buffers kept for the next piece: fresh memory costs a page fault every 4 KiB. */
const MAX_SPARE = 16 * 1024 * 1024;
/** How often a source may fail in a row, without a useful byte between, before it is left alone. */
const MAX_FAILURES = 3;
const FIRST_RETRY_MS = 300;
/** The piece map is shown in at most so many cells. */
const MAX_CELLS = 400;
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

export interface SourceView {
  id: string;
  address: string;
  state: 'reserve' | 'connecting' | 'active' | 'choked' | 'stalled' | 'lost' | 'banned';
  bytes: number;
  bytesPerSecond: number;
  /** Why it is not used, or what happened to it. */
  note?: string;
}

export interface DownloadView {
  phase: 'waiting' | 'running' | 'paused' | 'verifying';
  priority: Priority;
  bytes: number;
  size: number;
  /** Bytes that came twice, or for which nobody waited any more, or which were wrong. */
  wasted: number;
  bytesPerSecond: number;
  sources: SourceView[];
  marks: { at: number; bytes: number; text: string }[];
  pieces: PieceCells;
}

/** The piece map in at most 400 cells, each standing for `perCell` pieces. */
export interface PieceCells {
  perCell: number;
  count: number;
  /** Index into `sources` of whom most of the cell came from; -1: missing, -2: from an earlier run. */
  from: number[];
  /** Sources that have the rarest piece of the cell now. */
  availability: number[];
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

interface Slot {
  source: Source;
  state: SourceView['state'];
  open: OpenSource | null;
  abort: AbortController;
  bytes: number;
  failures: number;
  note: string | undefined;
  retry: Timer | null;
  /** To its part of the source, while it is open. */
  claim: Claim | null;
  /** Place in the list that the cells of the piece map refer to. */
  index: number;
}

const PART = '.part';

export class MultiSourceDownload {
  readonly #context: NodeContext;
  readonly #options: DownloadOptions;
  readonly #listener: DownloadListener;
  readonly #slots = new Map<string, Slot>();
  readonly #buffers = new Map<number, Buffer>();
  readonly #spare: Buffer[] = [];
  /** From whom each piece is, as an index of a slot. */
  readonly #origin: Int16Array;
  readonly #marks: DownloadView['marks'] = [];
  #verified: PieceMap;
  #scheduler: PieceScheduler;
  #digest: OrderedDigest | null = null;
  #file: WritableFile | null = null;
  #bucket: TokenBucket;
  #throttle: Timer | null = null;
  #phase: DownloadView['phase'] = 'waiting';
  #keptBytes = 0;
  #wasted = 0;
  #unwritten = 0;
  /** Reading stops while any of these holds. */
  readonly #holds = new Set<'disk' | 'limit' | 'person'>();
  #ticks = 0;
  #recordedPieces = -1;
  #recording: Promise<void> = Promise.resolve();
  #sourcelessSince: number;
  #priority: Priority;
  #settle: ((error: Error | null) => void) | null = null;

  constructor(context: NodeContext, options: DownloadOptions, listener: DownloadListener) {
    this.#context = context;
    this.#options = options;
    this.#listener = listener;
    const { layout } = options;
    this.#origin = new Int16Array(layout.count).fill(-1);
    this.#verified = new PieceMap(layout.count);
    this.#scheduler = this.#newScheduler();
    this.#bucket = new TokenBucket(options.limit, context.clock.now());
    this.#sourcelessSince = context.clock.now();
    this.#priority = options.priority ?? 'normal';
  }

  /** A source to use, or to keep in reserve. One that is known already is tried again if it was lost. */
  add(source: Source): void {
    const known = this.#slots.get(source.id);
    if (known) {
      if (known.state === 'lost') {
        known.state = 'reserve';
        known.failures = 0;
      }
    } else {
      this.#slots.set(source.id, {
        source,
        state: 'reserve',
        open: null,
        abort: new AbortController(),
        bytes: 0,
        failures: 0,
        note: undefined,
        retry: null,
        claim: null,
        index: this.#slots.size,
      });
    }
    this.#fillSlots();
  }

  /** A source that is known to be gone, or to have the file no more. */
  remove(id: string, note: string): void {
    const slot = this.#slots.get(id);
    if (slot && slot.state !== 'banned') this.#lose(slot, note);
  }

  /** Bytes per second from now on; 0: no limit. */
  setLimit(bytesPerSecond: number): void {
    this.#bucket = new TokenBucket(bytesPerSecond, this.#context.clock.now());
  }

  setPriority(priority: Priority): void {
    this.#priority = priority;
    for (const { claim } of this.#slots.values()) if (claim) claim.weight = shareOf[priority];
    this.#recordedPieces = -1;
    this.#assign();
    this.#listener.changed();
  }

  setPaused(paused: boolean): void {
    this.#hold('person', paused);
    this.#phase = paused ? 'paused' : 'running';
    this.#listener.changed();
  }

  get verified(): PieceMap {
    return this.#verified;
  }

  /** Reads bytes of verified pieces, for others who want them from us. */
  async read(into: Uint8Array, position: number): Promise<number> {
    return this.#file ? this.#file.read(into, position) : 0;
  }

  /**
   * Downloads, verifies, and leaves the finished file in `<name>.part`, closed: the caller names it.
   * @throws StudioError: NO_SOURCE, CORRUPT, DISK; or the signal's reason
   */
  async run(signal: AbortSignal): Promise<DownloadOutcome> {
    signal.throwIfAborted();
    await this.#openFile();
    const timer = this.#context.clock.every(TICK_MS, () => this.#tick());
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settle = (error) => {
          this.#settle = null;
          if (error) reject(error);
          else resolve();
        };
        signal.addEventListener('abort', () => this.#settle?.(signal.reason as Error), { once: true });
        if (this.#phase === 'waiting') this.#phase = 'running';
        this.#fillSlots();
        if (this.#verified.complete) this.#settle(null);
      });
      this.#closeSources();
      return await this.#finish();
    } catch (error) {
      await this.#abandon();
      throw error;
    } finally {
      timer.cancel();
      this.#throttle?.cancel();
      this.#closeSources();
      await this.#file?.close();
      this.#file = null;
    }
  }

  view(): DownloadView {
    const rates = new Map(this.#scheduler.rates().map((rate) => [rate.id, rate]));
    const sources = [...this.#slots.values()].map((slot): SourceView => {
      const rate = rates.get(slot.source.id);
      return {
        id: slot.source.id,
        address: slot.source.address,
        state: slot.state === 'active' && rate ? rate.state : slot.state,
        bytes: slot.bytes,
        bytesPerSecond: slot.state === 'active' ? Math.round(rate?.bytesPerSecond ?? 0) : 0,
        ...(slot.note ? { note: slot.note } : {}),
      };
    });
    return {
      phase: this.#phase,
      priority: this.#priority,
      bytes: this.#keptBytes,
      size: this.#options.layout.size,
      wasted: this.#wasted,
      bytesPerSecond: sources.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0),
      sources,
      marks: this.#marks,
      pieces: this.#cells(),
    };
  }

  async #openFile(): Promise<void> {
    const { folder, name, layout, verification, wholeDigest } = this.#options;
    const kept = await readRecord(folder, name, this.#recordedIdentity);
    try {
      this.#file = await folder.create(name + PART, { truncate: kept === null });
    } catch (error) {
      throw diskError(error);
    }
    if (kept) {
      this.#priority = this.#options.priority ?? kept.priority;
      this.#takeUp(kept.pieces, this.#file);
    }
    if (verification.kind !== 'pieces' || wholeDigest) {
      const algorithm = verification.kind === 'digest' ? verification.algorithm : 'sha256';
      this.#digest = new OrderedDigest(algorithm, layout, this.#verified, this.#file);
    }
  }

  /** Goes on with what an earlier run kept, as far as the file really is that long. */
  #takeUp(kept: PieceMap, file: WritableFile): void {
    const { layout } = this.#options;
    for (let piece = 0; piece < layout.count; piece++) {
      const end = pieceOffset(layout, piece) + pieceLength(layout, piece);
      if (!kept.has(piece) || end > file.size) continue;
      this.#verified.add(piece);
      this.#origin[piece] = -2;
      this.#keptBytes += pieceLength(layout, piece);
    }
    if (this.#verified.count === 0) return;
    this.#recordedPieces = this.#verified.count;
    const resumed = `${this.#verified.count} of ${layout.count} pieces were there`;
    this.#mark(`resumed: ${resumed}`);
    this.#listener.event(
      'download-resumed',
      `${this.#options.name} goes on where it was: ${resumed}.`,
      'info',
      this.#options.name,
    );
  }

  #newScheduler(): PieceScheduler {
    const { layout, order, timeoutMs } = this.#options;
    const { clock, random } = this.#context;
    return new PieceScheduler({ layout, verified: this.#verified, order, random, timeoutMs }, clock.now());
  }

  /** Opens sources from the reserve while there is room. */
  #fillSlots(): void {
    if (!this.#settle) return;
    let used = 0;
    for (const { state } of this.#slots.values()) if (state === 'active' || state === 'connecting') used++;
    for (const slot of this.#slots.values()) {
      if (used >= this.#options.maxSources) return;
      if (slot.state !== 'reserve' || slot.retry) continue;
      used++;
      void this.#open(slot);
    }
  }

  async #open(slot: Slot): Promise<void> {
    slot.state = 'connecting';
    slot.abort = new AbortController();
    const { signal } = slot.abort;
    const { source } = slot;
    const own = <Arguments extends unknown[]>(handle: (...args: Arguments) => void) => {
      return (...args: Arguments): void => {
        if (!signal.aborted && this.#settle) handle(...args);
      };
    };
    try {
      const open = await source.open(
        {
          data: own((id: number, bytes: Uint8Array) => this.#received(slot, id, bytes)),
          rejected: own((id: number) => {
            this.#scheduler.rejected(id);
            this.#assign();
          }),
          choked: own((choked: boolean) => {
            this.#scheduler.setChoked(source.id, choked);
            this.#assign();
          }),
          have: own((piece: number) => {
            this.#scheduler.have(source.id, piece);
            this.#assign();
          }),
          life: own(() => this.#scheduler.showedLife(source.id, this.#context.clock.now())),
          gone: own((error: Error) => this.#failed(slot, error)),
        },
        signal,
      );
      if (signal.aborted || !this.#settle) return open.close();
      slot.open = open;
      slot.state = 'active';
      slot.note = undefined;
      slot.claim = this.#claim(source);
      if (this.#holds.size > 0) open.pause();
      this.#scheduler.addSource(
        source.id,
        open.available,
        open.roundTripMs,
        this.#context.clock.now(),
        open.choked,
      );
      this.#assign();
      this.#listener.changed();
    } catch (error) {
      if (!signal.aborted && this.#settle) this.#failed(slot, error as Error);
    }
  }

  /** The source broke off or could not be opened: it is tried again a few times, later each time. */
  #failed(slot: Slot, error: Error): void {
    const wasActive = slot.state === 'active';
    slot.failures++;
    const why = reasonOf(error);
    this.#lose(slot, why);
    if (wasActive) {
      this.#mark(`${slot.source.id} is lost: ${why}`);
      this.#tell(
        'source-lost',
        `Source ${slot.source.id} of ${this.#options.name} is lost: ${why}. The others go on.`,
        'warning',
        slot,
      );
    }
    const final = (error as { final?: boolean }).final === true;
    if (final || slot.failures >= MAX_FAILURES) return;
    const wait = FIRST_RETRY_MS * 2 ** (slot.failures - 1);
    slot.retry = this.#context.clock.after(wait, () => {
      slot.retry = null;
      if (slot.state !== 'lost') return;
      slot.state = 'reserve';
      this.#fillSlots();
    });
  }

  #lose(slot: Slot, note: string): void {
    slot.abort.abort();
    slot.retry?.cancel();
    slot.retry = null;
    this.#close(slot);
    slot.state = 'lost';
    slot.note = note;
    this.#scheduler.removeSource(slot.source.id);
    this.#fillSlots();
    this.#assign();
    this.#listener.changed();
  }

  #assign(): void {
    if (!this.#settle || this.#holds.has('person')) return;
    const now = this.#context.clock.now();
    const mayAsk = this.#options.shares
      ? (id: string, outstanding: number) => this.#slots.get(id)?.claim?.mayAsk(outstanding, now) ?? true
      : undefined;
    for (const request of this.#scheduler.assign(now, mayAsk)) {
      this.#slots.get(request.source)?.open?.request(request);
    }
  }

  #claim({ id, address }: Source): Claim | null {
    const { shares } = this.#options;
    if (!shares) return null;
    return shares.claim(address, {
      weight: shareOf[this.#priority],
      waitsForBytes: () => this.#holds.size === 0 && this.#scheduler.outstandingOf(id) > 0,
      wake: () => this.#assign(),
    });
  }

  #cancel(requests: readonly Request[]): void {
    for (const { source, id } of requests) this.#slots.get(source)?.open?.cancel(id);
  }

  #received(slot: Slot, requestId: number, bytes: Uint8Array): void {
    const now = this.#context.clock.now();
    slot.bytes += bytes.length;
    slot.failures = 0;
    slot.claim?.received(bytes.length);
    this.#limit(bytes.length, now);
    const { place, complete, answered, cancel } = this.#scheduler.received(requestId, bytes.length, now);
    if (!place) {
      this.#wasted += bytes.length;
      this.#scheduler.showedLife(slot.source.id, now);
      return;
    }
    let buffer = this.#buffers.get(place.piece);
    if (!buffer) {
      buffer = this.#spare.pop() ?? Buffer.allocUnsafe(this.#options.layout.pieceSize);
      this.#buffers.set(place.piece, buffer);
    }
    buffer.set(bytes, place.at);
    this.#cancel(cancel);
    if (complete) void this.#check(place.piece, buffer, slot);
    if (answered || complete) this.#assign();
  }

  async #check(piece: number, buffer: Buffer, slot: Slot): Promise<void> {
    this.#buffers.delete(piece);
    const bytes = buffer.subarray(0, pieceLength(this.#options.layout, piece));
    this.#unwritten += bytes.length;
    if (this.#unwritten > MAX_UNWRITTEN) this.#hold('disk', true);
    try {
      if (await pieceIsRight(this.#options.verification, piece, bytes)) await this.#keep(piece, bytes, slot);
      else this.#reject(piece, bytes.length);
    } catch (error) {
      this.#settle?.(diskError(error));
    }
    this.#release(buffer);
    this.#unwritten -= bytes.length;
    if (this.#unwritten < MAX_UNWRITTEN / 2) this.#hold('disk', false);
    this.#assign();
  }

  async #keep(piece: number, bytes: Buffer, slot: Slot): Promise<void> {
    // The download may have ended while the piece was verified; the file is closed then.
    if (!this.#settle || !this.#file) return;
    this.#digest?.writing(piece, bytes);
    await this.#file.write(bytes, pieceOffset(this.#options.layout, piece));
    this.#scheduler.verified(piece);
    this.#digest?.wrote();
    this.#origin[piece] = slot.index;
    this.#keptBytes += bytes.length;
    this.#listener.pieceKept?.(piece);
    if (this.#verified.complete) this.#settle?.(null);
  }

  #reject(piece: number, length: number): void {
    this.#wasted += length;
    const { banned, suspects } = this.#scheduler.corrupt(piece);
    for (const id of banned) this.#ban(id, piece);
    if (suspects.length > 0) {
      const text = `Piece ${piece} of ${this.#options.name} was wrong; ${suspects.join(' and ')} had a part in it. It is fetched again from one source alone.`;
      this.#mark(`piece ${piece} was wrong`);
      this.#listener.event('piece-corrupt', text, 'warning', this.#options.name);
    }
  }

  #ban(id: string, piece: number): void {
    const slot = this.#slots.get(id);
    if (!slot) return;
    this.#lose(slot, `sent wrong bytes (piece ${piece})`);
    slot.state = 'banned';
    this.#mark(`${id} sent wrong bytes and is not asked again`);
    this.#tell(
      'source-banned',
      `Source ${id} sent a wrong piece of ${this.#options.name} (number ${piece}). The piece is thrown away and comes from elsewhere; ${id} is not asked again.`,
      'bad',
      slot,
    );
  }

  #release(buffer: Buffer): void {
    if ((this.#spare.length + 1) * buffer.length <= MAX_SPARE) this.#spare.push(buffer);
  }

  #tick(): void {
    if (!this.#settle) return;
    const now = this.#context.clock.now();
    if (this.#holds.size > 0) this.#scheduler.forgiveSilence(now);
    for (const { source, silentMs, cancel, dead } of this.#scheduler.tick(now)) {
      const slot = this.#slots.get(source);
      if (!slot?.open) continue;
      if (dead) {
        this.#failed(slot, new Error(`it sent nothing for ${Math.round(silentMs)} ms`));
        continue;
      }
      this.#cancel(cancel);
      this.#mark(`${source} stalled`);
      this.#tell(
        'source-stalled',
        `Source ${source} of ${this.#options.name} has sent nothing for ${Math.round(silentMs)} ms while others go on; its part is asked for elsewhere.`,
        'warning',
        slot,
      );
    }
    this.#assign();
    this.#giveUpWithoutSources(now);
    if (++this.#ticks % RECORD_EVERY_TICKS === 0) this.#record();
    this.#listener.changed();
  }

  #giveUpWithoutSources(now: number): void {
    const hopeful = [...this.#slots.values()].some(
      ({ state, retry }) => state === 'connecting' || state === 'reserve' || retry !== null,
    );
    if (!this.#scheduler.starving || hopeful || this.#holds.has('person')) {
      this.#sourcelessSince = now;
      return;
    }
    if (now - this.#sourcelessSince < this.#options.patienceMs) return;
    const missing = this.#options.layout.count - this.#verified.count;
    const reasons = [...this.#slots.values()].flatMap(({ source, note }) =>
      note ? [`${source.id}: ${note}`] : [],
    );
    this.#settle?.(
      new StudioError(
        'NO_SOURCE',
        `${missing} of ${this.#options.layout.count} pieces of ${this.#options.name} are missing and nobody who is left has them.${reasons.length > 0 ? ` ${reasons.join('; ')}.` : ''}`,
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
    if (before === 0 && this.#holds.size > 0) {
      for (const { open } of this.#slots.values()) open?.pause();
    } else if (before > 0 && this.#holds.size === 0) {
      this.#scheduler.forgiveSilence(this.#context.clock.now());
      for (const { open } of this.#slots.values()) open?.resume();
      this.#assign();
    }
  }

  async #finish(): Promise<DownloadOutcome> {
    const { verification, folder, name } = this.#options;
    this.#phase = 'verifying';
    this.#listener.changed();
    const digest = await this.#digest?.finish().catch((error) => Promise.reject(diskError(error)));
    if (verification.kind === 'digest' && digest !== verification.hex) {
      await this.#discard();
      throw new StudioError(
        'CORRUPT',
        `${name} has arrived in full, but its ${verification.algorithm} is not the announced one. The file was thrown away.`,
        'One of the sources has other bytes. Download from each alone to find out which.',
      );
    }
    await this.#recording;
    await removeRecord(folder, name);
    const sha256 = verification.kind === 'digest' && verification.algorithm !== 'sha256' ? undefined : digest;
    return { verified: verifiedWords(verification), ...(sha256 ? { sha256 } : {}), view: this.view() };
  }

  async #abandon(): Promise<void> {
    if (!this.#file) return;
    if (this.#options.discardPartial) return this.#discard();
    this.#record();
    await this.#recording;
  }

  async #discard(): Promise<void> {
    const { folder, name } = this.#options;
    await this.#recording;
    await removeRecord(folder, name);
    await folder.remove(name + PART).catch(() => {});
  }

  #record(): void {
    if (this.#verified.count === this.#recordedPieces || this.#verified.complete) return;
    this.#recordedPieces = this.#verified.count;
    const { folder, name } = this.#options;
    this.#recording = this.#recording
      .then(() =>
        writeRecord(folder, name, this.#recordedIdentity, {
          pieces: this.#verified,
          priority: this.#priority,
        }),
      )
      .catch((error) =>
        this.#context.log.warn(`The state of ${name} cannot be kept: ${(error as Error).message}`),
      );
  }

  get #recordedIdentity(): RecordedIdentity {
    const { identity, layout } = this.#options;
    return { identity, size: layout.size, pieceSize: layout.pieceSize };
  }

  #closeSources(): void {
    for (const slot of this.#slots.values()) {
      slot.abort.abort();
      slot.retry?.cancel();
      this.#close(slot);
    }
  }

  #close(slot: Slot): void {
    slot.open?.close();
    slot.open = null;
    slot.claim?.release();
    slot.claim = null;
  }

  #mark(text: string): void {
    if (this.#marks.length >= MAX_MARKS) return;
    this.#marks.push({ at: this.#context.clock.wallTime(), bytes: this.#keptBytes, text });
  }

  #tell(type: string, text: string, level: 'warning' | 'bad', slot: Slot): void {
    this.#listener.event(type, text, level, slot.source.id);
  }

  #cells(): PieceCells {
    const { count } = this.#options.layout;
    const perCell = Math.max(1, Math.ceil(count / MAX_CELLS));
    const available = this.#scheduler.availability();
    const from: number[] = [];
    const availability: number[] = [];
    for (let start = 0; start < count; start += perCell) {
      const end = Math.min(count, start + perCell);
      from.push(mostFrequent(this.#origin.subarray(start, end)));
      availability.push(Math.min(...available.subarray(start, end)));
    }
    return { perCell, count, from, availability };
  }
}

function mostFrequent(values: Int16Array): number {
  const counts = new Map<number, number>();
  let best = -1;
  for (const value of values) {
    counts.set(value, (counts.get(value) ?? 0) + 1);
    if ((counts.get(value) as number) > (counts.get(best) ?? 0)) best = value;
  }
  return best;
}

function verifiedWords(verification: Verification): string {
  switch (verification.kind) {
    case 'pieces':
      return 'size and every piece (SHA-256)';
    case 'digest':
      return `size and ${verification.algorithm}`;
    case 'size':
      return 'size';
  }
}

function diskError(error: unknown): StudioError {
  const { code, message } = error as { code?: string; message?: string };
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new StudioError(
    'DISK',
    full ? 'The disk is full.' : `The file cannot be written: ${message}`,
    full ? 'Make room, then download again: what is there is kept.' : 'Choose another folder.',
  );
}
