/** Which servers there are, and who holds which file. Pure: time is an argument. */
import { formatEndpoint } from '../../contract/endpoint';
import { shareOf } from '../../protocol/micro-cdn-extensions';
import type { ServerStatus } from './manifest';

/**
 * Bounds on what peers can make an index remember: more than two million files with names of usual length, and
 * well below the heap of a 64-bit Node whatever the names are.
 */
const MAX_BYTES = 768 * 2 ** 20;
export const MAX_SERVERS = 10_000;
/** What a file and a holding take, as measured, apart from the name. */
const FILE_BYTES = 180;
const HOLDING_BYTES = 130;
const DIGEST_BYTES = 150;

export interface ServerRecord {
  readonly serverId: string;
  host: string;
  tcpPort: number;
  udpPort: number;
  /** `host:port` of the TCP port. */
  address: string;
  /** As last reported through the monitor; -1 when never. */
  load: number;
  status: ServerStatus;
  /** Unix ms, and ms of the steady clock, of the last change of status or registration. */
  since: number;
  changedAt: number;
  /** What the monitor said last, if anything. */
  monitorSaid?: 'alive' | 'dead';
  /** Extensions it offers to clients. */
  features: readonly string[];
  readonly files: Set<FileRecord>;
  /** Of the shares of its files, modulo 2³²: see `shareOf`. */
  sum: number;
  /** Rises with each REGISTER; holdings of former registrations go when the list is complete. */
  registration: number;
}

export interface Holding {
  readonly server: ServerRecord;
  /** Bytes, as announced by this server. */
  size: number;
  registration: number;
  /** What this server says that the file hashes to. */
  digest?: Digest;
}

export interface Digest {
  /** Hex. */
  readonly sha256: string;
  /** Counts up with each digest that is new: who said it first has the lower one. */
  readonly order: number;
  /** False from an ADD_FILE on, until the digest of that content comes. */
  current: boolean;
}

export interface FileRecord {
  readonly name: string;
  /** Never empty while the file is known. */
  readonly holdings: Holding[];
  /** How often it was looked up. */
  turn: number;
}

export interface Moment {
  /** Unix ms. */
  wall: number;
  /** ms of the steady clock. */
  steady: number;
}

/** Hears of every change, so that views can be kept up to date. */
export interface RegistryListener {
  fileAdded(file: FileRecord): void;
  /** Its last holder is gone. */
  fileRemoved(file: FileRecord): void;
  /** Its size or its holders are different. */
  fileChanged(file: FileRecord): void;
}

export class Registry {
  readonly servers = new Map<string, ServerRecord>();
  readonly files = new Map<string, FileRecord>();
  readonly #listener: RegistryListener;
  readonly #maxBytes: number;
  /** An estimate of the memory taken. */
  #bytes = 0;
  #digests = 0;

  constructor(listener: RegistryListener, maxBytes = MAX_BYTES) {
    this.#listener = listener;
    this.#maxBytes = maxBytes;
  }

