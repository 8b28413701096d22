import { formatEndpoint } from '../../contract/endpoint';
import type { BoundPorts, CreateNode, Listener, NodeContext, NodeProgram } from '../../runtime/context';
import { inBackground } from '../shared/background';
import { PlainSender } from '../shared/ring/plain';
import { ClientRequests } from './client-requests';
import { FrontDoor } from './front-door';
import type { Incoming } from './incoming';
import { Intake } from './intake';
import type { RingConfig } from './manifest';
import { MemberRequests } from './member-requests';
import { Membership } from './membership';
import { PlainRequests } from './plain-requests';
import { Replication } from './replication';
import { RingFile, readRing, type SavedRing } from './ring-file';
import { Rounds, type Travelling } from './rounds';
import { SeedCircle } from './seed-circle';
import { ringSnapshot } from './snapshot';
import { ItemStore } from './store';

/** A foreign member that takes the seed's messages may take so long, ms. */
const PLAIN_TIMEOUT_MS = 2000;
/** Ports that are tried when the first is taken. */
const PORTS_TRIED = 200;
/** For an update to go round, ms. */
const UPDATE_TIMEOUT_MS = 5000;
const MAX_LISTED_ITEMS = 1000;

export const createNode: CreateNode<RingConfig> = (config, context) => new RingServer(config, context);

class RingServer implements NodeProgram {
  readonly #door: FrontDoor;
  readonly #published: { changed(): void };
  #listener: Listener | undefined;
  #parts: Parts | undefined;
  #leaving = false;
  #announcing: 'no' | 'yes' | 'again' = 'no';

