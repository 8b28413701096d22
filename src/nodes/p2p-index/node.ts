import { randomBytes } from 'node:crypto';
import { formatEndpoint } from '../../contract/endpoint';
import { LoginGuard } from '../../protocol/login-guard';
import { PREFACE } from '../../protocol/p2p-messages';
import type {
  Connection,
  CreateNode,
  DatagramSocket,
  Listener,
  NodeContext,
  NodeProgram,
} from '../../runtime/context';
import { Accounts } from '../p2p/accounts';
import { answerProbes } from '../p2p/probe';
import { FramedPeer } from './framed-peer';
import type { P2pIndexConfig, P2pIndexOperations, P2pIndexSnapshot } from './manifest';
import { type Peer, Registry } from './registry';
import { SeedPeer } from './seed-peer';

export const createNode: CreateNode<P2pIndexConfig> = (config, context) => new P2pIndex(config, context);

class P2pIndex implements NodeProgram {
  readonly #config: P2pIndexConfig;
  readonly #context: NodeContext;
  readonly #registry = new Registry((name) => this.#fileChanged(name));
  readonly #connections = new Map<Connection, Peer>();
  readonly #framed = new Set<FramedPeer>();
  readonly #guard = new LoginGuard();
  /** Of this run; see `challengeFor`. */
  readonly #secret = randomBytes(32);
  readonly #published: { changed(): void };
  #accounts!: Accounts;
  #listener: Listener | null = null;
  #probes: DatagramSocket | null = null;
  #nextPeer = 1;

  constructor(config: P2pIndexConfig, context: NodeContext) {
    this.#config = config;
    this.#context = context;
    this.#published = context.telemetry.publish(() => ({ ...this.#snapshot() }));
  }

  async start(): Promise<{ tcp: number }> {
    const { host, tcpPort, accounts, data, strict } = this.#config;
    this.#accounts = await Accounts.open(await this.#context.files.folder(data));
    for (const entry of accounts.split(',').filter((part) => part !== '')) {
      const cut = entry.indexOf(':');
      await this.#accounts.set(entry.slice(0, cut), entry.slice(cut + 1), { save: false });
    }
    this.#listener = await this.#context.net.listen({ host, port: tcpPort }, (connection) =>
      this.#accept(connection),
    );
    const { port } = this.#listener.local;
    if (!strict) this.#probes = await answerProbes(this.#context, { host, port });
    if (this.#loginRequired && this.#accounts.users.length === 0)
      this.#context.log.warn('Login is required, but there is no account yet: nobody can register.');
    this.#published.changed();
    return { tcp: port };
  }

