/** Who has what: the peers of an index and their files, with both ways to look them up. */
import type { Endpoint } from '../../contract/endpoint';

export interface RegisteredFile {
  /** -1: a peer of the seed does not say. */
  size: number;
  /** Root hash in hex; empty while it is not known. */
  root: string;
  complete: boolean;
}

export interface Peer {
  id: string;
  /** Of its connection to the index. */
  connection: Endpoint;
  /** Where it serves, at the address it connects from; 0 until it has registered. */
  port: number;
  user: string;
  framed: boolean;
  files: Map<string, RegisteredFile>;
  uploads: number;
  slots: number;
  /** Unix ms. */
  since: number;
  /** Closes its connection to the index. */
  drop(reason: string): void;
}

const MAX_FILES_PER_PEER = 500_000;
/** Bounds what peers can make an index remember, well below the heap of a 64-bit Node. */
const MAX_BYTES = 768 * 2 ** 20;
/** What a file and a holding take, as measured, apart from the name, which each holding has. */
const FILE_BYTES = 200;
const HOLDING_BYTES = 180;

/** Why a peer is let go whose files are refused. */
export const INDEX_FULL =
  'The files of this peer are more than the index can remember. Share fewer files, or use another index.';

export class Registry {
  readonly #peers = new Set<Peer>();
  readonly #holders = new Map<string, Set<Peer>>();
  readonly #onChange: (name: string) => void;
  readonly #maxBytes: number;
  /** An estimate of the memory taken. */
  #bytes = 0;

  /** @param onChange called with the name of a file whose holders, or what is known of them, changed */
  constructor(onChange: (name: string) => void, maxBytes = MAX_BYTES) {
    this.#onChange = onChange;
    this.#maxBytes = maxBytes;
  }

  get peers(): readonly Peer[] {
    return [...this.#peers];
  }

  get fileCount(): number {
    return this.#holders.size;
  }

  add(peer: Peer): void {
    this.#peers.add(peer);
  }

  /** A peer that registers where another one did is the same peer after a reset: the former entry goes. */
  register(peer: Peer, port: number): void {
    for (const other of this.#peers) {
      const same = other !== peer && other.port === port && other.connection.host === peer.connection.host;
      if (same) other.drop('it registered again from another connection');
    }
    peer.port = port;
  }

  remove(peer: Peer): void {
    this.clear(peer);
    this.#peers.delete(peer);
  }

  /** Forgets the files of a peer, which stays connected. */
  clear(peer: Peer): void {
    for (const name of [...peer.files.keys()]) this.retract(peer, name);
  }

  /** @returns false when this peer has too many files, or nothing more can be remembered */
  announce(peer: Peer, name: string, file: RegisteredFile): boolean {
    let holders = this.#holders.get(name);
    if (!peer.files.has(name)) {
      const bytes = holdingBytes(name) + (holders ? 0 : FILE_BYTES);
      if (peer.files.size >= MAX_FILES_PER_PEER || this.#bytes + bytes > this.#maxBytes) return false;
      this.#bytes += bytes;
    }
    peer.files.set(name, file);
    if (!holders) {
      holders = new Set();
      this.#holders.set(name, holders);
    }
    holders.add(peer);
    this.#onChange(name);
    return true;
  }

  retract(peer: Peer, name: string): void {
    if (!peer.files.delete(name)) return;
    this.#bytes -= holdingBytes(name);
    const holders = this.#holders.get(name);
    holders?.delete(peer);
    if (holders?.size === 0) {
      this.#holders.delete(name);
      this.#bytes -= FILE_BYTES;
    }
    this.#onChange(name);
  }

  /**
   * Replaces all files of a peer of the seed, which sends names alone.
   * @returns false when they are too many; see `announce`
   */
  replaceNames(peer: Peer, names: readonly string[]): boolean {
    const present = new Set(names);
    for (const name of [...peer.files.keys()]) if (!present.has(name)) this.retract(peer, name);
    for (const name of present) {
      if (peer.files.has(name)) continue;
      // A copy: a slice of the list would keep all of the list in memory.
      const own = Buffer.from(name).toString();
      if (!this.announce(peer, own, { size: -1, root: '', complete: true })) return false;
    }
    return true;
  }

  /** Names that somebody other than `asker` has in full, sorted. */
  namesFor(asker: Peer): string[] {
    const names: string[] = [];
    for (const [name, holders] of this.#holders) {
      for (const holder of holders) {
        if (holder === asker || !holder.files.get(name)?.complete) continue;
        names.push(name);
        break;
      }
    }
    return names.sort();
  }

  /** The registered holders of a file other than `asker`, the least loaded first. */
  holdersFor(name: string, asker?: Peer): Peer[] {
    return [...(this.#holders.get(name) ?? [])]
      .filter((peer) => peer !== asker && peer.port > 0)
      .sort((a, b) => loadOf(a) - loadOf(b));
  }

  entries(): IterableIterator<[string, Set<Peer>]> {
    return this.#holders.entries();
  }

  /** The size that the holders say; -1 when none of them does. */
  sizeOf(name: string, holders: Iterable<Peer>): number {
    let size = -1;
    for (const holder of holders) size = Math.max(size, holder.files.get(name)?.size ?? -1);
    return size;
  }
}

function holdingBytes(name: string): number {
  return HOLDING_BYTES + 2 * name.length;
}

/** Uploads per slot; what says nothing of itself counts as idle. */
export function loadOf({ uploads, slots }: Pick<Peer, 'uploads' | 'slots'>): number {
  return slots === 0 ? 0 : uploads / slots;
}
