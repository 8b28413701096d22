/**
 * All that a node is given: network, clock, dice, files, digests, and the ways to be seen.
 *
 * A node never touches `node:net`, `Date` or `Math.random`. It holds these interfaces, so the same program
 * runs on real sockets, on an in-memory network with a fake clock (`testing/`), and behind injected faults
 * (`faulty-network.ts`), and cannot tell which.
 */
import type { Endpoint } from '../contract/endpoint';

export type { Endpoint };

export interface ConnectionHandlers {
  /**
   * Bytes arrived. **The buffer is only lent**: it may be overwritten once the handler returns, so copy what
   * you keep. (One reused buffer per connection doubles the throughput of large transfers on Node.)
   */
  data(bytes: Uint8Array): void;
  /** The peer has finished sending. We may still send; call `end()` when done. Default: `end()`. */
  end?(): void;
  /**
   * The connection is gone, in whatever way; called exactly once. `error` is absent after a clean close. A peer whose
   * machine has vanished is found to be gone within minutes, however idle the connection is.
   */
  close?(error?: Error): void;
}

/**
 * One TCP connection. Until `handle` is called nothing is read. Writing to a connection that has closed does
 * nothing: `handlers.close` tells.
 */
export interface Connection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly closed: boolean;
  /** Bytes given to `write` or `send` that the operating system has not yet taken. */
  readonly pendingBytes: number;
  handle(handlers: ConnectionHandlers): void;
  /** Queues bytes; a string is sent as UTF-8. Do not change the buffer afterwards. One call, one segment where possible. */
  write(bytes: Uint8Array | string): void;
  /**
   * Like `write`, and resolves when the buffer may be reused: the operating system has taken the bytes.
   * This is the back-pressure. Rejects when the connection closes first.
   */
  send(bytes: Uint8Array | string): Promise<void>;
  /** Sends what is queued (and `bytes`), then finishes our direction. */
  end(bytes?: Uint8Array | string): void;
  /** Closes now; what is queued is lost. */
  destroy(error?: Error): void;
  /** Closes now with a TCP reset, as a crashed peer does. */
  reset(): void;
  /** Stops reading, so that the peer feels back-pressure; `resume` goes on. */
  pause(): void;
  resume(): void;
  /** Calls `onIdle` when nothing was received or sent for `ms`; 0 turns it off. It may fire again. */
  setIdle(ms: number, onIdle: () => void): void;
}

export interface Listener {
  readonly local: Endpoint;
  /** Takes no new connections. Those that are open live on. */
  close(): Promise<void>;
}

export interface DatagramSocket {
  readonly local: Endpoint;
  /** Fire and forget, as UDP is: a datagram that cannot be sent is counted and dropped. */
  send(bytes: Uint8Array | string, to: Endpoint): void;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Gives up after this many milliseconds (default 5000). */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Size of the reused receive buffer, bytes (default 64 KiB). Use 1 MiB for bulk downloads. */
  receiveBufferSize?: number;
  /** Encrypts the connection, and requires a valid certificate for this name. */
  tls?: { serverName: string };
  /** Address of this machine to connect from, where the peer takes it for ours. Default: the system's choice. */
  localHost?: string;
}

export interface Network {
  /**
   * Listens for TCP connections. Port 0 takes a free one: see `listener.local`.
   * @throws an error with `code` 'EADDRINUSE', 'EACCES' or 'EADDRNOTAVAIL'
   */
  listen(at: Endpoint, accept: (connection: Connection) => void): Promise<Listener>;
  /** @throws an error with `code` 'ECONNREFUSED', 'ETIMEDOUT', 'ABORT_ERR' … */
  connect(to: Endpoint, options?: ConnectOptions): Promise<Connection>;
  /** Binds a UDP socket. `receive` is lent its buffer, like `ConnectionHandlers.data`. */
  bind(at: Endpoint, receive: (bytes: Uint8Array, from: Endpoint) => void): Promise<DatagramSocket>;
}

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since some start, never going back. Measure spans with this. */
  now(): number;
  /** Unix time in milliseconds. Only for what is shown or sent; it may jump. */
  wallTime(): number;
  after(ms: number, run: () => void): Timer;
  /** Runs every `ms`, the first time after `ms`. */
  every(ms: number, run: () => void): Timer;
  /** Resolves after `ms`. Rejects with an AbortError when `signal` fires first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface FileStat {
  /** Bytes. */
  size: number;
  /** Unix milliseconds. */
  modifiedMs: number;
  /**
   * Unix milliseconds of the last change of whatever kind (ctime): no program can set it, so it tells of another
   * content behind a kept `modifiedMs` (`cp -p`). Absent where nobody knows.
   */
  changedMs?: number;
}