  /** Peers stay connected for as long as they run, so there is nothing to wait for. */
  async drain(): Promise<void> {
    await this.#listener?.close();
    for (const connection of this.#connections.keys()) connection.end();
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
    await this.#probes?.close();
    for (const connection of [...this.#connections.keys()]) connection.destroy();
  }

  operations = {
    catalogue: (input: P2pIndexOperations['catalogue']['input']): P2pIndexOperations['catalogue']['output'] =>
      this.#catalogue(input),
    setAccount: async ({ user, password }: P2pIndexOperations['setAccount']['input']): Promise<void> => {
      await this.#accounts.set(user, password, { save: true });
      this.#published.changed();
    },
    removeAccount: async ({ user }: P2pIndexOperations['removeAccount']['input']): Promise<void> => {
      await this.#accounts.remove(user);
      this.#published.changed();
    },
  };

  get #loginRequired(): boolean {
    return this.#config.login && !this.#config.strict;
  }

  #accept(connection: Connection): void {
    const peer: Peer = {
      id: `${formatEndpoint(connection.remote)}#${this.#nextPeer++}`,
      connection: connection.remote,
      port: 0,
      user: '',
      framed: false,
      files: new Map(),
      uploads: 0,
      slots: 0,
      since: this.#context.clock.wallTime(),
      drop: () => connection.destroy(),
    };
    this.#connections.set(connection, peer);
    this.#registry.add(peer);
    const seed = new SeedPeer(connection, {
      context: this.#context,
      registry: this.#registry,
      peer,
      loginRequired: this.#loginRequired,
      changed: () => this.#changed(connection, peer),
      registered: () => this.#registered(connection, peer),
      full: () => this.#full(peer),
    });
    connection.setIdle(this.#config.idleMs, () => connection.destroy());
    let first = true;
    connection.handle({
      data: (bytes) => {
        const frames = first && bytes[0] === PREFACE[0] && !this.#config.strict;
        first = false;
        if (frames) this.#speakFrames(connection, peer, bytes);
        else seed.receive(bytes);
      },
      close: (error) => {
        seed.closed();
        this.#closed(connection, peer, error);
      },
    });
    this.#published.changed();
  }

  #speakFrames(connection: Connection, peer: Peer, received: Uint8Array): void {
    peer.framed = true;
    const framed: FramedPeer = new FramedPeer(connection, {
      context: this.#context,
      registry: this.#registry,
      peer,
      accounts: this.#accounts,
      guard: this.#guard,
      loginRequired: this.#loginRequired,
      secret: this.#secret,
      changed: () => this.#published.changed(),
      registered: () => this.#registered(connection, peer),
      full: () => this.#full(peer),
      closed: (error) => {
        this.#framed.delete(framed);
        this.#closed(connection, peer, error);
      },
    });
    peer.drop = (reason) => framed.drop(reason);
    this.#framed.add(framed);
    framed.receive(received);
  }

  #registered(connection: Connection, peer: Peer): void {
    // A registered peer of the seed may be silent for hours; ours has its own rule.
    if (!peer.framed) connection.setIdle(0, () => {});
    this.#context.telemetry.count('registrations');
    this.#context.telemetry.event({
      type: 'peer-registered',
      text: `Peer ${peer.connection.host}:${peer.port} registered${peer.user ? ` as ${peer.user}` : ''}${peer.framed ? '' : ' (plain protocol)'}.`,
      subject: `${peer.connection.host}:${peer.port}`,
      level: 'good',
    });
    this.#published.changed();
  }

  #full(peer: Peer): void {
    const address = formatEndpoint({ host: peer.connection.host, port: peer.port });
    this.#context.telemetry.event({
      type: 'index-full',
      text: `Peer ${address} announces more files than can be remembered: it is let go.`,
      subject: address,
      level: 'warning',
    });
  }

  #changed(connection: Connection, peer: Peer): void {
    if (peer.port === 0) connection.setIdle(this.#config.idleMs, () => connection.destroy());
    this.#published.changed();
  }

  #closed(connection: Connection, peer: Peer, error: Error | undefined): void {
    if (!this.#connections.delete(connection)) return;
    const { port, files } = peer;
    const count = files.size;
    this.#registry.remove(peer);
    if (port > 0) {
      this.#context.telemetry.event({
        type: 'peer-gone',
        text: `Peer ${peer.connection.host}:${port} is gone${error ? ` (${error.message})` : ''}; its ${count} files are out of the index.`,
        subject: `${peer.connection.host}:${port}`,
        level: error ? 'warning' : 'info',
      });
    }
    this.#published.changed();
  }

  #fileChanged(name: string): void {
    for (const framed of this.#framed) framed.fileChanged(name);
  }

  #catalogue(input: P2pIndexOperations['catalogue']['input']): P2pIndexOperations['catalogue']['output'] {
    const search = input.search.toLowerCase();
    const rows = [];
    for (const [name, holders] of this.#registry.entries()) {
      if (search !== '' && !name.toLowerCase().includes(search)) continue;
      rows.push({ name, size: this.#registry.sizeOf(name, holders), holders });
    }
    const sign = input.descending ? -1 : 1;
    rows.sort((a, b) => {
      const order =
        input.sort === 'size'
          ? a.size - b.size
          : input.sort === 'holders'
            ? a.holders.size - b.holders.size
            : 0;
      return sign * (order || (a.name < b.name ? -1 : 1));
    });
    const page = rows.slice(input.offset, input.offset + input.limit).map(({ name, size, holders }) => ({
      name,
      size,
      holders: [...holders].map((peer) => ({
        peer: peer.id,
        address: formatEndpoint({ host: peer.connection.host, port: peer.port }),
        complete: peer.files.get(name)?.complete ?? true,
      })),
    }));
    return { rows: page, total: rows.length };
  }

  #snapshot(): P2pIndexSnapshot {
    return {
      files: this.#registry.fileCount,
      login: this.#loginRequired,
      accounts: this.#accounts?.users ?? [],
      lockedOut: this.#guard.locked(this.#context.clock.now()),
      peers: this.#registry.peers.map((peer) => ({
        id: peer.id,
        host: peer.connection.host,
        port: peer.port,
        user: peer.user,
        dialect: peer.framed ? 'frames' : 'seed',
        files: peer.files.size,
        bytes: [...peer.files.values()].reduce((sum, { size }) => sum + Math.max(0, size), 0),
        uploads: peer.uploads,
        slots: peer.slots,
        since: peer.since,
      })),
    };
  }
}
