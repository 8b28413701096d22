/**
 * An upload whose bytes come as one stream (the seed's protocol, HTTP): it waits for a slot, keeps it while it
 * sends, and breaks off with a reset when the file is no longer what was announced.
 */
import { formatEndpoint } from '../../contract/endpoint';
import type { Connection, NodeContext } from '../../runtime/context';
import { STREAM_BUFFER } from '../shared/buffer-pool';
import type { Library, SharedFile } from './library';
import type { Upload, Uploads } from './uploads';

/** A peer that neither asks nor takes bytes for so long is dropped. */
const IDLE_MS = 60_000;

export interface StreamUploadOptions {
  context: NodeContext;
  uploads: Uploads;
  library: Library;
  id: string;
  closed(): void;
}

export abstract class StreamUpload<Options extends StreamUploadOptions> implements Upload {
  readonly id: string;
  readonly peer = '';
  readonly address: string;
  file = '';
  bytes = 0;
  wantsSlot = false;
  /** These protocols have no word for "wait": what has begun goes on to its end. */
  keepsSlot = false;
  protected readonly connection: Connection;
  protected readonly options: Options;
  readonly #closed = new AbortController();
  #choked = true;
  #unchoked: (() => void) | null = null;

  constructor(connection: Connection, options: Options) {
    this.connection = connection;
    this.options = options;
    this.id = options.id;
    this.address = formatEndpoint(connection.remote);
    connection.setIdle(IDLE_MS, () => connection.destroy());
    connection.handle({
      data: (bytes) => this.receive(bytes),
      end: () => {
        if (!this.answering) connection.end();
      },
      close: () => this.#close(),
    });
  }

  abstract receive(bytes: Uint8Array): void;

  /** Whether an answer is under way: whoever has finished sending may still be waiting for it. */
  protected abstract get answering(): boolean;

  /** The connection is gone. */
  protected abstract onClose(): void;

  setChoked(choked: boolean): void {
    this.#choked = choked;
    if (!choked) this.#unchoked?.();
  }

  end(): void {
    this.connection.destroy();
  }

  /**
   * Sends a part of a file, once there is a slot.
   * @throws when the connection ends, or the file is deleted or changed; what was announced is not complete then
   */
  protected async sendBytes(shared: SharedFile, start: number, end: number): Promise<void> {
    const { library, uploads, context } = this.options;
    const { signal } = this.#closed;
    this.wantsSlot = true;
    uploads.giveSlots();
    if (this.#choked) await this.#slot();
    this.keepsSlot = true;
    const file = await library.open(shared);
    try {
      const block = Buffer.allocUnsafe(Math.min(STREAM_BUFFER, Math.max(1, end - start)));
      for (let at = start; at < end; ) {
        signal.throwIfAborted();
        shared.gone.signal.throwIfAborted();
        const wanted = Math.min(uploads.blockSize(STREAM_BUFFER), end - at);
        const read = await file.read(block.subarray(0, wanted), at);
        if (read === 0) throw new Error('The file has become shorter.');
        await uploads.allow(read, signal);
        await this.connection.send(block.subarray(0, read));
        at += read;
        this.bytes += read;
        context.telemetry.count('uploaded-bytes', read);
      }
    } finally {
      await file.close();
    }
  }

  /** Gives the slot back: nothing more is to be sent now. */
  protected releaseSlot(): void {
    this.wantsSlot = false;
    this.keepsSlot = false;
    if (!this.#closed.signal.aborted) this.options.uploads.giveSlots();
  }

  #slot(): Promise<void> {
    return new Promise((resolve) => {
      this.#unchoked = resolve;
    });
  }

  #close(): void {
    this.#closed.abort();
    this.onClose();
    this.#unchoked?.();
    this.options.uploads.remove(this);
    this.options.closed();
  }
}
