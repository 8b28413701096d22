/** A peer of our own kind that downloads from us: asks for one file, then for parts of it. */
import { formatEndpoint } from '../../contract/endpoint';
import {
  DATA_FRAME_HEAD,
  MAX_HASHES_PER_FRAME,
  MAX_REQUEST_BYTES,
  type MessageOf,
  type P2pMessage,
  writeDataHead,
} from '../../protocol/p2p-messages';
import type { PieceLayout } from '../../protocol/pieces/layout';
import type { PieceMap } from '../../protocol/pieces/piece-map';
import type { Connection, NodeContext } from '../../runtime/context';
import { HASH_BYTES } from '../engine/piece-hashes';
import { FramedConnection } from '../p2p/framed-connection';
import type { Upload, Uploads } from './uploads';

/**
 * Bytes of file per frame and per read of the disk. Reading a quarter of it costs less (see `STREAM_BUFFER`), but four
 * times as many frames cost both ends more than that saves: 0.95 s instead of 0.82 s for each GiB here.
 */
const BLOCK = 512 * 1024;
/** Requests that may wait; an honest peer has a few dozen. */
const MAX_REQUESTS = 2048;
/** A peer that neither asks nor takes bytes for so long is dropped. */
const IDLE_MS = 60_000;

/** What can be uploaded: a shared file, or what is there of a download. */
export interface Servable {
  name: string;
  layout: PieceLayout;
  root: Uint8Array;
  hashes: Uint8Array;
  /** Null: all pieces. */
  has: PieceMap | null;
  read(into: Uint8Array, position: number): Promise<number>;
  /** Fires when it is deleted or changed. */
  gone: AbortSignal;
  /** Tells of pieces that are added; returns how to stop. */
  onPiece(told: (piece: number) => void): () => void;
  close(): void;
}

export interface FramedUploadOptions {
  context: NodeContext;
  uploads: Uploads;
  id: string;
  /** Our own id. */
  peer: string;
  /** Undefined: there is no such file. Waits until the file has been hashed. */
  serve(name: string): Promise<Servable | undefined>;
  closed(): void;
}

interface Waiting {
  id: number;
  offset: number;
  left: number;
}

export class FramedUpload implements Upload {
  readonly id: string;
  /** Where the peer serves, once it has said so: at that address people know it. */
  address: string;
  peer = '';
  file = '';
  bytes = 0;
  readonly keepsSlot = false;
  readonly #options: FramedUploadOptions;
  readonly #framed: FramedConnection;
  readonly #closed = new AbortController();
  #servable: Servable | null = null;
  #stopTelling: () => void = () => {};
  #requests: Waiting[] = [];
  #choked = true;
  #sending = false;
  /** Two buffers: while one is sent, the other is filled. */
  readonly #buffers: Buffer[] = [];
  readonly #sent: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()];
  #turn = 0;

