import { type ArrivingContent, Changes, type Cursor } from './content';

/** So much may wait for the slowest reader before the origin is asked to wait. */
const WINDOW = 1024 * 1024;

/** Content that is not stored: bytes stay until every reader has had them. */
export class PassingContent implements ArrivingContent {
  readonly kept = false;
  readonly #changes = new Changes();
  readonly #room = new Changes();
  readonly #cursors = new Set<Cursor>();
  #parts: { at: number; bytes: Uint8Array }[] = [];
  received = 0;
  length: number | undefined;
  state: 'arriving' | 'complete' | 'failed' = 'arriving';
  /** Called when the last reader has gone before the end. */
  onUnread: (() => void) | undefined;

  constructor(length: number | undefined) {
    this.length = length;
  }

  /** Goes on where content that was to be stored turned out to be too large. */
  static after(bytes: Uint8Array, length: number | undefined, cursors: Iterable<Cursor>): PassingContent {
    const content = new PassingContent(length);
    for (const cursor of cursors) content.#cursors.add(cursor);
    content.#parts.push({ at: 0, bytes });
    content.received = bytes.length;
    content.moved();
    return content;
  }

  read(at: number, max: number): Uint8Array {
    for (const part of this.#parts) {
      const start = at - part.at;
      if (start < part.bytes.length) return part.bytes.subarray(start, start + max);
    }
    throw new Error('Nothing has arrived there.');
  }

  change(): Promise<void> {
    return this.#changes.next();
  }

  open(cursor: Cursor): void {
    this.#cursors.add(cursor);
  }

  close(cursor: Cursor): void {
    this.#cursors.delete(cursor);
    this.moved();
    if (this.#cursors.size === 0 && this.state === 'arriving') this.onUnread?.();
  }

  moved(): void {
    const least = this.#least();
    let done = 0;
    for (const { at, bytes } of this.#parts) {
      if (at + bytes.length > least) break;
      done++;
    }
    if (done > 0) this.#parts.splice(0, done);
    if (this.received - least <= WINDOW) this.#room.notify();
  }

  get isRead(): boolean {
    return this.#cursors.size > 0;
  }

  append(part: Uint8Array): Promise<void> | undefined {
    // Readers are there from the start or never.
    if (this.#cursors.size === 0) {
      this.received += part.length;
      return undefined;
    }
    this.#parts.push({ at: this.received, bytes: Buffer.from(part) });
    this.received += part.length;
    this.#changes.notify();
    return this.received - this.#least() > WINDOW ? this.#room.next() : undefined;
  }

  finish(): void {
    this.length = this.received;
    this.state = 'complete';
    this.#changes.notify();
  }

  fail(): void {
    if (this.state !== 'arriving') return;
    this.state = 'failed';
    this.#changes.notify();
    this.#room.notify();
  }

  #least(): number {
    let least = this.received;
    for (const { at } of this.#cursors) least = Math.min(least, at);
    return least;
  }
}
