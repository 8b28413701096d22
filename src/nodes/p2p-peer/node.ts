import { randomBytes } from 'node:crypto';
import { StudioError } from '../../contract/errors';
import { formatBytes } from '../../contract/format-bytes';
import { type AnnouncedFile, PREFACE } from '../../protocol/p2p-messages';
import { decodeSeedName } from '../../protocol/p2p-seed';
import type {
  Connection,
  CreateNode,
  DatagramSocket,
  Folder,
  Listener,
  NodeContext,
  NodeProgram,
  OperationScope,
} from '../../runtime/context';
import { answerProbes } from '../p2p/probe';
import { LogFile } from '../shared/log-file';
import { Downloads } from './downloads';
import { FramedUpload, type Servable } from './framed-upload';
import { HttpDescription } from './http-description';
import { HttpUpload, isHttpRequest } from './http-upload';
import { IndexLink } from './index-link';
import { Library, type SharedFile } from './library';
import type { P2pPeerConfig, P2pPeerOperations, P2pPeerSnapshot, PeerDownloadResult } from './manifest';
import { SeedUpload } from './seed-upload';
import { Uploads } from './uploads';

/** A connection that has not yet said which dialect it speaks is closed after so long. */
const GREETING_MS = 30_000;
/** Connections at a time; peers beyond it are refused instead of exhausting us. */
const MAX_CONNECTIONS = 1000;
const NO_HASH = new Uint8Array(32);

type Operations = P2pPeerOperations;

export const createNode: CreateNode<P2pPeerConfig> = (config, context) => new P2pPeer(config, context);

class P2pPeer implements NodeProgram {
  readonly #config: P2pPeerConfig;
  readonly #context: NodeContext;
  /** Told to others in the handshake, so that who gives can be known by it over all connections. */
  readonly #id = randomBytes(8).toString('hex');
  readonly #connections = new Set<Connection>();
  /** Those of them that have not said anything yet, the oldest first. */
  readonly #silent = new Set<Connection>();
  readonly #published: { changed(): void };
  readonly #logFile: LogFile;
  #folder!: Folder;
  #library!: Library;
  #link!: IndexLink;
  #uploads!: Uploads;
  #downloads!: Downloads;
  #listener: Listener | null = null;
  #probes: DatagramSocket | null = null;
  #port = 0;
  #nextUpload = 1;
  #draining = false;

  constructor(config: P2pPeerConfig, context: NodeContext) {
    this.#logFile = new LogFile(config.logFile, context.files, context.clock, context.log);
    this.#config = config;
    this.#context = withLogFile(context, this.#logFile);
    this.#published = context.telemetry.publish(() => ({ ...this.#snapshot() }));
  }

