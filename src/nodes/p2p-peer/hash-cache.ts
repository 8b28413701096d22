/** The hashes of shared files, kept beside them, so that a restart hashes only what has changed. */
import { layoutOf } from '../../protocol/pieces/layout';
import type { FileStat, Folder, NodeContext, Timer } from '../../runtime/context';
import { HASH_BYTES, type PieceHashes, rootHash } from '../engine/piece-hashes';
import { codeOf } from '../shared/error-text';
import { readWhole, replaceWhole } from '../shared/whole-file';

const CACHE_FILE = '.p2p-hashes.json';
const MAX_CACHE_BYTES = 256 * 1024 * 1024;
const SAVE_AFTER_MS = 500;

/** Digests of a whole file, hex: md5 for peers of the seed, SHA-256 for HTTP. */
export interface WholeDigests {
  md5?: string;
  sha256?: string;
}

interface Entry extends FileStat, WholeDigests {
  root: string;
  /** Base64. */
  hashes: string;
}

export class HashCache {
  readonly #context: Pick<NodeContext, 'clock' | 'log'>;
  readonly #folder: Folder;
  /** Whether a file is still worth remembering. */
  readonly #wanted: (name: string) => boolean;
  readonly #entries = new Map<string, Entry>();
  #saving: Timer | null = null;
  /** One write after the other: they go through the same file beside. */
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(
    context: Pick<NodeContext, 'clock' | 'log'>,
    folder: Folder,
    wanted: (name: string) => boolean,
  ) {
    this.#context = context;
    this.#folder = folder;
    this.#wanted = wanted;
  }

  async read(): Promise<void> {
    try {
      const bytes = await readWhole(this.#folder, CACHE_FILE, MAX_CACHE_BYTES);
      const entries = Object.entries(JSON.parse(bytes.toString()) as Record<string, unknown>);
      for (const [name, entry] of entries) if (isEntry(entry)) this.#entries.set(name, entry);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT')
        this.#context.log.info('The kept hashes cannot be read; the files are hashed again.');
    }
  }

  /** Writes what has not been written. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#saving?.cancel();
    if (this.#saving) this.#save();
    await this.#writing;
  }

  /** What is known of a file in exactly this state; null: nothing. */
  find(name: string, { size, modifiedMs }: FileStat): { hashes: PieceHashes; digests: WholeDigests } | null {
    const entry = this.#entries.get(name);
    if (!entry || entry.size !== size || entry.modifiedMs !== modifiedMs) return null;
    const layout = layoutOf(size);
    const hashes = Buffer.from(entry.hashes, 'base64');
    if (hashes.length !== layout.count * HASH_BYTES) return null;
    const root = rootHash(layout, hashes);
    // Guards against a damaged cache, not against the owner of the folder.
    if (root.toString('hex') !== entry.root) return null;
    return { hashes: { layout, hashes, root }, digests: digestsOf(entry) };
  }

  remember(name: string, stat: FileStat, { root, hashes }: PieceHashes, digests: WholeDigests = {}): void {
    const { size, modifiedMs } = stat;
    this.#entries.set(name, {
      size,
      modifiedMs,
      root: root.toString('hex'),
      hashes: hashes.toString('base64'),
      ...digests,
    });
    if (this.#closed) return;
    this.#saving ??= this.#context.clock.after(SAVE_AFTER_MS, () => {
      this.#saving = null;
      this.#save();
    });
  }

  #save(): void {
    this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    const kept = [...this.#entries].filter(([name]) => this.#wanted(name));
    try {
      await replaceWhole(this.#folder, CACHE_FILE, JSON.stringify(Object.fromEntries(kept)));
    } catch (error) {
      this.#context.log.warn(`The hashes cannot be kept: ${(error as Error).message}`);
    }
  }
}

function digestsOf({ md5, sha256 }: WholeDigests): WholeDigests {
  return { ...(md5 ? { md5 } : {}), ...(sha256 ? { sha256 } : {}) };
}

function isEntry(value: unknown): value is Entry {
  const { size, modifiedMs, root, hashes, md5, sha256 } = (value ?? {}) as Record<string, unknown>;
  const optional = (text: unknown): boolean => text === undefined || typeof text === 'string';
  return (
    typeof size === 'number' &&
    typeof modifiedMs === 'number' &&
    typeof root === 'string' &&
    typeof hashes === 'string' &&
    optional(md5) &&
    optional(sha256)
  );
}
