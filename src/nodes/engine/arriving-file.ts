import type { Digested, Hasher, Hashing, WritableFile } from '../../runtime/context';
import { wholeOf } from './piece-hashes';

const SLAB = 1 << 20;
/** Slabs that may be full while the digest and the disk are busy; then the sender is held back. */
const MAX_FULL_SLABS = 3;

/**
 * A file while it arrives from its beginning to its end. What comes is copied into slabs of a megabyte, which are
 * hashed (SHA-256) and written, in order, while the next one fills.
 */
export class ArrivingFile {
  /** Called when there is room again after `append` had returned false, and when writing has failed. */
  onRoom: () => void = () => {};
  readonly #file: WritableFile;
  readonly #hashing: Hashing;
  #hasher: Hasher | null = null;
  /** Bytes appended, written or not. */
  #length = 0;
  #written = 0;
  #slab: Buffer | undefined;
  #filled = 0;
  readonly #spare: Buffer[] = [];
  #fullSlabs = 0;
  /** Never rejects: see `error`. */
  #storing: Promise<void> = Promise.resolve();
  /** What was there before the last restart is gone. */
  #emptied: Promise<void> = Promise.resolve();
  #error: Error | undefined;

  /** @param file closed by who opened it, after `close` */
  constructor(file: WritableFile, hashing: Hashing) {
    this.#file = file;
    this.#hashing = hashing;
  }

  get length(): number {
    return this.#length;
  }

  /** How much of it has been written; always its beginning. */
  get written(): number {
    return this.#written;
  }

  /** The error that made writing fail, if one did. */
  get error(): Error | undefined {
    return this.#error;
  }

  /**
   * Goes on after what the file has already. Resolves to its length.
   * @param expected size of the whole
   */
  async adopt(expected: number, signal: AbortSignal): Promise<number> {
    const hasher = this.#hasherFor(expected);
    let buffer: Buffer = Buffer.allocUnsafeSlow(Math.min(SLAB, Math.max(1, this.#file.size)));
    while (this.#length < this.#file.size) {
      signal.throwIfAborted();
      const count = await this.#file.read(buffer, this.#length);
      if (count === 0) break;
      buffer = wholeOf((await hasher.update(buffer.subarray(0, count))).bytes);
      this.#length += count;
    }
    this.#written = this.#length;
    return this.#length;
  }

  /**
   * Throws away what there is; bytes may be appended at once. Resolves when it is gone.
   * @throws what the disk says
   */
  async restart(): Promise<void> {
    this.#length = this.#filled = 0;
    this.#hasher?.close();
    this.#hasher = null;
    this.#emptied = this.#storing
      .then(() => this.#file.truncate(0))
      .then(
        () => {
          this.#written = 0;
        },
        (error: Error) => {
          this.#error ??= error;
        },
      );
    this.#storing = this.#emptied;
    await this.flush();
  }

  /**
   * Copies the bytes. False: enough for now, wait for `onRoom`.
   * @param expected how many are still to come, these among them
   */
  append(bytes: Uint8Array, expected: number): boolean {
    this.#hasherFor(this.#length + expected);
    for (let at = 0; at < bytes.length; ) {
      this.#slab ??= this.#spare.pop() ?? Buffer.allocUnsafeSlow(Math.max(1, Math.min(SLAB, expected)));
      const count = Math.min(this.#slab.length - this.#filled, bytes.length - at);
      this.#slab.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      this.#length += count;
      at += count;
      if (this.#filled === this.#slab.length) this.#seal();
    }
    return this.#fullSlabs < MAX_FULL_SLABS;
  }

  /** Resolves when everything appended is written. @throws what the disk says */
  async flush(): Promise<void> {
    this.#seal();
    await this.#storing;
    if (this.#error) throw this.#error;
  }

  /** SHA-256 of everything appended so far, in hex. @throws what the disk says */
  async digest(): Promise<string> {
    await this.flush();
    return this.#hasherFor(0).digest();
  }

  /** Makes the file look as if it had been written to now. */
  touch(): void {
    this.#storing = this.#storing.then(() => this.#file.truncate(this.#file.size)).catch(() => {});
  }

  /** Resolves when nothing is written any more; what is not in a full slab is lost, so `flush` before. */
  async close(): Promise<void> {
    await this.#storing;
    // Slabs behind the one that failed may have been written: a later run must not take the gap for content.
    if (this.#error) await this.#file.truncate(this.#written).catch(() => {});
    this.#hasher?.close();
    this.#hasher = null;
  }

  #hasherFor(expected: number): Hasher {
    this.#hasher ??= this.#hashing.hasher('sha256', expected);
    return this.#hasher;
  }

  #seal(): void {
    const count = this.#filled;
    if (!this.#slab || count === 0) return;
    const full = this.#slab.subarray(0, count);
    this.#slab = undefined;
    this.#filled = 0;
    this.#fullSlabs++;
    const hasher = this.#hasherFor(0);
    const position = this.#length - count;
    const digested = this.#emptied.then(() =>
      this.#file.writeDigested(full, position, (bytes, place) => hasher.update(bytes, place)),
    );
    this.#storing = this.#stored(digested, this.#storing, position);
  }

  /** In the order of the slabs, whichever was done first: what counts as written has no gap. */
  async #stored(digested: Promise<Digested>, before: Promise<void>, position: number): Promise<void> {
    const [outcome] = await Promise.allSettled([digested, before]);
    if (outcome.status === 'rejected') this.#error ??= outcome.reason as Error;
    else {
      const { bytes } = outcome.value;
      if (!this.#error) this.#written = position + bytes.length;
      this.#release(bytes);
    }
    this.#fullSlabs--;
    if (this.#fullSlabs === MAX_FULL_SLABS - 1 || this.#error) this.onRoom();
  }

  #release(bytes: Buffer): void {
    const slab = wholeOf(bytes);
    if (slab.length === SLAB) this.#spare.push(slab);
  }
}
