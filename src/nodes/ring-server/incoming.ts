import { createHash, type Hash } from 'node:crypto';
import type { Folder, WritableFile } from '../../runtime/context';

/** A content that is arriving. */
export class Incoming {
  readonly #hash: Hash = createHash('sha256');
  #size = 0;
  #closed: { size: number; sha256: string } | undefined;

  constructor(
    readonly folder: Folder,
    readonly file: string,
    readonly handle: WritableFile,
  ) {}

  get size(): number {
    return this.#size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    const position = this.#size;
    this.#size += bytes.length;
    await this.handle.write(bytes, position);
  }

  async close(): Promise<{ size: number; sha256: string }> {
    if (!this.#closed) {
      this.#closed = { size: this.#size, sha256: this.#hash.digest('hex') };
      await this.handle.close();
    }
    return this.#closed;
  }

  async discard(): Promise<void> {
    await this.close();
    await this.folder.remove(this.file).catch(() => {});
  }
}
