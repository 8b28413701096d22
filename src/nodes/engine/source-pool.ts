/**
 * The sources of a download: opened while there is room, tried again when they break off, left alone when they fail
 * for good or send wrong bytes. What to ask of whom is decided by `PieceScheduler`.
 */
import { type Priority, shareOf } from '../../contract/priority';
import type { PieceScheduler, Request, SourceRates } from '../../protocol/pieces/scheduler';
import type { Claim, Shares } from '../../protocol/pieces/shares';
import type { NodeContext, Timer } from '../../runtime/context';
import { reasonOf } from '../shared/error-text';
import type { SourceView } from './download-view';
import type { OpenSource, Source } from './source';

/** How often a source may fail in a row, without a useful byte between, before it is left alone. */
const MAX_FAILURES = 3;
const FIRST_RETRY_MS = 300;
/** Weight of the newest tick in a rate that people see: about a second's worth of ticks counts. */
const RATE_WEIGHT = 0.15;

/** One source, from when it is known until the download ends. */
export interface Slot {
  readonly source: Source;
  state: SourceView['state'];
  /** Place among all sources, for the piece map. */
  readonly index: number;
  bytes: number;
  /**
   * As people see it, its pauses included. The scheduler's measure is of the time in which something is owed alone:
   * a peer that has little to give, and gives it fast, is not fast.
   */
  bytesPerSecond: number;
  /** Bytes at the last tick. */
  bytesBefore: number;
  failures: number;
  note: string | undefined;
  open: OpenSource | null;
  abort: AbortController;
  retry: Timer | null;
  /** To its part of the source, while it is open. */
  claim: Claim | null;
}

export interface PoolListener {
  /** Bytes of an answer; the buffer is lent. */
  received(slot: Slot, requestId: number, bytes: Uint8Array): void;
  /** Something may be asked now that could not be asked before. */
  mayAsk(): void;
  /** Whether bytes that come are read now. */
  reading(): boolean;
  changed(): void;
  /** A source that was in use is lost. */
  lost(slot: Slot, why: string): void;
}

export interface PoolOptions {
  maxSources: number;
  shares: Shares | undefined;
}

export class SourcePool {
  readonly #context: NodeContext;
  readonly #scheduler: PieceScheduler;
  readonly #options: PoolOptions;
  readonly #listener: PoolListener;
  readonly #slots = new Map<string, Slot>();
  #priority: Priority;
  #running = false;

  constructor(
    context: NodeContext,
    scheduler: PieceScheduler,
    { priority, ...options }: PoolOptions & { priority: Priority },
    listener: PoolListener,
  ) {
    this.#context = context;
    this.#scheduler = scheduler;
    this.#options = options;
    this.#listener = listener;
    this.#priority = priority;
  }

