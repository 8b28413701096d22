/** All uploads of a peer: who has a slot, how fast, and what is served. */
import { chooseUnchoked, TURN_MS } from '../../protocol/pieces/choker';
import { TokenBucket } from '../../protocol/pieces/token-bucket';
import type { NodeContext, Timer } from '../../runtime/context';
import type { PeerUpload } from './manifest';

/** How often slots are given anew and rates are measured, milliseconds. */
const REVIEW_MS = 500;
/** How often each upload sends something while there is a limit. */
const TURNS_PER_SECOND = 20;
/** Bytes that are sent at a time at least: each block costs a read, a timer and a frame. */
const MIN_BLOCK = 4096;

/** One peer that downloads from us, in either dialect. */
export interface Upload {
  /** Unique among the uploads. */
  readonly id: string;
  /** The peer's own id; empty for one of the seed. */
  readonly peer: string;
  readonly address: string;
  /** The file it asked for; empty before it has. */
  readonly file: string;
  /** Whether it would use a slot now. */
  readonly wantsSlot: boolean;
  /** Once begun it cannot be told to wait. */
  readonly keepsSlot: boolean;
  /** Bytes sent since it began. */
  readonly bytes: number;
  setChoked(choked: boolean): void;
  end(reason: string): void;
}

interface Entry {
  upload: Upload;
  unchokedAt: number | null;
  waitingSince: number;
  bytesAtReview: number;
  bytesPerSecond: number;
}

export interface UploadsOptions {
  slots: number;
  /** Bytes per second for all together; 0: no limit. */
  limit: number;
  /** What a peer sends us, bytes per second: who gives is served first. */
  givenBy(peer: string): number;
  changed(): void;
}

export class Uploads {
  readonly #context: NodeContext;
  readonly #options: UploadsOptions;
  readonly #entries = new Map<string, Entry>();
  #bucket: TokenBucket;
  #review: Timer | null = null;
  #idle: (() => void)[] = [];

  constructor(context: NodeContext, options: UploadsOptions) {
    this.#context = context;
    this.#options = options;
    this.#bucket = new TokenBucket(options.limit, context.clock.now());
  }

  get limit(): number {
    return this.#bucket.bytesPerSecond;
  }

  setLimit(bytesPerSecond: number): void {
    this.#bucket = new TokenBucket(bytesPerSecond, this.#context.clock.now());
  }

  /** Uploads that have a slot. */
  get active(): number {
    return [...this.#entries.values()].filter(({ unchokedAt }) => unchokedAt !== null).length;
  }

  add(upload: Upload): void {
    const now = this.#context.clock.now();
    this.#entries.set(upload.id, {
      upload,
      unchokedAt: null,
      waitingSince: now,
      bytesAtReview: 0,
      bytesPerSecond: 0,
    });
    this.#review ??= this.#context.clock.every(REVIEW_MS, () => this.#measure());
    this.giveSlots();
  }

  remove(upload: Upload): void {
    if (!this.#entries.delete(upload.id)) return;
    if (this.#entries.size === 0) {
      this.#review?.cancel();
      this.#review = null;
      for (const resolve of this.#idle.splice(0)) resolve();
    }
    this.giveSlots();
  }

  /**
   * Gives the slots anew; also to be called when an upload begins or ceases to want one. Where those that keep
   * their slots have them all, whoever has waited for a turn gets one more: nobody waits for the end of others.
   */
  giveSlots(): void {
    const now = this.#context.clock.now();
    const wanting = [...this.#entries.values()].filter(({ upload }) => upload.wantsSlot);
    const kept = wanting.filter(({ upload }) => upload.keepsSlot);
    const free = this.#options.slots - kept.length;
    const open = wanting.filter(
      ({ upload, unchokedAt, waitingSince }) =>
        !upload.keepsSlot && (free > 0 || unchokedAt !== null || now - waitingSince >= TURN_MS),
    );
    const chosen = chooseUnchoked(
      open.map(({ upload, unchokedAt, waitingSince }) => ({
        id: upload.id,
        givesPerSecond: upload.peer === '' ? 0 : this.#options.givenBy(upload.peer),
        unchokedAt,
        waitingSince,
      })),
      Math.max(1, free),
      now,
    );
    for (const { upload } of kept) chosen.add(upload.id);
    for (const entry of this.#entries.values()) {
      const has = chosen.has(entry.upload.id);
      if (!entry.upload.wantsSlot) entry.waitingSince = now;
      if (has === (entry.unchokedAt !== null)) continue;
      entry.unchokedAt = has ? now : null;
      entry.waitingSince = now;
      entry.upload.setChoked(!has);
    }
    this.#options.changed();
  }

  /**
   * Bytes to send at a time, at most `most`. Under a limit so few that every upload has its turn several times a
   * second: a downloader takes a source for stalled that is silent much longer than others.
   */
  blockSize(most: number): number {
    if (this.limit === 0) return most;
    const turn = this.limit / (TURNS_PER_SECOND * Math.max(1, this.active));
    return Math.max(MIN_BLOCK, Math.min(most, Math.floor(turn)));
  }

  /** Resolves when `bytes` may be sent under the limit. */
  async allow(bytes: number, signal: AbortSignal): Promise<void> {
    const wait = this.#bucket.take(bytes, this.#context.clock.now());
    if (wait > 0) await this.#context.clock.sleep(wait, signal);
  }

  /** Resolves when nobody downloads from us any more. */
  whenIdle(): Promise<void> {
    if (this.#entries.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  endAll(reason: string): void {
    for (const { upload } of [...this.#entries.values()]) upload.end(reason);
  }

  view(): PeerUpload[] {
    return [...this.#entries.values()]
      .filter(({ upload }) => upload.file !== '')
      .map(({ upload, unchokedAt, bytesPerSecond }) => ({
        peer: upload.peer,
        address: upload.address,
        file: upload.file,
        bytes: upload.bytes,
        bytesPerSecond: Math.round(bytesPerSecond),
        choked: unchokedAt === null,
      }));
  }

  #measure(): void {
    for (const entry of this.#entries.values()) {
      const { bytes } = entry.upload;
      entry.bytesPerSecond = ((bytes - entry.bytesAtReview) * 1000) / REVIEW_MS;
      entry.bytesAtReview = bytes;
    }
    this.giveSlots();
  }
}