export interface FolderEntry extends FileStat {
  /** Path below the folder, with `/` between the parts whatever the system. */
  name: string;
}

export interface ReadableFile extends FileStat {
  /** Reads into `into` from `position`; resolves to the number of bytes, 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** What the open file is like now; it may have changed since it was opened. */
  stat(): Promise<FileStat>;
  close(): Promise<void>;
}

export interface WritableFile {
  /** Current size in bytes. */
  readonly size: number;
  write(bytes: Uint8Array, position: number): Promise<void>;
  /**
   * Writes bytes while they are digested. On a disk of this machine the thread that digests them also writes them:
   * its core's cache has them, and the node's own thread is free meanwhile.
   * @param digest gives the bytes to a `Hasher`, with the place where there is one. It is called at once, so that a
   *   running digest is of the bytes in the order of the calls
   */
  writeDigested<Result extends Digested>(
    bytes: Uint8Array,
    position: number,
    digest: (bytes: Uint8Array, place?: FilePlace) => Promise<Result>,
  ): Promise<Result>;
  read(into: Uint8Array, position: number): Promise<number>;
  truncate(size: number): Promise<void>;
  /** Resolves when the bytes are on the disk, not merely in the system's cache. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A folder and what is below it. Every method takes a name below the folder and refuses one that is not
 * (`..`, absolute, NUL, device names, symbolic links that lead out) with an error of code 'UNSAFE_NAME'.
 * A missing file gives code 'ENOENT'. Names that start with a dot, or end in `.part`, are not listed.
 */
export interface Folder {
  readonly path: string;
  /** Every regular file below the folder, by name. Unreadable parts are left out, and logged. */
  list(): Promise<FolderEntry[]>;
  stat(name: string): Promise<FileStat>;
  open(name: string): Promise<ReadableFile>;
  /**
   * Opens for writing, making parent folders; keeps what is there unless `truncate` is set. `exclusive` makes a
   * new file, and fails with code 'EEXIST' where there is one.
   */
  create(name: string, options?: { truncate?: boolean; exclusive?: boolean }): Promise<WritableFile>;
  /** Atomic within the folder. Replaces `to`; `exclusive` fails with code 'EEXIST' instead. */
  rename(from: string, to: string, options?: { exclusive?: boolean }): Promise<void>;
  remove(name: string): Promise<void>;
  /** Calls back, some milliseconds after the last of a burst, when anything below may have changed. */
  watch(onChange: () => void): Timer;
}

export interface Files {
  /** Opens a folder by its path on this machine, making it if it is missing. */
  folder(path: string): Promise<Folder>;
  /** What is at this path of the machine, links followed; devices and the like count as missing. */
  kindOf(path: string): Promise<'file' | 'folder' | 'missing'>;
}

export type HashAlgorithm = 'sha512' | 'sha256' | 'sha1' | 'md5';

/** Where in an open file bytes belong. For `Hasher` alone, from `WritableFile.writeDigested`. */
export interface FilePlace {
  /** The file's descriptor; whoever gives it away keeps the file open until the answer is there. */
  fd: number;
  position: number;
}

export interface Digested {
  /** What was given away. */
  bytes: Buffer;
  /** Whether the hasher has written them where it was given a place. */
  written: boolean;
}

/**
 * Digests, computed beside the node's own thread: a digest costs more than receiving and writing the same bytes,
 * and both go on meanwhile.
 */
export interface Hashing {
  /** @param expectedBytes about how many will come: few are hashed on the spot, many are worth a thread */
  hasher(algorithm: HashAlgorithm, expectedBytes: number): Hasher;
}

/**
 * Digests of single blocks, several at a time where there is more than one core, and one running digest, whose parts
 * are answered in order.
 *
 * **Bytes are given away** so that they need not be copied: their ArrayBuffer, all of it, is empty until the promise
 * resolves to the same bytes. It must be no pool's, so take buffers from `Buffer.allocUnsafeSlow`.
 */
export interface Hasher {
  /** The digest of this block alone, in hex. */
  hash(block: Uint8Array, place?: FilePlace): Promise<Digested & { hex: string }>;
  /** Adds to the running digest. */
  update(bytes: Uint8Array, place?: FilePlace): Promise<Digested>;
  /** The running digest in hex, of all that was added before; more may be added afterwards. */
  digest(): Promise<string>;
  /** Gives back what the hasher holds. Nothing may be asked of it afterwards; what was asked is still answered. */
  close(): void;
}

export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

/**
 * Something that happened and that a person should be able to trace to its cause. `subject` is what it
 * happened to (a server id, a file name, an address), so that the journal can tie events together.
 */
export interface NodeEvent {
  /** A kebab-case name, for example 'server-down', 'file-added', 'lookup'. */
  type: string;
  /** One sentence in the user's words. */
  text: string;
  subject?: string;
  level?: 'info' | 'good' | 'warning' | 'bad';
}

/** One step of a message on its way from node to node. */
export interface Hop {
  /** The same at every step of one message, and of no other. */
  message: string;
  /** 1 for the first step. */
  step: number;
}

export type TraceDirection = 'in' | 'out';

/** How a node makes itself seen. Cheap when nobody looks: batched, capped, and paused by the runtime. */
export interface Telemetry {
  /** Adds to a counter (monotonic, since start). */
  count(name: string, by?: number): void;
  /**
   * Names what the node looks like now. `read` is called at most a few times a second, and only when
   * `changed()` was called since; it returns a small, JSON-safe snapshot.
   */
  publish(read: () => Record<string, unknown>): { changed(): void };
  /** Tells the journal. */
  event(event: NodeEvent): void;
  /**
   * Shows one decoded message (a line, a datagram, a head) on the wire. `text` is called only while somebody
   * watches messages.
   */
  trace(direction: TraceDirection, transport: 'tcp' | 'udp', peer: Endpoint, text: () => string): void;
  /** Shows one hop of a message that goes from node to node. Bytes on an open connection would not show it. */
  hop(to: Endpoint, hop: Hop): void;
  /** When something is asked: a moment for `answered`. Undefined while nobody looks: then nothing is timed. */
  asked(): number | undefined;
  /** Adds the time since `asked` to the latencies of this node. */
  answered(asked: number | undefined): void;
}

export interface NodeContext {
  readonly net: Network;
  readonly clock: Clock;
  readonly files: Files;
  readonly hashing: Hashing;
  readonly log: Log;
  readonly telemetry: Telemetry;
  /** Uniform in [0, 1). Seeded, so that a run can be repeated. */
  random(): number;
}

/** Progress of a long operation, and the way it is cancelled. */
export interface OperationScope {
  readonly signal: AbortSignal;
  /** Reports how far it is; sent on at most ten times a second, the last one always. */
  progress(value: Record<string, unknown>): void;
}

/** Ports that a node has bound, by the names its manifest gives them. */
export type BoundPorts = Record<string, number>;

/**
 * What a node kind exports from its `node.ts`. The order is: `start` once; then operations, in any number;
 * then `drain` (perhaps) and `stop`, once each. `stop` may come at any time after `start` was called.
 */
export interface NodeProgram {
  /** Resolves when every port is bound and the node can serve. Rejects with a clear error otherwise. */
  start(): Promise<BoundPorts>;
  /** Takes no new clients and resolves when those it has are finished. */
  drain(): Promise<void>;
  /** Closes everything now. */
  stop(): Promise<void>;
  /** What the control plane may ask of a running node: list files, download, explain a decision. */
  operations?: Record<string, (input: never, scope: OperationScope) => unknown | Promise<unknown>>;
}

/** The one export that the runtime looks for in `src/nodes/<kind>/node.ts`. */
export type CreateNode<Config> = (config: Config, context: NodeContext) => NodeProgram;
