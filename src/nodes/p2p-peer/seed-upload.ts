/** A peer of the seed that downloads from us: a name, size and md5, an answer, the raw bytes. */
import { formatEndpoint } from '../../contract/endpoint';
import { formatSeedFileSpec, NOT_FOUND, NOT_FOUND_SEEN, SPEC_SEEN } from '../../protocol/p2p-seed';
import type { Connection, NodeContext, Timer } from '../../runtime/context';
import type { Library, SharedFile } from './library';
import type { Upload, Uploads } from './uploads';

/** A name may come in several segments: one that is no file is waited on for so long. */
const NAME_QUIET_MS = 60;
const MAX_NAME = 4096;
const BLOCK = 512 * 1024;
const IDLE_MS = 60_000;

export interface SeedUploadOptions {
  context: NodeContext;
  uploads: Uploads;
  library: Library;
  id: string;
  /** The shared file that a name stands for, encoded or not. */
  resolve(name: string): SharedFile | undefined;
  closed(): void;
}

export class SeedUpload implements Upload {
  readonly id: string;
  readonly peer = '';
  readonly address: string;
  file = '';
  bytes = 0;
  readonly #connection: Connection;
  readonly #options: SeedUploadOptions;
  readonly #closed = new AbortController();
  #state: 'name' | 'spec' | 'sending' | 'missing' = 'name';
  #text = '';
  #shared: SharedFile | null = null;
  #quiet: Timer | null = null;
  #slot: (() => void) | null = null;
  #choked = true;

  constructor(connection: Connection, options: SeedUploadOptions) {
    this.#connection = connection;
    this.#options = options;
    this.id = options.id;
    this.address = formatEndpoint(connection.remote);
    connection.setIdle(IDLE_MS, () => connection.destroy());
    connection.handle({
      data: (bytes) => this.receive(bytes),
      end: () => {
        if (this.#state !== 'sending') connection.end();
      },
      close: () => this.#close(),
    });
  }

  get wantsSlot(): boolean {
    return this.#state === 'sending';
  }

  setChoked(choked: boolean): void {
    this.#choked = choked;
    if (!choked) this.#slot?.();
  }

  end(): void {
    this.#connection.destroy();
  }

  receive(bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString('utf8');
    this.#text += text;
    if (this.#text.length > MAX_NAME) return this.#connection.destroy();
    if (this.#state === 'name') this.#readName(false);
    else if (this.#state === 'spec' && this.#text.startsWith(SPEC_SEEN)) void this.#sendFile();
    else if (this.#state === 'missing' && this.#text.startsWith(NOT_FOUND_SEEN)) this.#connection.end();
  }

  #readName(quiet: boolean): void {
    this.#quiet?.cancel();
    const name = this.#text.replace(/[\r\n]+$/, '');
    const shared = this.#options.resolve(name);
    if (!shared && !quiet) {
      this.#quiet = this.#options.context.clock.after(NAME_QUIET_MS, () => this.#readName(true));
      return;
    }
    this.#trace('in', name);
    this.#text = '';
    if (shared) void this.#sendSpec(shared);
    else this.#refuse();
  }

  #refuse(): void {
    this.#state = 'missing';
    this.#text = '';
    this.#trace('out', NOT_FOUND);
    this.#connection.write(NOT_FOUND);
  }

  async #sendSpec(shared: SharedFile): Promise<void> {
    this.#state = 'spec';
    this.file = shared.name;
    this.#shared = shared;
    try {
      const spec = formatSeedFileSpec({ size: shared.size, md5: await this.#options.library.md5Of(shared) });
      this.#trace('out', spec);
      this.#connection.write(spec);
    } catch {
      this.#refuse();
    }
  }

  async #sendFile(): Promise<void> {
    this.#state = 'sending';
    const { library, uploads, context } = this.#options;
    const shared = this.#shared as SharedFile;
    const { signal } = this.#closed;
    try {
      uploads.giveSlots();
      // The plain protocol has no word for "wait": a slot once given is kept until the file is sent.
      if (this.#choked)
        await new Promise<void>((resolve) => {
          this.#slot = resolve;
        });
      const open = await library.open(shared);
      try {
        const block = Buffer.allocUnsafe(Math.min(BLOCK, Math.max(1, shared.size)));
        for (let at = 0; at < shared.size; ) {
          signal.throwIfAborted();
          shared.gone.signal.throwIfAborted();
          const read = await open.read(block.subarray(0, Math.min(BLOCK, shared.size - at)), at);
          if (read === 0) throw new Error('The file has become shorter.');
          await uploads.allow(read, signal);
          await this.#connection.send(block.subarray(0, read));
          at += read;
          this.bytes += read;
          context.telemetry.count('uploaded-bytes', read);
        }
      } finally {
        await open.close();
      }
      this.#connection.end();
    } catch {
      // Anything but the announced number of bytes tells the other side that it has no whole file.
      this.#connection.reset();
    }
  }

  #close(): void {
    this.#closed.abort();
    this.#quiet?.cancel();
    this.#slot?.();
    this.#options.uploads.remove(this);
    this.#options.closed();
  }

  #trace(direction: 'in' | 'out', text: string): void {
    this.#options.context.telemetry.trace(direction, 'tcp', this.#connection.remote, () => text);
  }
}
