import { createHash, type Hash } from 'node:crypto';
import type { Folder, ReadableFile, WritableFile } from '../../runtime/context';
import { type ArrivingContent, Changes, type Content, type Cursor } from './content';

const READ_SIZE = 256 * 1024;
/** Bytes that may wait for the disk before the origin is asked to wait. */
const HIGH_WATER = 4 * 1024 * 1024;

/** Content of a file that is complete. */
export class FileContent implements Content {
  readonly #folder: Folder;
  readonly #name: string;
  readonly length: number;
  readonly state = 'complete';
  readonly kept = true;
  #readers = 0;
  #file: Promise<ReadableFile> | undefined;

  constructor(folder: Folder, name: string, length: number) {
    this.#folder = folder;
    this.#name = name;
    this.length = length;
  }

  get received(): number {
    return this.length;
  }

  /**
   * Opens the file for whoever reads it next.
   * @throws when it is not there, or not as long as it was
   */
  async check(): Promise<void> {
    await this.#opened();
  }

  async read(at: number, max: number): Promise<Uint8Array> {
    const file = await this.#opened();
    const bytes = Buffer.allocUnsafeSlow(Math.min(max, READ_SIZE, this.length - at));
    const count = await file.read(bytes, at);
    if (count === 0) throw new Error('A stored file is shorter than it was.');
    return bytes.subarray(0, count);
  }

  async change(): Promise<void> {}

  open(_cursor: Cursor): void {
    this.#readers++;
  }

  moved(): void {}

  close(_cursor: Cursor): void {
    if (--this.#readers > 0 || !this.#file) return;
    this.#file.then((file) => file.close()).catch(() => {});
    this.#file = undefined;
  }

  #opened(): Promise<ReadableFile> {
    this.#file ??= this.#openFile();
    return this.#file;
  }

  async #openFile(): Promise<ReadableFile> {
    const file = await this.#folder.open(this.#name);
    if (file.size === this.length) return file;
    await file.close();
    throw new Error('A stored file does not have its length.');
  }
}

/** Content that is written to a file as it arrives, and read from it at the same time. */
export class ArrivingFileContent implements ArrivingContent {
  readonly #changes = new Changes();
  readonly #file: Promise<WritableFile>;
  readonly #hash: Hash = createHash('sha256');
  #writes: Promise<void>;
  readonly kept = true;
  #queued = 0;
  #readers = 0;
  #done = false;
  received = 0;
  length: number | undefined;
  state: 'arriving' | 'complete' | 'failed' = 'arriving';

  constructor(file: Promise<WritableFile>, length: number | undefined) {
    this.#file = file;
    this.#writes = file.then(() => {});
    this.#writes.catch(() => this.fail());
    this.length = length;
  }

  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  async read(at: number, max: number): Promise<Uint8Array> {
    const file = await this.#file;
    const bytes = Buffer.allocUnsafeSlow(Math.min(max, READ_SIZE, this.received - at));
    return bytes.subarray(0, await file.read(bytes, at));
  }

  change(): Promise<void> {
    return this.#changes.next();
  }

  open(_cursor: Cursor): void {
    this.#readers++;
  }

  moved(): void {}

  close(_cursor: Cursor): void {
    this.#readers--;
    this.#closeIfDone();
  }

  append(part: Uint8Array): Promise<void> | undefined {
    const bytes = Buffer.from(part);
    this.#hash.update(bytes);
    this.#queued += bytes.length;
    this.#writes = this.#writes.then(async () => {
      const file = await this.#file;
      await file.write(bytes, this.received);
      this.#queued -= bytes.length;
      this.received += bytes.length;
      this.#changes.notify();
    });
    this.#writes.catch(() => this.fail());
    return this.#queued > HIGH_WATER ? this.#writes.catch(() => {}) : undefined;
  }

  /** Resolves when the bytes are on the disk to stay. */
  async finish(): Promise<void> {
    await this.#writes;
    await (await this.#file).sync();
    this.length = this.received;
    this.state = 'complete';
    this.#done = true;
    this.#changes.notify();
    this.#closeIfDone();
  }

  fail(): void {
    if (this.state !== 'arriving') return;
    this.state = 'failed';
    this.#done = true;
    this.#changes.notify();
    this.#closeIfDone();
  }

  #closeIfDone(): void {
    if (!this.#done || this.#readers > 0) return;
    this.#writes
      .catch(() => {})
      .then(() => this.#file)
      .then((file) => file.close())
      .catch(() => {});
  }
}
