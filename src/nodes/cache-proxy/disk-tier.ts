import { createHash } from 'node:crypto';
import { type PolicyName, policies } from '../../protocol/eviction/policies';
import type { EvictionPolicy } from '../../protocol/eviction/policy';
import type { Timing } from '../../protocol/http/cache/age';
import type { Lifetime } from '../../protocol/http/cache/freshness';
import { Fields } from '../../protocol/http/fields';
import type { Folder, NodeContext } from '../../runtime/context';
import type { Content } from './content';
import { ArrivingFileContent, FileContent } from './disk-content';
import { Entry } from './entry';
import type { Library } from './library';
import { MemoryContent } from './memory-content';

/** Replies that wait to be written; what is more stays in memory only. */
const MAX_QUEUE = 256;
const VERSION = 2;
/** Names that `#fileFor` makes, with every ending that is written. The folder may hold files of others, too. */
const OWN_FILE = /^([0-9a-f]{2}\/[0-9a-f]{24}-[0-9a-z]+)\.(body|meta|new|body\.new|meta\.new)$/;

/** What is kept beside a content, as JSON in a file of its own, because it changes and the content does not. */
interface StoredMeta {
  version: number;
  key: string;
  varyNames: string[];
  variant: string;
  credentials: boolean;
  status: number;
  reason: string;
  fields: [string, string][];
  directives: [string, string | true][];
  targeted: boolean;
  lifetime: Lifetime;
  timing: Timing;
  ageMs: number;
  /** Unix ms at which it had that age. */
  agedAt: number;
  length: number;
  sha256: string;
}

/**
 * Replies on disk: `xx/<id>.body`, and `xx/<id>.meta` beside it. Both are written under another name, brought to
 * the disk, and renamed, the body first: whatever moment the process or the machine dies at, a meta file without
 * its whole body is never there. What a crash leaves behind is removed at the next start; files that are not the
 * tier's own are never touched, because the folder may be one that somebody uses for other things.
 */
export class DiskTier {
  readonly #context: NodeContext;
  readonly #folder: Folder;
  readonly #library: Library;
  readonly #policy: EvictionPolicy<string>;
  readonly capacity: number;
  readonly #byName = new Map<string, Entry>();
  /** Weak: many an entry leaves before it has files. */
  readonly #hashes = new WeakMap<Entry, string>();
  /** All changes of the folder, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #queued = 0;
  #files = 0;
  used = 0;

  constructor(
    context: NodeContext,
    folder: Folder,
    library: Library,
    capacity: number,
    eviction: PolicyName,
  ) {
    this.#context = context;
    this.#folder = folder;
    this.#library = library;
    this.capacity = capacity;
    this.#policy = policies[eviction]<string>(capacity);
  }

  get objects(): number {
    return this.#byName.size;
  }

  /** Finds what an earlier run has stored, and removes what is broken or too much. */
  async load(): Promise<void> {
    const found = new Map<string, { body?: number; meta?: number }>();
    for (const { name, size } of await this.#folder.list()) {
      const [, file, ending] = OWN_FILE.exec(name) ?? [];
      if (file === undefined || ending === undefined) continue;
      if (ending === 'body' || ending === 'meta') found.set(file, { ...found.get(file), [ending]: size });
      else await this.#remove(name);
    }
    for (const [file, { body, meta }] of found) {
      const entry =
        body === undefined || meta === undefined ? null : await this.#read(file, body).catch(() => null);
      if (entry) {
        entry.fileWeight = (body as number) + (meta as number);
        this.#library.put(entry);
        this.#adopt(entry, file);
      } else {
        await this.#remove(`${file}.meta`);
        await this.#remove(`${file}.body`);
      }
    }
    this.#makeRoom(0);
    await this.#work;
  }