  constructor(connection: Connection, options: FramedUploadOptions) {
    this.#options = options;
    this.id = options.id;
    this.address = formatEndpoint(connection.remote);
    connection.setIdle(IDLE_MS, () => this.#framed.destroy());
    this.#framed = new FramedConnection(
      connection,
      { message: (message) => this.#receive(message), closed: () => this.#close() },
      options.context.telemetry,
    );
  }

  receive(bytes: Uint8Array): void {
    this.#framed.receive(bytes);
  }

  get wantsSlot(): boolean {
    return this.#servable !== null;
  }

  setChoked(choked: boolean): void {
    this.#choked = choked;
    if (choked) this.#requests = [];
    this.#framed.send({ kind: choked ? 'choke' : 'unchoke' });
  }

  end(reason: string): void {
    this.#framed.refuse('GONE', reason);
  }

  #receive(message: P2pMessage): void {
    switch (message.kind) {
      case 'ping':
        return this.#framed.send(message);
      case 'hello':
        this.peer = message.peer;
        if (message.port > 0)
          this.address = formatEndpoint({ ...this.#framed.connection.remote, port: message.port });
        return this.#framed.send({
          kind: 'welcome',
          peer: this.#options.peer,
          signature: new Uint8Array(32),
        });
      case 'ask':
        return void this.#answer(message).catch(() =>
          this.#framed.refuse('NOT_FOUND', `${message.name} cannot be read.`),
        );
      case 'request':
        return this.#request(message);
      case 'cancel':
        this.#requests = this.#requests.filter(({ id }) => id !== message.id);
        return;
      default:
        this.#framed.refuse('PROTOCOL', `A peer that uploads does not expect "${message.kind}".`);
    }
  }

  async #answer({ name, hashes }: MessageOf<'ask'>): Promise<void> {
    if (this.file !== '') return this.#framed.refuse('PROTOCOL', 'A connection is for one file.');
    this.file = name;
    const servable = await this.#options.serve(name);
    if (this.#closed.signal.aborted) return servable?.close();
    if (!servable) return this.#framed.refuse('NOT_FOUND', `There is no file ${name} here.`);
    this.#servable = servable;
    const { layout, root, has } = servable;
    this.#framed.send({ kind: 'fileInfo', name, size: layout.size, pieceSize: layout.pieceSize, root });
    if (hashes) this.#sendHashes(servable.hashes);
    this.#stopTelling = servable.onPiece((piece) => this.#framed.send({ kind: 'have', piece }));
    this.#framed.send(has ? { kind: 'haveMap', map: has.toBytes() } : { kind: 'haveAll' });
    const onGone = (): void => this.end(`${name} was deleted or changed by its owner.`);
    if (servable.gone.aborted) return onGone();
    servable.gone.addEventListener('abort', onGone, { once: true, signal: this.#closed.signal });
    this.#options.uploads.giveSlots();
  }

  #sendHashes(hashes: Uint8Array): void {
    for (let from = 0; from * HASH_BYTES < hashes.length; from += MAX_HASHES_PER_FRAME) {
      const part = hashes.subarray(from * HASH_BYTES, (from + MAX_HASHES_PER_FRAME) * HASH_BYTES);
      this.#framed.send({ kind: 'hashes', from, hashes: part });
    }
  }

  #request({ id, offset, length }: MessageOf<'request'>): void {
    // It was sent before the choke arrived, and is forgotten by both sides.
    if (this.#choked) return;
    const servable = this.#servable;
    if (!servable || length === 0 || length > MAX_REQUEST_BYTES || offset + length > servable.layout.size)
      return this.#framed.refuse('PROTOCOL', 'A request is out of bounds.');
    if (this.#requests.length >= MAX_REQUESTS)
      return this.#framed.refuse('PROTOCOL', 'There are too many requests.');
    if (!hasRange(servable, offset, length)) return this.#framed.send({ kind: 'reject', id });
    this.#requests.push({ id, offset, left: length });
    void this.#send();
  }

  /** Sends what was asked for, in that order, a block at a time. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let request = this.#requests[0]; request; request = this.#requests[0]) {
        await this.#sendBlock(request, this.#servable as Servable);
        if (request.left === 0) this.#requests = this.#requests.filter((other) => other !== request);
      }
    } catch (error) {
      if (!this.#closed.signal.aborted) this.end(`The file cannot be read: ${(error as Error).message}`);
    } finally {
      this.#sending = false;
    }
  }

  async #sendBlock(request: Waiting, servable: Servable): Promise<void> {
    const turn = this.#turn;
    this.#turn = 1 - turn;
    this.#buffers[turn] ??= Buffer.allocUnsafe(DATA_FRAME_HEAD + BLOCK);
    const buffer = this.#buffers[turn];
    await this.#sent[turn];
    const wanted = Math.min(this.#options.uploads.blockSize(BLOCK), request.left);
    const length = await servable.read(
      buffer.subarray(DATA_FRAME_HEAD, DATA_FRAME_HEAD + wanted),
      request.offset,
    );
    if (length === 0) throw new Error('it has become shorter');
    await this.#options.uploads.allow(length, this.#closed.signal);
    // Cancelled or choked while it was read: what is not wanted is not sent.
    if (!this.#requests.includes(request)) return;
    writeDataHead(buffer, request.id, length);
    const sent = this.#framed.connection.send(buffer.subarray(0, DATA_FRAME_HEAD + length));
    // A failed send closes the connection, which is told apart from here.
    this.#sent[turn] = sent.catch(() => {});
    request.offset += length;
    request.left -= length;
    this.bytes += length;
    this.#options.context.telemetry.count('uploaded-bytes', length);
  }

  #close(): void {
    this.#closed.abort();
    this.#requests = [];
    this.#stopTelling();
    this.#servable?.close();
    this.#servable = null;
    this.#options.uploads.remove(this);
    this.#options.closed();
  }
}

function hasRange({ has, layout }: Servable, offset: number, length: number): boolean {
  if (!has) return true;
  const last = Math.floor((offset + length - 1) / layout.pieceSize);
  for (let piece = Math.floor(offset / layout.pieceSize); piece <= last; piece++)
    if (!has.has(piece)) return false;
  return true;
}
