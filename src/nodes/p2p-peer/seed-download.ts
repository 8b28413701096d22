/** A whole file from one peer of the seed, checked with its md5. */
import { createHash } from 'node:crypto';
import type { Endpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import { formatBytes } from '../../contract/format-bytes';
import {
  encodeSeedName,
  NOT_FOUND_SEEN,
  parseSeedFileSpec,
  type SeedFileSpec,
  SPEC_SEEN,
} from '../../protocol/p2p-seed';
import type { Connection, Folder, NodeContext, WritableFile } from '../../runtime/context';
import { beginFile } from '../engine/part-file';

const RECEIVE_BUFFER = 1024 * 1024;
/** Bytes that wait for the disk; beyond this the peer is not read from. */
const MAX_UNWRITTEN = 8 * 1024 * 1024;

export interface SeedDownloadOptions {
  context: NodeContext;
  folder: Folder;
  name: string;
  from: Endpoint;
  timeoutMs: number;
  signal: AbortSignal;
  /** Size, once it is known, and bytes so far. */
  progress(bytes: number, size: number): void;
}

/**
 * Leaves the bytes in `<name>.part`.
 * @throws when the peer does not have the file, breaks off, goes silent, or sends other bytes than it said
 */
export async function downloadFromSeedPeer(options: SeedDownloadOptions): Promise<SeedFileSpec> {
  const { context, from, folder, name, signal } = options;
  const file = await beginFile(folder, name);
  try {
    const connection = await context.net.connect(from, { signal, receiveBufferSize: RECEIVE_BUFFER });
    const abort = (): void => connection.destroy();
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await new SeedTransfer(connection, file, options).run();
    } finally {
      signal.removeEventListener('abort', abort);
      connection.destroy();
    }
  } finally {
    await file.close();
  }
}

class SeedTransfer {
  readonly #connection: Connection;
  readonly #file: WritableFile;
  readonly #options: SeedDownloadOptions;
  readonly #md5 = createHash('md5');
  #text = '';
  #spec: SeedFileSpec | null = null;
  #received = 0;
  #unwritten = 0;
  #writing: Promise<void> = Promise.resolve();
  #settle: { resolve(spec: SeedFileSpec): void; reject(error: Error): void } | null = null;

  constructor(connection: Connection, file: WritableFile, options: SeedDownloadOptions) {
    this.#connection = connection;
    this.#file = file;
    this.#options = options;
  }

  async run(): Promise<SeedFileSpec> {
    const { timeoutMs, name } = this.#options;
    const outcome = new Promise<SeedFileSpec>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#connection.setIdle(timeoutMs, () => this.#fail(new Error(`It sent nothing for ${timeoutMs} ms.`)));
    this.#connection.handle({
      data: (bytes) => this.#receive(bytes),
      close: (error) => this.#closed(error),
    });
    this.#connection.write(encodeSeedName(name));
    const spec = await outcome;
    await this.#writing;
    if (this.#md5.digest('hex') !== spec.md5) {
      throw new StudioError('CORRUPT', 'It sent bytes that do not fit its md5.');
    }
    return spec;
  }

  #receive(bytes: Uint8Array): void {
    if (this.#spec) return this.#takeBody(bytes, this.#spec);
    this.#text += Buffer.from(bytes).toString('latin1');
    const spec = parseSeedFileSpec(this.#text.trimEnd());
    if (spec === 'incomplete') return;
    if (spec === 'missing') {
      const gone = new StudioError('NOT_FOUND', 'It does not have the file any more.');
      const fail = (): void => this.#fail(gone);
      return void this.#connection.send(NOT_FOUND_SEEN).then(fail, fail);
    }
    if (!spec) return this.#fail(new Error(`It answered "${this.#text.slice(0, 80)}".`));
    this.#spec = spec;
    this.#connection.write(SPEC_SEEN);
    this.#options.progress(0, spec.size);
    if (spec.size === 0) this.#done(spec);
  }

  #takeBody(bytes: Uint8Array, spec: SeedFileSpec): void {
    if (this.#received + bytes.length > spec.size)
      return this.#fail(new Error('It sent more than it had announced.'));
    const kept = Buffer.from(bytes);
    const at = this.#received;
    this.#md5.update(kept);
    this.#received += kept.length;
    this.#unwritten += kept.length;
    if (this.#unwritten > MAX_UNWRITTEN) this.#connection.pause();
    this.#writing = this.#writing
      .then(() => this.#file.write(kept, at))
      .then(() => {
        this.#unwritten -= kept.length;
        if (this.#unwritten < MAX_UNWRITTEN / 2) this.#connection.resume();
      });
    this.#writing.catch((error) => this.#fail(error as Error));
    this.#options.progress(this.#received, spec.size);
    if (this.#received === spec.size) this.#done(spec);
  }

  #closed(error?: Error): void {
    const missing = this.#spec ? this.#spec.size - this.#received : null;
    const text =
      missing === null
        ? 'It closed the connection without an answer.'
        : `It broke off; ${formatBytes(missing)} are missing.`;
    this.#fail(error ?? new Error(text));
  }

  #done(spec: SeedFileSpec): void {
    this.#connection.setIdle(0, () => {});
    this.#settle?.resolve(spec);
    this.#settle = null;
  }

  #fail(error: Error): void {
    this.#settle?.reject(this.#options.signal.aborted ? (this.#options.signal.reason as Error) : error);
    this.#settle = null;
  }
}