  readonly operations = { items: () => (this.#parts?.store.itemsOf() ?? []).slice(0, MAX_LISTED_ITEMS) };

  constructor(
    readonly config: RingConfig,
    readonly context: NodeContext,
  ) {
    this.#door = new FrontDoor(config, context);
    this.#published = context.telemetry.publish(() => ({
      ...ringSnapshot(this.#parts, {
        quorum: config.quorum,
        leaving: this.#leaving,
        heldBack: this.#parts?.intake.heldBack ?? [],
      }),
    }));
  }

  async start(): Promise<BoundPorts> {
    const { files } = this.context;
    this.#listener = await this.#listen();
    const { local } = this.#listener;
    const self = formatEndpoint(local);
    const folder = await files.folder(this.config.files || `ring-${local.port}`);
    const store = await ItemStore.open(folder, self, this.context);
    this.#parts = this.#assemble(self, store, await readRing(folder));
    this.#door.open(this.#parts);
    const { intake } = this.#parts;
    store.watch(
      (item) => this.#background('A file put here', intake.droppedIn(item)),
      (name) => {
        this.#background(`Getting "${name}" back`, intake.lostFromDisk(name));
        this.#changed();
      },
    );
    this.#parts.membership.start();
    this.#changed();
    return { tcp: local.port };
  }

  async drain(): Promise<void> {
    this.#leave();
    this.#changed();
    await this.#door.idle();
    await this.#parts?.membership.leave();
    await this.#listener?.close();
  }

  async stop(): Promise<void> {
    this.#leave();
    await this.#listener?.close();
    this.#parts?.membership.close();
    this.#parts?.seed.close();
    this.#door.close();
    await this.#parts?.store.close();
  }

  /** The seed takes the next free port, and 127.0.1.1 where only some systems have it. */
  async #listen(): Promise<Listener> {
    const { net, log } = this.context;
    let { host, port } = this.config;
    for (let tried = 1; ; tried++) {
      try {
        return await net.listen({ host, port }, (connection) => this.#door.accept(connection));
      } catch (error) {
        const { code } = error as { code?: string };
        if (code === 'EADDRNOTAVAIL' && host.startsWith('127.') && host !== '127.0.0.1') {
          log.warn(`${host} is no address of this machine: 127.0.0.1 is used instead.`);
          host = '127.0.0.1';
        } else if (code === 'EADDRINUSE' && this.config.nextFreePort && tried < PORTS_TRIED) port++;
        else throw error;
      }
    }
  }

  #assemble(self: string, store: ItemStore, saved: SavedRing): Parts {
    const { config, context } = this;
    const { log, telemetry } = context;
    const announce = (): void => this.#background('Telling the others', this.#announce());
    const changed = (): void => this.#changed();
    const sender = new PlainSender(context, PLAIN_TIMEOUT_MS);
    const membership = new Membership(self, saved, config, context, sender, {
      announce,
      changed,
      lost: () => rounds.resendAll(),
      contentDigest: () => store.table.digest,
      contentDiffers: (address) => void replication.reconcile(address),
      event: (type, text, subject, level) => telemetry.event({ type, text, subject, level }),
    });
    const rounds: Rounds = new Rounds(
      membership,
      context,
      config,
      (message, content) => this.#atThisMember(message, content),
      changed,
    );
    const replication = new Replication(store, membership, rounds, config, context, changed);
    const seed: SeedCircle = new SeedCircle(membership, sender, context, config, (item) =>
      intake.tooLong(item),
    );
    const intake = new Intake({ store, membership, replication, seed }, config, context);
    const put = (incoming: Incoming, name: string): Promise<string> => intake.put(incoming, name);
    const checkContent = (name: string): Promise<void> => intake.checkContent(name);
    const clients = new ClientRequests(store, replication, put, checkContent);
    const members = new MemberRequests(
      { store, membership, replication, rounds },
      { log, announce, checkContent },
    );
    const plain = new PlainRequests({ store, membership, replication, seed }, config, {
      log,
      telemetry,
      leaving: () => this.#leaving,
      put,
      checkContent,
      changed,
    });
    const file = new RingFile(store.folder, membership, log);
    return { store, membership, rounds, replication, seed, intake, clients, members, plain, file };
  }

  get #ring(): Parts {
    if (!this.#parts) throw new Error('The member has not started.');
    return this.#parts;
  }

  /** Tells everybody the table; at most one such round at a time, and one more if it changed meanwhile. */
  async #announce(): Promise<void> {
    if (this.#announcing !== 'no') {
      this.#announcing = 'again';
      return;
    }
    do {
      this.#announcing = 'yes';
      const { membership, rounds, seed } = this.#ring;
      const before = membership.table.digest;
      const [round] = await Promise.all([
        rounds.run({ kind: 'update', members: membership.table.records }, UPDATE_TIMEOUT_MS),
        seed.update(),
      ]);
      membership.merge(round.message?.members);
      if (membership.table.digest !== before) this.#announcing = 'again';
    } while ((this.#announcing as string) === 'again' && !this.#leaving);
    this.#announcing = 'no';
  }

  async #atThisMember(message: Travelling, content: Uint8Array | undefined): Promise<void> {
    const { membership, replication } = this.#ring;
    this.context.telemetry.trace(
      'in',
      'tcp',
      { host: message.creator, port: 0 },
      () => `${message.kind} ${message.item?.name ?? message.name ?? ''} seen by ${message.seen.length}`,
    );
    if (message.kind !== 'update') return replication.handle(message, content);
    membership.merge(message.members);
    message.members = membership.table.records;
  }

  #leave(): void {
    this.#leaving = true;
    this.#parts?.file.close();
  }

  #background(what: string, work: Promise<unknown>): void {
    inBackground(this.context.log, what, work);
  }

  #changed(): void {
    this.#published.changed();
    void this.#parts?.file.save();
  }
}

interface Parts {
  store: ItemStore;
  membership: Membership;
  rounds: Rounds;
  replication: Replication;
  seed: SeedCircle;
  clients: ClientRequests;
  members: MemberRequests;
  plain: PlainRequests;
  intake: Intake;
  file: RingFile;
}
