/**
 * The disk's side of a download: buffers for pieces that arrive, their verification, the `.part` file, the digest of
 * the whole, and the record that lets a later run go on.
 */
import { StudioError } from '../../contract/errors';
import type { Priority } from '../../contract/priority';
import { type PieceLayout, pieceLength, pieceOffset } from '../../protocol/pieces/layout';
import { PieceMap } from '../../protocol/pieces/piece-map';
import type { Folder, Hasher, NodeContext, WritableFile } from '../../runtime/context';
import { hashOf, wholeOf } from './piece-hashes';
import { type RecordedIdentity, readRecord, removeRecord, writeRecord } from './resume-record';
import { OrderedDigest, type Verification } from './verification';

/** Bytes that wait to be hashed and written; more, and nobody should be read from until half of it is done. */
const MAX_WAITING = 8 * 1024 * 1024;
/** Buffers kept for the next piece: fresh memory costs a page fault every 4 KiB. */
const MAX_SPARE = 8 * 1024 * 1024;
/** The record is brought up to date so seldom that waiting for the disk takes at most this part of the time. */
const RECORD_SHARE = 0.1;
const PART = '.part';

export interface PieceStoreOptions {
  folder: Folder;
  /** Relative; the file is written to `<name>.part`. */
  name: string;
  layout: PieceLayout;
  verification: Verification;
  /** Computes the SHA-256 of the whole as well, though the pieces are verified one by one. */
  wholeDigest: boolean;
  /** Which file this is, for the record of a later run: see `RecordedIdentity`. */
  identity: string;
}

/** What became of a complete piece. 'late': the store had been closed before it was written. */
export type Kept = 'kept' | 'wrong' | 'late';

export class PieceStore {
  /** What is in the file, verified. */
  readonly verified: PieceMap;
  /** Called when too much waits for the disk, and when there is room again. */
  onFull: (full: boolean) => void = () => {};
  readonly #context: NodeContext;
  readonly #options: PieceStoreOptions;
  readonly #arriving = new Map<number, Buffer>();
  readonly #spare: Buffer[] = [];
  #pieceHasher: Hasher | null = null;
  #wholeHasher: Hasher | null = null;
  #digest: OrderedDigest | null = null;
  #file: WritableFile | null = null;
  #waiting = 0;
  /** What the record on the disk says. */
  #recorded: { count: number; priority: Priority } | null = null;
  #recording: Promise<void> | null = null;
  /** Waits for the disk before it writes the record. */
  #syncing = false;
  #nextRecordAt = 0;
  /** Nothing is recorded any more. */
  #over = false;

  constructor(context: NodeContext, options: PieceStoreOptions) {
    this.#context = context;
    this.#options = options;
    this.verified = new PieceMap(options.layout.count);
  }