  contentOf(entry: Entry): Content {
    return new FileContent(this.#folder, `${entry.file}.body`, entry.content.received);
  }

  touch(entry: Entry): void {
    this.#policy.touch(entry.name);
  }

  /** Starts to store a content that is too large for memory; undefined when there is no room for it. */
  receive(entry: Entry, length: number): ArrivingFileContent | undefined {
    if (!this.#makeRoom(length)) return undefined;
    const file = this.#fileFor(entry.name);
    this.used += length;
    entry.file = file;
    entry.fileWeight = length;
    // Room is made on the disk, and not only in the books, before the first byte is written.
    const opened = this.#work.then(() => this.#folder.create(`${file}.new`, { truncate: true }));
    return new ArrivingFileContent(opened, length);
  }

  /** The content of `receive` is complete. */
  async received(entry: Entry, content: ArrivingFileContent): Promise<void> {
    await content.finish();
    const file = entry.file as string;
    await this.#enqueue(async () => {
      if (entry.gone) return;
      await this.#folder.rename(`${file}.new`, `${file}.body`);
      if (entry.gone) return;
      this.#hashes.set(entry, content.sha256);
      await this.#writeMeta(entry, file);
      if (entry.gone) return;
      this.#adopt(entry, file, false);
      entry.content = this.contentOf(entry);
    });
  }

  /** Writes a reply that is complete in memory, some time soon. */
  persist(entry: Entry): void {
    const { content } = entry;
    if (!(content instanceof MemoryContent) || !content.kept || this.#queued >= MAX_QUEUE) return;
    const bytes = content.bytes;
    this.#enqueue(async () => {
      if (entry.gone || entry.file !== undefined) return;
      const file = this.#fileFor(entry.name);
      this.#hashes.set(entry, createHash('sha256').update(bytes).digest('hex'));
      const meta = this.#metaOf(entry, bytes.length);
      const weight = bytes.length + meta.length;
      if (!this.#makeRoom(weight)) return;
      await this.#flushRemovals();
      if (entry.gone) return;
      entry.file = file;
      entry.fileWeight = weight;
      this.used += weight;
      await this.#write(`${file}.body`, bytes);
      await this.#write(`${file}.meta`, meta);
      if (!entry.gone) this.#adopt(entry, file, false);
    }).catch((error: Error) => this.#failed(entry, error));
  }

  /** The fields have changed: a reply was validated. */
  update(entry: Entry): void {
    if (entry.file === undefined || !this.#byName.has(entry.name)) return;
    const { file } = entry;
    this.#enqueue(async () => {
      // Room may have been made of it meanwhile, while it stays in memory.
      if (entry.file === file) await this.#writeMeta(entry, file);
    }).catch((error: Error) => this.#failed(entry, error));
  }

  /** Removes the files of an entry. */
  drop(entry: Entry): void {
    const { file } = entry;
    if (file === undefined) return;
    if (this.#byName.get(entry.name) === entry) {
      this.#byName.delete(entry.name);
      this.#policy.remove(entry.name);
    }
    entry.file = undefined;
    this.#hashes.delete(entry);
    const weight = entry.fileWeight;
    entry.fileWeight = 0;
    this.used -= weight;
    this.#removals.push(file);
    void this.#enqueue(() => this.#flushRemovals());
  }

  /**
   * The whole content, checked against its hash: a file that changed since it was stored is not served.
   * @throws when it is not what was stored
   */
  async readWhole(entry: Entry): Promise<Uint8Array> {
    const file = await this.#folder.open(`${entry.file}.body`);
    try {
      const bytes = Buffer.allocUnsafeSlow(file.size);
      for (let at = 0; at < bytes.length; ) {
        const count = await file.read(bytes.subarray(at), at);
        if (count === 0) break;
        at += count;
      }
      const hash = createHash('sha256').update(bytes).digest('hex');
      if (hash !== this.#hashes.get(entry)) throw new Error('A stored file is not what was stored.');
      return bytes;
    } finally {
      await file.close();
    }
  }

  /** Resolves when everything is on the disk. */
  async close(): Promise<void> {
    await this.#work;
  }

  readonly #removals: string[] = [];

  #adopt(entry: Entry, file: string, count = true): void {
    entry.file = file;
    if (count) this.used += entry.fileWeight;
    this.#byName.set(entry.name, entry);
    this.#policy.insert(entry.name, entry.fileWeight);
  }

  /** Evicts until there is room for `bytes`; false when there never will be. */
  #makeRoom(bytes: number): boolean {
    if (bytes > this.capacity) return false;
    while (this.used + bytes > this.capacity) {
      const name = this.#policy.evict();
      const victim = name === undefined ? undefined : this.#byName.get(name);
      if (!victim) return false;
      this.#byName.delete(victim.name);
      this.#library.noteEviction(victim, 'disk', victim.fileWeight);
      if (victim.memoryWeight > 0) this.drop(victim);
      else this.#library.remove(victim);
    }
    return true;
  }

