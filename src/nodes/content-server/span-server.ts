import type { ErrorReason } from '../../protocol/micro-cdn';
import {
  type HashesRequest,
  parseSpanRequest,
  type SpanRequest,
  spans,
} from '../../protocol/micro-cdn-spans';
import type { Connection, Folder, Hashing, ReadableFile } from '../../runtime/context';
import type { PieceHashes } from '../engine/piece-hashes';
import { hashFile } from '../engine/piece-hashes';
import { STREAM_BUFFER } from '../shared/buffer-pool';
import { codeOf } from '../shared/error-text';
import { isSame } from './hot-cache';
import type { Shop } from './shop';

const HEADER_ROOM = 128;
/** Questions that wait for their answers; more is no client of ours. */
const MAX_WAITING = 4096;
/** Files whose piece hashes are remembered. */
const MAX_REMEMBERED = 1000;

/** The piece hashes of files, remembered while the files stay the same. One is computed at a time. */
export class PieceHashCache {
  readonly #folder: Folder;
  readonly #hashing: Hashing;
  readonly #known = new Map<string, { size: number; modifiedMs: number; hashes: PieceHashes }>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(folder: Folder, hashing: Hashing) {
    this.#folder = folder;
    this.#hashing = hashing;
  }

  /** @throws an error of code 'ENOENT', or 'CHANGED' while it was read */
  of(name: string): Promise<PieceHashes> {
    const hashes = this.#queue.then(() => this.#compute(name));
    this.#queue = hashes.catch(() => {});
    return hashes;
  }

  async #compute(name: string): Promise<PieceHashes> {
    const file = await this.#folder.open(name);
    try {
      const { size, modifiedMs } = file;
      const known = this.#known.get(name);
      if (known && isSame(known, file)) return known.hashes;
      const hashes = await hashFile(file, this.#hashing);
      if (!isSame({ size, modifiedMs }, await file.stat())) throw changed();
      this.#known.delete(name);
      this.#known.set(name, { size, modifiedMs, hashes });
      if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value as string);
      return hashes;
    } finally {
      await file.close();
    }
  }
}

export interface SpanServerOptions {
  connection: Connection;
  shop: Shop;
  /** Says why, and ends the connection. */
  refuse(reason: ErrorReason): void;
}

/** Answers SPAN and HASHES on one connection, in order, for a client that downloads from several servers. */
export class SpanServer {
  readonly #options: SpanServerOptions;
  readonly #waiting: (SpanRequest | HashesRequest)[] = [];
  /** The file that was asked for last, kept open for the next span. */
  #open: { asked: string; file: ReadableFile } | null = null;
  /** Two buffers: while one is sent, the other is filled. */
  readonly #buffers: Buffer[] = [];
  readonly #sent: Promise<void>[] = [Promise.resolve(), Promise.resolve()];
  #turn = 0;
  #answering: Promise<void> | null = null;
  #ended = false;

  constructor(options: SpanServerOptions) {
    this.#options = options;
    options.shop.enter();
  }

  line(line: string): void {
    if (this.#ended) return;
    const request = parseSpanRequest(line);
    if (request === null || request === 'malformed' || this.#waiting.length >= MAX_WAITING) {
      return this.#refuse('MALFORMED_COMMAND');
    }
    this.#waiting.push(request);
    this.#answering ??= this.#answer().finally(() => {
      this.#answering = null;
    });
  }

  /** The connection is gone. */
  async closed(): Promise<void> {
    this.#ended = true;
    this.#waiting.length = 0;
    this.#options.shop.leave();
    await this.#answering;
    await this.#open?.file.close();
    this.#open = null;
  }

  async #answer(): Promise<void> {
    for (let request = this.#waiting.shift(); request; request = this.#waiting.shift()) {
      try {
        if (request.type === 'span') await this.#span(request);
        else await this.#hashes(request);
      } catch (error) {
        return this.#failed(error);
      }
    }
  }

  async #span({ offset, length, name }: SpanRequest): Promise<void> {
    const file = await this.#file(name);
    const { telemetry } = this.#options.shop.context;
    const askedAt = telemetry.asked();
    if (offset + length > file.size)
      throw Object.assign(new Error('The file is shorter.'), { code: 'RANGE' });
    let header = spans.spanAnswer(offset, length, file.size);
    for (let done = 0; done < length || header !== ''; ) {
      const turn = this.#turn;
      this.#turn = 1 - turn;
      await this.#sent[turn];
      this.#buffers[turn] ??= Buffer.allocUnsafe(HEADER_ROOM + STREAM_BUFFER);
      const buffer = this.#buffers[turn];
      const start = buffer.write(header, 'latin1');
      header = '';
      const wanted = Math.min(STREAM_BUFFER, length - done);
      const read = wanted === 0 ? 0 : await file.read(buffer.subarray(start, start + wanted), offset + done);
      if (read === 0 && wanted > 0) throw changed();
      if (this.#ended) return;
      const sent = this.#options.connection.send(buffer.subarray(0, start + read));
      // A failed send closes the connection, which is told apart from here.
      this.#sent[turn] = sent.catch(() => {});
      done += read;
    }
    telemetry.count('bytesServed', length);
    telemetry.answered(askedAt);
  }

  async #hashes({ name }: HashesRequest): Promise<void> {
    const { shop, connection } = this.#options;
    // Hashing may take longer than a client is allowed to be silent.
    connection.setIdle(0, () => {});
    const { layout, hashes } = await shop.resolve(name, (resolved) => shop.pieceHashes.of(resolved));
    connection.setIdle(shop.config.idleMs, () => connection.destroy());
    if (this.#ended) return;
    const header = spans.hashesAnswer(layout.size, layout.pieceSize, layout.count);
    await connection.send(Buffer.concat([Buffer.from(header), hashes]));
  }

  async #file(asked: string): Promise<ReadableFile> {
    const { shop } = this.#options;
    const known = this.#open;
    if (known?.asked === asked && isSame(known.file, await known.file.stat())) return known.file;
    this.#open = null;
    await known?.file.close();
    const file = await shop.resolve(asked, (name) => shop.library.folder.open(name));
    this.#open = { asked, file };
    return file;
  }

  #failed(error: unknown): void {
    if (this.#ended) return;
    const code = codeOf(error);
    if (code === 'ENOENT') return this.#refuse('FILE_NOT_FOUND');
    if (code === 'RANGE') return this.#refuse('RANGE_NOT_SATISFIABLE');
    if (code === 'UNSAFE_NAME') return this.#refuse('BAD_FILE_NAME');
    // A header may have left: only a broken connection tells the client that the span is not complete.
    this.#options.connection.reset();
  }

  #refuse(reason: ErrorReason): void {
    this.#waiting.length = 0;
    this.#options.refuse(reason);
  }
}

function changed(): Error {
  return Object.assign(new Error('The file changed.'), { code: 'CHANGED' });
}
