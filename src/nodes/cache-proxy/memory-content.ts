import { type ArrivingContent, Changes, type Cursor } from './content';
import { PassingContent } from './passing-content';

const FIRST_RESERVE = 16 * 1024;

/** Content in memory: one buffer that grows while it arrives. */
export class MemoryContent implements ArrivingContent {
  readonly #changes = new Changes();
  readonly #cursors = new Set<Cursor>();
  #bytes: Buffer;
  #received = 0;
  #length: number | undefined;
  #state: 'arriving' | 'complete' | 'failed' = 'arriving';
  /** Set when it will not be stored after all. */
  #passing: PassingContent | undefined;

  constructor(length: number | undefined) {
    this.#length = length;
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(length ?? FIRST_RESERVE, FIRST_RESERVE));
  }

  /** Content that is complete. */
  static of(bytes: Uint8Array): MemoryContent {
    const content = new MemoryContent(0);
    content.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    content.#received = content.#length = bytes.length;
    content.#state = 'complete';
    return content;
  }

  get received(): number {
    return this.#passing?.received ?? this.#received;
  }

  get length(): number | undefined {
    return this.#passing ? this.#passing.length : this.#length;
  }

  get state(): 'arriving' | 'complete' | 'failed' {
    return this.#passing?.state ?? this.#state;
  }

  get kept(): boolean {
    return this.#passing === undefined;
  }

  /** All that has arrived; only while it is kept. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#received);
  }

  read(at: number, max: number): Uint8Array {
    if (this.#passing) return this.#passing.read(at, max);
    return this.#bytes.subarray(at, Math.min(this.#received, at + max));
  }

  change(): Promise<void> {
    return this.#passing?.change() ?? this.#changes.next();
  }

  open(cursor: Cursor): void {
    if (this.#passing) this.#passing.open(cursor);
    else this.#cursors.add(cursor);
  }

  moved(): void {
    this.#passing?.moved();
  }

  close(cursor: Cursor): void {
    if (this.#passing) this.#passing.close(cursor);
    else this.#cursors.delete(cursor);
  }

  /** It will not be stored: those who read it now get the rest, and nothing is kept longer than they need it. */
  passOn(onUnread: () => void): void {
    if (this.#passing || this.#state !== 'arriving') return;
    this.#passing = PassingContent.after(this.bytes, this.#length, this.#cursors);
    this.#passing.onUnread = onUnread;
    this.#bytes = Buffer.alloc(0);
    this.#changes.notify();
    if (this.#cursors.size === 0) onUnread();
  }

  append(part: Uint8Array): Promise<void> | undefined {
    if (this.#passing) return this.#passing.append(part);
    const needed = this.#received + part.length;
    if (needed > this.#bytes.length) {
      const size = Math.max(
        needed,
        Math.min(this.#length ?? Number.POSITIVE_INFINITY, 2 * this.#bytes.length),
      );
      // Readers keep views of the old buffer: it is left as it is.
      const grown = Buffer.allocUnsafeSlow(size);
      this.#bytes.copy(grown, 0, 0, this.#received);
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#received);
    this.#received = needed;
    this.#changes.notify();
    return undefined;
  }

  finish(): void {
    if (this.#passing) return this.#passing.finish();
    this.#length = this.#received;
    this.#state = 'complete';
    // What was reserved and not needed would not be counted by anybody.
    if (this.#bytes.length > this.#received) this.#bytes = Buffer.from(this.bytes);
    this.#changes.notify();
  }

  fail(): void {
    if (this.#passing) return this.#passing.fail();
    if (this.#state !== 'arriving') return;
    this.#state = 'failed';
    this.#changes.notify();
  }
}