  /**
   * Opens the file, and takes up what an earlier run has recorded, as far as the file really is that long.
   * @returns the priority that was recorded, if anything was
   * @throws StudioError DISK
   */
  async open(): Promise<Priority | null> {
    const { folder, name, layout } = this.#options;
    const recorded = await readRecord(folder, name, this.#identity);
    const file = await onDisk(folder.create(name + PART, { truncate: recorded === null }));
    this.#file = file;
    for (let piece = 0; piece < layout.count; piece++) {
      const end = pieceOffset(layout, piece) + pieceLength(layout, piece);
      if (recorded?.pieces.has(piece) && end <= file.size) this.verified.add(piece);
    }
    if (recorded) this.#recorded = { count: this.verified.count, priority: recorded.priority };
    this.#prepareHashers(file);
    return recorded?.priority ?? null;
  }

  /** Puts bytes of an arriving piece into their place; they are copied. */
  put(piece: number, at: number, bytes: Uint8Array): void {
    let buffer = this.#arriving.get(piece);
    if (!buffer) {
      buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#options.layout.pieceSize);
      this.#arriving.set(piece, buffer);
    }
    buffer.set(bytes, at);
  }

  /**
   * All bytes of the piece have arrived: verifies and writes it.
   * @param judged told whether they are right, and lent them
   * @throws StudioError DISK
   */
  async keep(piece: number, judged: (bytes: Uint8Array, right: boolean) => void): Promise<Kept> {
    const length = pieceLength(this.#options.layout, piece);
    const arrived = this.#arriving.get(piece) as Buffer;
    this.#arriving.delete(piece);
    this.#waits(length);
    const { bytes, right, digested } = await onDisk(this.#store(piece, arrived.subarray(0, length)));
    judged(bytes, right);
    const kept = right && this.#file !== null;
    if (kept) this.verified.add(piece);
    if (kept && !digested) void this.#digestAndRelease(piece, bytes);
    else {
      this.#waits(-length);
      this.#release(bytes);
    }
    if (kept) return 'kept';
    return right ? 'late' : 'wrong';
  }

  /** Reads bytes of verified pieces. */
  async read(into: Uint8Array, position: number): Promise<number> {
    return this.#file ? this.#file.read(into, position) : 0;
  }

  /** Brings the record up to date, unless that is being done or too soon. */
  record(priority: Priority): void {
    if (!this.#recording && this.#context.clock.now() >= this.#nextRecordAt) void this.#record(priority);
  }

  /** Records the last state, for a later run. */
  async suspend(priority: Priority): Promise<void> {
    await this.#recording;
    await this.#record(priority);
  }

  /**
   * Everything is written: checks the whole, and takes the record away.
   * @returns the digest of the whole in hex, where one was computed
   * @throws StudioError CORRUPT (the file is thrown away), DISK
   */
  async finish(): Promise<string | undefined> {
    const { verification, folder, name } = this.#options;
    const digest = this.#digest ? await onDisk(this.#digest.finish()) : undefined;
    if (verification.kind === 'digest' && digest !== verification.hex) {
      await this.discard();
      throw new StudioError(
        'CORRUPT',
        `${name} has arrived in full, but its ${verification.algorithm} is not the announced one. The file was thrown away.`,
        'One of the sources has other bytes. Download from each alone to find out which.',
      );
    }
    await this.#stopRecording();
    await removeRecord(folder, name);
    return digest;
  }

  /** Closes the store, and throws file and record away. */
  async discard(): Promise<void> {
    const { folder, name } = this.#options;
    await this.close();
    await removeRecord(folder, name);
    await folder.remove(name + PART).catch(() => {});
  }

  /** What was begun is waited for; nothing is written or recorded afterwards. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await this.#digest?.stop();
    this.#pieceHasher?.close();
    this.#wholeHasher?.close();
    await this.#stopRecording();
    const closed = file?.close();
    // Nobody needs to wait until a slow disk has what will not be recorded.
    if (this.#syncing) closed?.catch(() => {});
    else await closed;
  }

  #prepareHashers(file: WritableFile): void {
    const { layout, verification, wholeDigest } = this.#options;
    const { hashing } = this.#context;
    if (verification.kind === 'pieces') this.#pieceHasher = hashing.hasher('sha256', layout.size);
    if (verification.kind === 'pieces' && !wholeDigest) return;
    const algorithm = verification.kind === 'digest' ? verification.algorithm : 'sha256';
    this.#wholeHasher = hashing.hasher(algorithm, layout.size);
    this.#digest = new OrderedDigest(this.#wholeHasher, layout, this.verified, file);
  }

  /**
   * Writes a piece and verifies it. One that is wrong is in the file then, and counts for nothing: the right one will
   * replace it.
   * @returns `digested`: the digest of the whole has it already
   */
  async #store(
    piece: number,
    bytes: Buffer,
  ): Promise<{ bytes: Uint8Array; right: boolean; digested: boolean }> {
    const { verification, layout } = this.#options;
    const position = pieceOffset(layout, piece);
    const [file, hasher, digest] = [this.#file, this.#pieceHasher, this.#digest];
    if (!file) return { bytes, right: true, digested: false };
    if (verification.kind === 'pieces' && hasher) {
      const expected = Buffer.from(hashOf(verification.hashes, piece)).toString('hex');
      const hashed = await file.writeDigested(bytes, position, (block, place) => hasher.hash(block, place));
      return { bytes: hashed.bytes, right: hashed.hex === expected, digested: false };
    }
    if (digest?.isNext(piece)) {
      const taken = await file.writeDigested(bytes, position, (block, place) =>
        digest.takeNext(block, place),
      );
      return { bytes: taken.bytes, right: true, digested: true };
    }
    await file.write(bytes, position);
    return { bytes, right: true, digested: false };
  }

  async #digestAndRelease(piece: number, bytes: Uint8Array): Promise<void> {
    const { length } = bytes;
    // What waits for a piece that has not come must not stop the reading: it never would come.
    const later = this.#digest?.hasGapBefore(piece) === true;
    if (later) this.#waits(-length);
    try {
      this.#release(this.#digest ? await this.#digest.add(piece, bytes) : bytes);
    } catch {
      // `finish` tells; until then the download goes on without this buffer.
    }
    if (!later) this.#waits(-length);
  }

  #waits(bytes: number): void {
    const before = this.#waiting;
    this.#waiting += bytes;
    if (before <= MAX_WAITING && this.#waiting > MAX_WAITING) this.onFull(true);
    if (before >= MAX_WAITING / 2 && this.#waiting < MAX_WAITING / 2) this.onFull(false);
  }

  #release(bytes: Uint8Array): void {
    const buffer = wholeOf(bytes);
    if ((this.#spare.length + 1) * buffer.length <= MAX_SPARE) this.#spare.push(buffer);
  }

  /** Never rejects: without a record a later run starts anew. */
  #record(priority: Priority): Promise<void> {
    this.#recording = this.#writeRecord(priority)
      .catch((error) =>
        this.#context.log.warn(`What has arrived cannot be recorded: ${(error as Error).message}`),
      )
      .finally(() => {
        this.#recording = null;
      });
    return this.#recording;
  }

  async #writeRecord(priority: Priority): Promise<void> {
    const { folder, name } = this.#options;
    const { count } = this.verified;
    const same = this.#recorded?.count === count && this.#recorded.priority === priority;
    if (!this.#file || count === 0 || same) return;
    const pieces = this.verified.toBytes();
    await this.#sync(this.#file);
    if (this.#over) return;
    await writeRecord(folder, name, this.#identity, { pieces, priority });
    this.#recorded = { count, priority };
  }

  /** What is recorded is not hashed again: it has to survive a power cut, not only the end of the process. */
  async #sync(file: WritableFile): Promise<void> {
    const { clock } = this.#context;
    const began = clock.now();
    this.#syncing = true;
    try {
      await file.sync();
    } finally {
      this.#syncing = false;
      this.#nextRecordAt = clock.now() + (clock.now() - began) / RECORD_SHARE;
    }
  }

  /** A record that still waits for the disk is not written any more. */
  async #stopRecording(): Promise<void> {
    this.#over = true;
    if (!this.#syncing) await this.#recording;
  }

  get #identity(): RecordedIdentity {
    const { identity, layout } = this.#options;
    return { identity, size: layout.size, pieceSize: layout.pieceSize };
  }
}

async function onDisk<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new StudioError(
      'DISK',
      full ? 'The disk is full.' : `The file cannot be written: ${message}`,
      full ? 'Make room, then download again: what is there is kept.' : 'Choose another folder.',
    );
  }
}