  async start(): Promise<{ tcp: number }> {
    const { host, tcpPort, files, strict, slots, uploadLimit } = this.#config;
    this.#folder = await this.#context.files.folder(files);
    this.#listener = await this.#context.net.listen({ host, port: tcpPort }, (connection) =>
      this.#accept(connection),
    );
    this.#port = this.#listener.local.port;
    if (!strict) this.#probes = await answerProbes(this.#context, { host, port: this.#port });
    const changed = (): void => this.#changed();
    this.#uploads = new Uploads(this.#context, {
      slots,
      limit: uploadLimit,
      givenBy: (peer) => this.#downloads.givenBy(peer),
      changed,
    });
    this.#library = new Library(this.#context, this.#folder, {
      added: (file) => this.#fileAdded(file),
      removed: (name) => this.#fileRemoved(name),
    });
    this.#link = new IndexLink({
      context: this.#context,
      index: this.#config.index,
      identity: {
        peer: this.#id,
        port: this.#port,
        user: this.#config.user,
        password: this.#config.password,
      },
      register: this.#config.register,
      strict,
      files: () => [...this.#library.files.values()].map(announced).concat(this.#downloads.partial()),
      changed,
    });
    this.#downloads = new Downloads({
      context: this.#context,
      config: this.#config,
      peer: this.#id,
      link: this.#link,
      library: this.#library,
      folder: this.#folder,
      ownPort: () => this.#port,
      changed,
    });
    await this.#library.start();
    this.#link.start();
    this.#changed();
    return { tcp: this.#port };
  }

  async drain(): Promise<void> {
    this.#draining = true;
    await this.#listener?.close();
    await this.#link.unregister().catch(() => {});
    await this.#uploads.whenIdle();
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
    this.#link?.stop();
    await this.#probes?.close();
    this.#uploads?.endAll('This peer stops.');
    for (const connection of this.#connections) connection.destroy();
    await this.#library?.stop();
    await this.#logFile.close();
  }

  operations = {
    download: (input: Operations['download']['input'], scope: OperationScope): Promise<PeerDownloadResult> =>
      this.#downloads.download(input, scope),
    control: (input: Operations['control']['input']): void => this.#downloads.control(input),
    setUploadLimit: ({ bytesPerSecond }: Operations['setUploadLimit']['input']): void => {
      this.#uploads.setLimit(bytesPerSecond);
      this.#changed();
    },
    register: async (): Promise<Operations['register']['output']> => {
      await this.#link.register();
      return { files: this.#library.files.size };
    },
    unregister: (): Promise<void> => this.#link.unregister(),
    list: (): Promise<Operations['list']['output']> => this.#link.list(),
    shared: (): Operations['shared']['output'] =>
      [...this.#library.files.values()].map(({ name, size }) => ({ name, size })),
    delete: async ({ name }: Operations['delete']['input']): Promise<void> => {
      if (!this.#library.files.has(name))
        throw new StudioError('NOT_FOUND', `${name} is not among the shared files.`);
      await this.#library.delete(name);
    },
  };

  #accept(connection: Connection): void {
    if (this.#draining || !this.#makeRoom()) return connection.destroy();
    this.#connections.add(connection);
    this.#silent.add(connection);
    const id = String(this.#nextUpload++);
    const closed = (): void => {
      this.#connections.delete(connection);
      this.#silent.delete(connection);
    };
    connection.setIdle(GREETING_MS, () => connection.destroy());
    connection.handle({
      data: (bytes) => {
        this.#silent.delete(connection);
        const upload = this.#uploadFor(connection, bytes, id, closed);
        this.#uploads.add(upload);
        upload.receive(bytes);
      },
      close: closed,
    });
  }

  /** Connections that ask for nothing must not keep peers out: the one that is silent the longest goes. */
  #makeRoom(): boolean {
    if (this.#connections.size < MAX_CONNECTIONS) return true;
    const [silent] = this.#silent;
    if (!silent) return false;
    this.#connections.delete(silent);
    this.#silent.delete(silent);
    silent.destroy();
    return true;
  }

  /** The dialect is known by the first bytes. */
  #uploadFor(
    connection: Connection,
    first: Uint8Array,
    id: string,
    closed: () => void,
  ): FramedUpload | HttpUpload | SeedUpload {
    if (!this.#config.strict && first[0] === PREFACE[0]) return this.#framedUpload(connection, id, closed);
    if (!this.#config.strict && isHttpRequest(first)) return this.#httpUpload(connection, id, closed);
    return this.#seedUpload(connection, id, closed);
  }

  #httpUpload(connection: Connection, id: string, closed: () => void): HttpUpload {
    return new HttpUpload(connection, {
      context: this.#context,
      uploads: this.#uploads,
      library: this.#library,
      id,
      description: new HttpDescription(this.#library, this.#link),
      closed,
    });
  }

  #framedUpload(connection: Connection, id: string, closed: () => void): FramedUpload {
    return new FramedUpload(connection, {
      context: this.#context,
      uploads: this.#uploads,
      id,
      peer: this.#id,
      serve: (name) => this.#serve(name),
      closed,
    });
  }

  #seedUpload(connection: Connection, id: string, closed: () => void): SeedUpload {
    return new SeedUpload(connection, {
      context: this.#context,
      uploads: this.#uploads,
      library: this.#library,
      id,
      resolve: (name) => this.#library.files.get(name) ?? this.#library.files.get(decodeSeedName(name)),
      closed,
    });
  }

  async #serve(name: string): Promise<Servable | undefined> {
    const file = this.#library.files.get(name);
    if (!file) return this.#downloads.servable(name);
    const { layout, root, hashes } = await this.#library.hashesOf(file);
    const open = await this.#library.open(file);
    return {
      name,
      layout,
      root,
      hashes,
      has: null,
      read: (into, position) => open.read(into, position),
      gone: file.gone.signal,
      onPiece: () => () => {},
      close: () => void open.close(),
    };
  }

  #fileAdded(file: SharedFile): void {
    this.#link?.announce(announced(file));
    if (!file.hashes) {
      this.#context.telemetry.event({
        type: 'file-added',
        text: `${file.name} is shared (${formatBytes(file.size)}).`,
        subject: file.name,
      });
    }
    this.#changed();
  }

  #fileRemoved(name: string): void {
    this.#link?.retract(name);
    this.#context.telemetry.event({
      type: 'file-removed',
      text: `${name} is shared no more.`,
      subject: name,
    });
    this.#changed();
  }

  #changed(): void {
    this.#link?.load(this.#uploads?.active ?? 0, this.#config.slots);
    this.#published.changed();
  }

  #snapshot(): P2pPeerSnapshot {
    const files = [...(this.#library?.files.values() ?? [])];
    const detail = this.#link?.detail;
    return {
      index: this.#link?.state ?? 'none',
      ...(detail ? { indexDetail: detail } : {}),
      dialect: this.#link?.dialect ?? null,
      files: files.length,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      hashing: this.#library?.hashing ?? 0,
      heldBack: [...(this.#link?.heldBack ?? [])],
      uploads: this.#uploads?.view() ?? [],
      uploadLimit: this.#uploads?.limit ?? 0,
      downloads: this.#downloads?.view() ?? [],
    };
  }
}

function announced({ name, size, hashes }: SharedFile): AnnouncedFile {
  return { name, size, root: hashes?.root ?? NO_HASH, complete: true };
}

/** Events go to the log file as well, as in the seed. */
function withLogFile(context: NodeContext, file: LogFile): NodeContext {
  if (file.path === '') return context;
  return {
    ...context,
    telemetry: {
      ...context.telemetry,
      event: (event) => {
        file.line(event.text);
        context.telemetry.event(event);
      },
    },
  };
}