  async #flushRemovals(): Promise<void> {
    for (let file = this.#removals.shift(); file !== undefined; file = this.#removals.shift()) {
      for (const ending of ['meta', 'body', 'new']) await this.#remove(`${file}.${ending}`);
    }
  }

  async #writeMeta(entry: Entry, file: string): Promise<void> {
    const meta = this.#metaOf(entry, entry.content.received);
    const weight = entry.content.received + meta.length;
    this.used += weight - entry.fileWeight;
    entry.fileWeight = weight;
    await this.#write(`${file}.meta`, meta);
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    const file = await this.#folder.create(`${name}.new`, { truncate: true });
    try {
      await file.write(bytes, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#folder.rename(`${name}.new`, name);
  }

  #metaOf(entry: Entry, length: number): Buffer {
    const { meta } = entry;
    const stored: StoredMeta = {
      version: VERSION,
      key: entry.key,
      varyNames: [...entry.varyNames],
      variant: entry.variant,
      credentials: entry.credentials,
      status: meta.status,
      reason: meta.reason,
      fields: meta.fields.toJSON(),
      directives: [...meta.control.directives],
      targeted: meta.control.targeted,
      lifetime: meta.lifetime,
      timing: meta.timing,
      ageMs: entry.ageMs(this.#context.clock.now()),
      agedAt: this.#context.clock.wallTime(),
      length,
      sha256: this.#hashes.get(entry) ?? '',
    };
    return Buffer.from(JSON.stringify(stored), 'utf8');
  }

  /** Null for what this version can't use. */
  async #read(file: string, bodySize: number): Promise<Entry | null> {
    const stored = JSON.parse(await this.#readText(`${file}.meta`)) as StoredMeta;
    if (stored.version !== VERSION || stored.length !== bodySize) return null;
    const meta = {
      status: stored.status,
      reason: stored.reason,
      fields: Fields.of(...stored.fields),
      control: { directives: new Map(stored.directives), targeted: stored.targeted },
      lifetime: stored.lifetime,
      timing: stored.timing,
    };
    const ageMs = stored.ageMs + Math.max(0, this.#context.clock.wallTime() - stored.agedAt);
    const content = new FileContent(this.#folder, `${file}.body`, stored.length);
    const now = this.#context.clock.now();
    const entry = new Entry(stored.key, stored.varyNames, stored.variant, meta, content, now, ageMs);
    entry.credentials = stored.credentials;
    this.#hashes.set(entry, stored.sha256);
    return entry;
  }

  async #readText(name: string): Promise<string> {
    const file = await this.#folder.open(name);
    try {
      const bytes = Buffer.allocUnsafe(file.size);
      await file.read(bytes, 0);
      return bytes.toString('utf8');
    } finally {
      await file.close();
    }
  }

  async #remove(name: string): Promise<void> {
    await this.#folder.remove(name).catch(() => {});
  }

  /** A name that tells nothing, and is new each time: a file is never written over while somebody reads it. */
  #fileFor(name: string): string {
    const hash = createHash('sha256').update(name).digest('hex').slice(0, 24);
    const stamp = `${this.#context.clock.wallTime().toString(36)}${(this.#files++).toString(36)}`;
    return `${hash.slice(0, 2)}/${hash}-${stamp}`;
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#queued++;
    const done = this.#work.then(work);
    this.#work = done
      .catch(() => {})
      .finally(() => {
        this.#queued--;
      });
    return done;
  }

  /** The reply stays in memory; the disk is full or broken. */
  #failed(entry: Entry, error: Error): void {
    this.#context.log.warn(`${entry.key} can't be stored on disk: ${error.message}`);
    this.drop(entry);
  }
}