  /** One that is known already is tried again if it was lost. */
  add(source: Source): void {
    const known = this.#slots.get(source.id);
    if (!known) {
      this.#slots.set(source.id, {
        source,
        state: 'reserve',
        index: this.#slots.size,
        bytes: 0,
        bytesPerSecond: 0,
        bytesBefore: 0,
        failures: 0,
        note: undefined,
        open: null,
        abort: new AbortController(),
        retry: null,
        claim: null,
      });
    } else if (known.state === 'lost') {
      known.state = 'reserve';
      known.failures = 0;
    }
    this.#fill();
  }

  /** A source that is known to be gone, or to have the file no more. */
  remove(id: string, note: string): void {
    const slot = this.#slots.get(id);
    if (slot && slot.state !== 'banned') this.#lose(slot, note);
  }

  /** From now on sources are opened. */
  start(): void {
    this.#running = true;
    this.#fill();
  }

  /** Closes all of them; none is opened any more, and none of them is heard any more. */
  stop(): void {
    this.#running = false;
    for (const slot of this.#slots.values()) {
      slot.abort.abort();
      slot.retry?.cancel();
      this.#close(slot);
    }
  }

  get(id: string): Slot | undefined {
    return this.#slots.get(id);
  }

  /** True while another source may still turn up of those that are known. */
  get hopeful(): boolean {
    return [...this.#slots.values()].some(
      ({ state, retry }) => state === 'connecting' || state === 'reserve' || retry !== null,
    );
  }

  /** What happened to those that are not used, for people. */
  get notes(): string[] {
    return [...this.#slots.values()].flatMap(({ source, note }) => (note ? [`${source.id}: ${note}`] : []));
  }

  /** Sends what the scheduler wants to be asked now. */
  ask(): void {
    if (!this.#running) return;
    const now = this.#context.clock.now();
    const mayAsk = this.#options.shares
      ? (id: string, outstanding: number) => this.#slots.get(id)?.claim?.mayAsk(outstanding, now) ?? true
      : undefined;
    const requests = new Map<string, Request[]>();
    for (const request of this.#scheduler.assign(now, mayAsk)) {
      const others = requests.get(request.source);
      if (others) others.push(request);
      else requests.set(request.source, [request]);
    }
    for (const [id, ofOne] of requests) this.#slots.get(id)?.open?.request(ofOne);
  }

  cancel(requests: readonly Request[]): void {
    for (const { source, id } of requests) this.#slots.get(source)?.open?.cancel(id);
  }

  pause(): void {
    for (const { open } of this.#slots.values()) open?.pause();
  }

  resume(): void {
    for (const { open } of this.#slots.values()) open?.resume();
  }

  setPriority(priority: Priority): void {
    this.#priority = priority;
    for (const { claim } of this.#slots.values()) if (claim) claim.weight = shareOf[priority];
  }

  /** It broke off or could not be opened: it is tried again a few times, later each time. */
  fail(slot: Slot, error: Error): void {
    const wasActive = slot.state === 'active';
    slot.failures++;
    const why = reasonOf(error);
    this.#lose(slot, why);
    if (wasActive) this.#listener.lost(slot, why);
    const final = (error as { final?: boolean }).final === true;
    if (final || slot.failures >= MAX_FAILURES) return;
    slot.retry = this.#context.clock.after(FIRST_RETRY_MS * 2 ** (slot.failures - 1), () => {
      slot.retry = null;
      // It may be in the reserve again by now, and has waited there for this.
      if (slot.state === 'lost') slot.state = 'reserve';
      this.#fill();
    });
  }

  /** It is not asked again. */
  ban(slot: Slot, note: string): void {
    this.#lose(slot, note);
    slot.state = 'banned';
  }

  /** Looks at how much has come since the last call. */
  measure(elapsedMs: number): void {
    for (const slot of this.#slots.values()) {
      const newest = ((slot.bytes - slot.bytesBefore) * 1000) / elapsedMs;
      slot.bytesPerSecond += (newest - slot.bytesPerSecond) * RATE_WEIGHT;
      slot.bytesBefore = slot.bytes;
    }
  }

  views(rates: readonly SourceRates[]): SourceView[] {
    const states = new Map(rates.map(({ id, state }) => [id, state]));
    return [...this.#slots.values()].map((slot) => {
      const active = slot.state === 'active';
      return {
        id: slot.source.id,
        address: slot.source.address,
        state: (active && states.get(slot.source.id)) || slot.state,
        bytes: slot.bytes,
        bytesPerSecond: active ? Math.round(slot.bytesPerSecond) : 0,
        ...(slot.note ? { note: slot.note } : {}),
      };
    });
  }

  /** Opens sources from the reserve while there is room. */
  #fill(): void {
    if (!this.#running) return;
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
    const scheduler = this.#scheduler;
    /** Of what a source tells after it was closed nobody hears. */
    const own = <Arguments extends unknown[]>(handle: (...args: Arguments) => void) => {
      return (...args: Arguments): void => {
        if (!signal.aborted && this.#running) handle(...args);
      };
    };
    const thenAsk = <Arguments extends unknown[]>(handle: (...args: Arguments) => void) =>
      own((...args: Arguments) => {
        handle(...args);
        this.#listener.mayAsk();
      });
    try {
      const open = await source.open(
        {
          data: own((id: number, bytes: Uint8Array) => this.#received(slot, id, bytes)),
          rejected: thenAsk((id: number) => scheduler.rejected(id)),
          choked: thenAsk((choked: boolean) => scheduler.setChoked(source.id, choked)),
          have: thenAsk((piece: number) => scheduler.have(source.id, piece)),
          life: own(() => scheduler.showedLife(source.id, this.#context.clock.now())),
          gone: own((error: Error) => this.fail(slot, error)),
        },
        signal,
      );
      if (signal.aborted || !this.#running) return open.close();
      slot.open = open;
      slot.state = 'active';
      slot.note = undefined;
      slot.claim = this.#claim(source);
      if (!this.#listener.reading()) open.pause();
      const { available, roundTripMs, choked } = open;
      scheduler.addSource(source.id, available, roundTripMs, this.#context.clock.now(), choked);
      this.#listener.mayAsk();
      this.#listener.changed();
    } catch (error) {
      if (!signal.aborted && this.#running) this.fail(slot, error as Error);
    }
  }

  #received(slot: Slot, requestId: number, bytes: Uint8Array): void {
    slot.bytes += bytes.length;
    slot.failures = 0;
    slot.claim?.received(bytes.length);
    this.#listener.received(slot, requestId, bytes);
  }

  #claim({ id, address }: Source): Claim | null {
    const { shares } = this.#options;
    if (!shares) return null;
    return shares.claim(address, {
      weight: shareOf[this.#priority],
      waitsForBytes: () => this.#listener.reading() && this.#scheduler.outstandingOf(id) > 0,
      wake: () => this.#listener.mayAsk(),
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
    this.#fill();
    this.#listener.mayAsk();
    this.#listener.changed();
  }

  #close(slot: Slot): void {
    slot.open?.close();
    slot.open = null;
    slot.claim?.release();
    slot.claim = null;
  }
}