  /** A server registers, or does so again. Null when there are too many. */
  register(
    { serverId, host, tcpPort, udpPort }: Pick<ServerRecord, 'serverId' | 'host' | 'tcpPort' | 'udpPort'>,
    now: Moment,
  ): ServerRecord | null {
    let server = this.servers.get(serverId);
    if (!server && this.servers.size >= MAX_SERVERS && !this.#dropOldestDead()) return null;
    if (!server) {
      server = {
        ...{ serverId, host, tcpPort, udpPort, address: '', load: -1, status: 'alive' },
        ...{
          since: now.wall,
          changedAt: now.steady,
          features: [],
          files: new Set(),
          sum: 0,
          registration: 0,
        },
      };
      this.servers.set(serverId, server);
    }
    Object.assign(server, { host, tcpPort, udpPort, address: formatEndpoint({ host, port: tcpPort }) });
    server.features = [];
    server.registration++;
    server.changedAt = now.steady;
    this.setStatus(server, 'alive', now);
    return server;
  }

  /** A server holds a file. 'full': nothing more can be remembered. */
  add(server: ServerRecord, name: string, size: number): 'added' | 'changed' | 'same' | 'full' {
    let file = this.files.get(name);
    const holding = file?.holdings.find((holding) => holding.server === server);
    if (file && holding) {
      holding.registration = server.registration;
      const same = holding.size === size;
      uncount(file, holding);
      if (holding.digest) holding.digest.current = false;
      holding.size = size;
      count(file, holding);
      if (same) return 'same';
      this.#listener.fileChanged(file);
      return 'changed';
    }
    const bytes = HOLDING_BYTES + (file ? 0 : bytesOf(name));
    if (this.#bytes + bytes > this.#maxBytes) return 'full';
    this.#bytes += bytes;
    const added: Holding = { server, size, registration: server.registration };
    if (file) {
      file.holdings.push(added);
      this.#listener.fileChanged(file);
    } else {
      file = { name, holdings: [added], turn: 0 };
      this.files.set(name, file);
      this.#listener.fileAdded(file);
    }
    server.files.add(file);
    count(file, added);
    return 'added';
  }

  /**
   * What a server has found one of its files to hash to.
   * @returns the file when that is news; null when it was known, or the server does not hold the file
   */
  setDigest(server: ServerRecord, name: string, sha256: string): FileRecord | null {
    const file = this.files.get(name);
    const holding = file?.holdings.find((holding) => holding.server === server);
    if (!file || !holding) return null;
    const { digest } = holding;
    const known = digest?.sha256 === sha256;
    uncount(file, holding);
    if (known) digest.current = true;
    else holding.digest = { sha256, order: this.#digests++, current: true };
    count(file, holding);
    if (!digest) this.#bytes += DIGEST_BYTES;
    return known ? null : file;
  }

  /** True when the server held the file. */
  remove(server: ServerRecord, name: string): boolean {
    const file = this.files.get(name);
    return file !== undefined && this.#removeHolding(server, file);
  }

  /** The list that began with REGISTER is complete: what was not in it is no longer held. Returns how many. */
  completeRegistration(server: ServerRecord): number {
    let removed = 0;
    for (const file of server.files) {
      const holding = file.holdings.find((holding) => holding.server === server);
      if (holding?.registration === server.registration) continue;
      this.#removeHolding(server, file);
      removed++;
    }
    return removed;
  }

  /** True when the status is another now. */
  setStatus(server: ServerRecord, status: ServerStatus, now: Moment): boolean {
    if (server.status === status) return false;
    server.status = status;
    server.since = now.wall;
    server.changedAt = now.steady;
    return true;
  }

  #removeHolding(server: ServerRecord, file: FileRecord): boolean {
    const at = file.holdings.findIndex((holding) => holding.server === server);
    if (at < 0) return false;
    const [holding] = file.holdings.splice(at, 1) as [Holding];
    server.files.delete(file);
    uncount(file, holding);
    this.#bytes -= HOLDING_BYTES + (holding.digest ? DIGEST_BYTES : 0);
    if (file.holdings.length > 0) {
      this.#listener.fileChanged(file);
    } else {
      this.files.delete(file.name);
      this.#bytes -= bytesOf(file.name);
      this.#listener.fileRemoved(file);
    }
    return true;
  }

  #dropOldestDead(): boolean {
    const dead = [...this.servers.values()].filter((server) => server.status === 'dead');
    const oldest = dead.sort((a, b) => a.changedAt - b.changedAt)[0];
    if (!oldest) return false;
    for (const file of oldest.files) this.#removeHolding(oldest, file);
    this.servers.delete(oldest.serverId);
    return true;
  }
}

function count({ name }: FileRecord, holding: Holding): void {
  holding.server.sum = (holding.server.sum + shareOfHolding(name, holding)) >>> 0;
}

function uncount({ name }: FileRecord, holding: Holding): void {
  holding.server.sum = (holding.server.sum - shareOfHolding(name, holding)) >>> 0;
}

function shareOfHolding(name: string, { size, digest }: Holding): number {
  return shareOf(name, size, digest?.current ? digest.sha256 : undefined);
}

function bytesOf(name: string): number {
  return FILE_BYTES + 2 * name.length;
}
