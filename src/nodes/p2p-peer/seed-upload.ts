/** A peer of the seed that downloads from us: a name, size and md5, an answer, the raw bytes. */
import { formatSeedFileSpec, NOT_FOUND, NOT_FOUND_SEEN, SPEC_SEEN } from '../../protocol/p2p-seed';
import type { Timer } from '../../runtime/context';
import type { SharedFile } from './library';
import { StreamUpload, type StreamUploadOptions } from './stream-upload';

/** A name may come in several segments: one that is no file is waited on for so long. */
const NAME_QUIET_MS = 60;
const MAX_NAME = 4096;

export interface SeedUploadOptions extends StreamUploadOptions {
  /** The shared file that a name stands for, encoded or not. */
  resolve(name: string): SharedFile | undefined;
}

export class SeedUpload extends StreamUpload<SeedUploadOptions> {
  #state: 'name' | 'spec' | 'sending' | 'missing' = 'name';
  #text = '';
  #shared: SharedFile | null = null;
  #quiet: Timer | null = null;

  receive(bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString('utf8');
    this.#text += text;
    if (this.#text.length > MAX_NAME) return this.connection.destroy();
    if (this.#state === 'name') this.#readName(false);
    else if (this.#state === 'spec' && this.#text.startsWith(SPEC_SEEN)) void this.#sendFile();
    else if (this.#state === 'missing' && this.#text.startsWith(NOT_FOUND_SEEN)) this.connection.end();
  }

  protected get answering(): boolean {
    return this.#state === 'sending';
  }

  protected onClose(): void {
    this.#quiet?.cancel();
  }

  #readName(quiet: boolean): void {
    this.#quiet?.cancel();
    const name = this.#text.replace(/[\r\n]+$/, '');
    const shared = this.options.resolve(name);
    if (!shared && !quiet) {
      this.#quiet = this.options.context.clock.after(NAME_QUIET_MS, () => this.#readName(true));
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
    this.connection.write(NOT_FOUND);
  }

  async #sendSpec(shared: SharedFile): Promise<void> {
    this.#state = 'spec';
    this.file = shared.name;
    this.#shared = shared;
    try {
      const md5 = await this.options.library.digestOf(shared, 'md5');
      const spec = formatSeedFileSpec({ size: shared.size, md5 });
      this.#trace('out', spec);
      this.connection.write(spec);
    } catch {
      this.#refuse();
    }
  }

  async #sendFile(): Promise<void> {
    this.#state = 'sending';
    const shared = this.#shared as SharedFile;
    try {
      await this.sendBytes(shared, 0, shared.size);
      this.connection.end();
    } catch {
      // Anything but the announced number of bytes tells the other side that it has no whole file.
      this.connection.reset();
    } finally {
      // Some peers close only when they end themselves: the slot is not theirs until then.
      this.releaseSlot();
    }
  }

  #trace(direction: 'in' | 'out', text: string): void {
    this.options.context.telemetry.trace(direction, 'tcp', this.connection.remote, () => text);
  }
}
