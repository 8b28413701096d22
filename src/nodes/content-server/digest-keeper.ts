import type { NodeContext, Timer } from '../../runtime/context';
import { codeOf, reasonOf } from '../shared/error-text';
import { readDigests, writeDigests } from './digest-record';
import { Digests } from './digests';
import type { Library, LibraryChange } from './library';

/** Hashing goes on for so long at a time, then rests as long: half a core at most. */
const STINT_MS = 20;
/** The index is told of so many at once, while there are more to come. */
const BATCH = 1000;
/** The record is written so long after the last digest; where it cannot be, later each time, up to the last. */
const SAVE_MS = 1000;
/** While there is much to hash, the record is written now and then, so that a kill does not cost it all. */
const SAVE_MEANWHILE_MS = 60_000;
/** What cannot be read is tried again after this; the record later each time. */
const RETRY_MS = 5000;
const LAST_RETRY_MS = 60_000;

/**
 * Hashes every file once, when it is added, so that clients can be told what it was before its disk went bad.
 */
export class DigestKeeper {
  readonly digests: Digests;
  readonly #library: Library;
  readonly #context: NodeContext;
  readonly #serverId: string;
  readonly #stopped = new AbortController();
  /** Files to be hashed, or looked up. */
  readonly #queue = new Set<string>();
  readonly #unreadable = new Set<string>();
  /** What the files of the library hash to, as far as that is known of their present content. */
  readonly #current = new Map<string, string>();
  /** Counts the changes of what `sha256Of` answers. */
  version = 0;
  #untold: string[] = [];
  #unsaved = false;
  #saveMs = SAVE_MS;
  #savedAt = 0;
  #workingSince = 0;
  #wake: (() => void) | undefined;
  #begun = false;
  /** Everything that can be hashed is. */
  #idle = false;
  readonly #waiting = new Set<() => void>();
  /** Called with the names of files whose digest is known now. */
  onKnown: (names: readonly string[]) => void = () => {};

  constructor(library: Library, context: NodeContext, serverId: string) {
    this.#library = library;
    this.#context = context;
    this.#serverId = serverId;
    this.digests = new Digests(library.folder, () => this.#rest());
  }

  /** Undefined while the file is not hashed. */
  sha256Of(name: string): string | undefined {
    return this.#current.get(name);
  }

  start(): void {
    this.#begun = true;
    void this.#run();
  }

  /** Resolves when there is nothing to be hashed, or after `ms`: so that small files are announced with their digest. */
  async settled(ms: number): Promise<void> {
    if (!this.#begun || this.#idle || this.#stopped.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = this.#context.clock.after(ms, () => settle());
      const settle = (): void => {
        timer.cancel();
        this.#waiting.delete(settle);
        resolve();
      };
      this.#waiting.add(settle);
    });
  }

  stop(): void {
    this.#stopped.abort();
    this.#wake?.();
    for (const settle of this.#waiting) settle();
  }

  filesChanged({ added, changed, removed }: LibraryChange): void {
    this.version++;
    for (const { name } of [...added, ...changed]) {
      this.#current.delete(name);
      this.#queue.add(name);
      this.#idle = false;
    }
    for (const name of removed) {
      this.#current.delete(name);
      this.#queue.delete(name);
      this.#unsaved = this.digests.forget(name) || this.#unsaved;
    }
    this.#wake?.();
  }

  async #run(): Promise<void> {
    try {
      await this.#recall();
      for (const name of this.#library.files.keys()) this.#queue.add(name);
      for (;;) {
        this.#workingSince = this.#savedAt = this.#context.clock.now();
        for (const name of this.#queue) {
          await this.#know(name);
          if (this.#context.clock.now() - this.#savedAt >= SAVE_MEANWHILE_MS) await this.#save();
        }
        this.#tell();
        this.#idle = true;
        for (const settle of this.#waiting) settle();
        if (this.#unsaved) await this.#pause(this.#saveMs);
        else await this.#pause(this.#unreadable.size > 0 ? RETRY_MS : null);
        this.#stopped.signal.throwIfAborted();
        if (this.#queue.size > 0) continue;
        await this.#save();
        for (const name of this.#unreadable) this.#queue.add(name);
        this.#unreadable.clear();
      }
    } catch (error) {
      if (!this.#stopped.signal.aborted) throw error;
    }
  }

  /** A record that cannot be read now is waited for: what it says is from before the disk was in trouble. */
  async #recall(): Promise<void> {
    for (let retryMs = RETRY_MS; ; retryMs = Math.min(LAST_RETRY_MS, 2 * retryMs)) {
      try {
        const earlier = await readDigests(this.#library.folder);
        for (const name of earlier.keys()) if (!this.#library.files.has(name)) earlier.delete(name);
        return this.digests.recall(earlier);
      } catch (error) {
        this.#context.log.debug(`The record of digests cannot be read: ${reasonOf(error)}`);
        await this.#context.clock.sleep(retryMs, this.#stopped.signal);
      }
    }
  }

  async #know(name: string): Promise<void> {
    this.#queue.delete(name);
    const entry = this.#library.files.get(name);
    if (!entry) return;
    try {
      let sha256 = this.digests.remembered(name, entry);
      if (sha256 === undefined) {
        sha256 = (await this.digests.inBackground(name)).sha256;
        this.#unsaved = true;
      }
      // It may have changed meanwhile: then it has its turn again.
      if (this.#queue.has(name) || !this.#library.files.has(name)) return;
      this.#current.set(name, sha256);
      this.version++;
      this.#untold.push(name);
      if (this.#untold.length < BATCH) return;
      this.#tell();
      // What is remembered takes no time of its own: others have their turn in between.
      await this.#context.clock.sleep(0, this.#stopped.signal);
    } catch (error) {
      this.#stopped.signal.throwIfAborted();
      if (codeOf(error) !== 'ENOENT') this.#unreadable.add(name);
    }
  }

  #tell(): void {
    const names = this.#untold;
    this.#untold = [];
    if (names.length > 0) this.onKnown(names);
  }

  /** Where the folder cannot be written to, everything is hashed again at the next start. */
  async #save(): Promise<void> {
    this.#savedAt = this.#context.clock.now();
    if (!this.#unsaved) return;
    this.#unsaved = false;
    try {
      await writeDigests(this.#library.folder, this.digests.known, this.#serverId);
      this.#saveMs = SAVE_MS;
    } catch (error) {
      this.#unsaved = true;
      this.#saveMs = Math.min(LAST_RETRY_MS, 2 * this.#saveMs);
      this.#context.log.debug(`The record of digests cannot be written: ${reasonOf(error)}`);
    }
  }

  async #rest(): Promise<void> {
    this.#stopped.signal.throwIfAborted();
    const { clock } = this.#context;
    const worked = clock.now() - this.#workingSince;
    if (worked < STINT_MS) return;
    await clock.sleep(worked, this.#stopped.signal);
    this.#workingSince = clock.now();
  }

  /** Until `ms` have passed (null: for ever), or files have changed. */
  #pause(ms: number | null): Promise<void> {
    if (this.#stopped.signal.aborted || this.#queue.size > 0) return Promise.resolve();
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      this.#wake = () => {
        timer?.cancel();
        this.#wake = undefined;
        resolve();
      };
      if (ms !== null) timer = this.#context.clock.after(ms, () => this.#wake?.());
    });
  }
}
