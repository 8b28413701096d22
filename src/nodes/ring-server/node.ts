import { formatEndpoint } from '../../contract/endpoint';
import { PREAMBLE } from '../../protocol/ring-frames';
import {
  FOREIGN_LIMIT,
  JsonReader,
  parseMessage,
  type RingMessage,
  STORED,
} from '../../protocol/ring-messages';
import type {
  BoundPorts,
  Connection,
  CreateNode,
  Listener,
  NodeContext,
  NodeProgram,
} from '../../runtime/context';
import { inBackground } from '../shared/background';
import { servePeer } from '../shared/ring/peer-link';
import { PlainSender } from '../shared/ring/plain';
import { ClientRequests } from './client-requests';
import type { RingConfig, RingSnapshot } from './manifest';
import { MemberRequests } from './member-requests';
import { Membership } from './membership';
import { MAX_PLAIN, PlainRequests, textOf } from './plain-requests';
import { Replication } from './replication';
import { Rounds, type Travelling } from './rounds';
import { SeedCircle } from './seed-circle';
import { ringSnapshot } from './snapshot';
import { type Incoming, ItemStore, type ItemVersion, type SavedRing } from './store';

/** A client that says nothing for so long is dropped, ms. */
const IDLE_MS = 15_000;
/** A foreign member that takes the seed's messages may take so long, ms. */
const PLAIN_TIMEOUT_MS = 2000;
/** Ports that are tried when the first is taken. */
const PORTS_TRIED = 200;
/** For an update to go round, ms. */
const UPDATE_TIMEOUT_MS = 5000;
const MAX_LISTED_ITEMS = 1000;
const MAX_HELD_BACK = 20;
const TOO_LONG = `it is longer than the ${FOREIGN_LIMIT} bytes that they read`;

export const createNode: CreateNode<RingConfig> = (config, context) => new RingServer(config, context);

class RingServer implements NodeProgram {
  readonly #connections = new Set<Connection>();
  readonly #published: { changed(): void };
  readonly #heldBack: RingSnapshot['heldBack'] = [];
  #listener: Listener | undefined;
  #parts: Parts | undefined;
  #serving = 0;
  #leaving = false;
  #announcing: 'no' | 'yes' | 'again' = 'no';
  #whenIdle: (() => void) | undefined;
  #saved = '';
  #saving = false;

  readonly operations = { items: () => [...(this.#parts?.store.itemsOf() ?? [])].slice(0, MAX_LISTED_ITEMS) };

  constructor(
    readonly config: RingConfig,
    readonly context: NodeContext,
  ) {
    this.#published = context.telemetry.publish(() => ({
      ...ringSnapshot(this.#parts, {
        quorum: config.quorum,
        leaving: this.#leaving,
        heldBack: this.#heldBack,
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
    this.#parts = this.#assemble(self, store, await store.savedRing());
    store.watch(
      (item) => this.#background('A file put here', this.#droppedIn(item)),
      (name) => this.#lostFromDisk(name),
    );
    this.#parts.membership.start();
    this.#changed();
    return { tcp: local.port };
  }

  async drain(): Promise<void> {
    this.#leaving = true;
    this.#changed();
    if (this.#serving > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await this.#parts?.membership.leave();
    await this.#listener?.close();
  }

  async stop(): Promise<void> {
    this.#leaving = true;
    await this.#listener?.close();
    this.#parts?.membership.close();
    this.#parts?.seed.close();
    for (const connection of this.#connections) connection.destroy();
    this.#whenIdle?.();
    await this.#parts?.store.close();
  }

  /** The seed takes the next free port, and 127.0.1.1 where only some systems have it. */
  async #listen(): Promise<Listener> {
    const { net, log } = this.context;
    const accept = (connection: Connection): void => this.#accept(connection);
    let { host, port } = this.config;
    for (let tried = 1; ; tried++) {
      try {
        return await net.listen({ host, port }, accept);
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
      contentDigest: () => store.digest,
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
    const seed = new SeedCircle(membership, sender, context, config, (item) =>
      this.#holdBack(item, TOO_LONG),
    );
    const put = (incoming: Incoming, name: string): Promise<string> => this.#put(incoming, name);
    const checkContent = (name: string): Promise<void> => this.#checkContent(name);
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
    return { store, membership, rounds, replication, seed, clients, members, plain };
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

  /** Stores at all members, ours and foreign. @returns the status for the client */
  async #put(incoming: Incoming, name: string): Promise<string> {
    const { membership, replication } = this.#ring;
    const { item, stored, complete } = await replication.put(incoming, name);
    this.context.telemetry.count('puts');
    const foreign = await membership.lookForForeign();
    const taken = foreign.length === 0 || (await this.#giveToForeign(item));
    if (complete && taken) return STORED;
    const of = membership.table.alive.length;
    const { quorum } = this.config;
    if (quorum > 0 && stored >= quorum) return STORED;
    this.context.log.warn(`"${name}" is on ${stored} of ${of} members.`);
    return `206 STORED ON ${stored} OF ${of}`;
  }

  async #giveToForeign({ name, size }: ItemVersion): Promise<boolean> {
    const { seed, store } = this.#ring;
    const content = size < FOREIGN_LIMIT ? textOf(await store.read(name)) : '';
    if (size < FOREIGN_LIMIT && content !== null) return seed.put({ item: name, content });
    this.#holdBack(name, content === null ? 'not text, which is all that foreign members hold' : TOO_LONG);
    return false;
  }

  #holdBack(item: string, reason: string): void {
    this.#heldBack.push({ item, reason });
    if (this.#heldBack.length > MAX_HELD_BACK) this.#heldBack.shift();
    const text = `Foreign members do not get "${item}": ${reason}.`;
    this.context.telemetry.event({ type: 'held-back', text, subject: item, level: 'warning' });
  }

  #accept(connection: Connection): void {
    this.#connections.add(connection);
    connection.setIdle(IDLE_MS, () => connection.destroy());
    let head = Buffer.alloc(0);
    let take: ((bytes: Uint8Array) => void) | undefined;
    const upload = { close: async () => {} };
    connection.handle({
      data: (bytes) => {
        if (take) return take(bytes);
        head = Buffer.concat([head, bytes]);
        if (head[0] !== PREAMBLE.charCodeAt(0)) take = this.#servePlain(connection);
        else if (head.length < PREAMBLE.length) return;
        else if (head.toString('latin1', 0, PREAMBLE.length) === PREAMBLE && !this.config.strict) {
          take = this.#serveLink(connection, upload);
          head = head.subarray(PREAMBLE.length);
        } else return connection.destroy();
        if (head.length > 0) take(head);
      },
      close: () => {
        this.#connections.delete(connection);
        this.#background('An upload', upload.close());
      },
    });
  }

  #servePlain(connection: Connection): (bytes: Uint8Array) => void {
    const reader = new JsonReader(MAX_PLAIN);
    return (bytes) => {
      const usable = reader.push(bytes, (text) => {
        this.context.telemetry.trace('in', 'tcp', connection.remote, () => text.slice(0, 300));
        const message = parseMessage(text);
        if (message) void this.#plain(message, connection);
        else connection.destroy();
      });
      if (!usable) connection.destroy();
    };
  }

  async #plain(message: RingMessage, connection: Connection): Promise<void> {
    this.#serving++;
    try {
      const reply = await this.#ring.plain.answer(message);
      if (reply !== null)
        this.context.telemetry.trace('out', 'tcp', connection.remote, () => reply.slice(0, 300));
      if (reply === null) connection.end();
      else connection.end(reply);
    } catch (error) {
      this.context.log.warn(`${message.type} failed: ${(error as Error).message}`);
      connection.destroy();
    } finally {
      this.#serving--;
      if (this.#serving === 0) this.#whenIdle?.();
    }
  }

  /** Requests of other members of ours, and of our clients. */
  #serveLink(connection: Connection, upload: { close(): Promise<void> }): (bytes: Uint8Array) => void {
    let member: string | undefined;
    const client = this.#ring.clients.session();
    upload.close = () => client.close();
    return servePeer(connection, async ({ header, body }) => {
      const { op } = header;
      if (op === 'hello' && typeof header.from === 'string') {
        const welcome = this.#ring.membership.welcome(header.from, header.rings);
        member = header.from;
        return { header: welcome };
      }
      if (typeof op === 'string' && client.knows(op)) {
        this.#serving++;
        return client.handle(op, header, body).finally(() => {
          this.#serving--;
          if (this.#serving === 0) this.#whenIdle?.();
        });
      }
      if (member === undefined) throw new Error('say hello first');
      return this.#ring.members.answer(header, body, member);
    });
  }

  async #droppedIn(item: ItemVersion): Promise<void> {
    const { replication, membership } = this.#ring;
    this.context.telemetry.event({
      type: 'put',
      text: `"${item.name}" was put here.`,
      subject: item.name,
      level: 'info',
    });
    await replication.spread(item);
    if ((await membership.lookForForeign()).length > 0) await this.#giveToForeign(item);
  }

  /** Another member got this item from here, and its hash was wrong. */
  async #checkContent(name: string): Promise<void> {
    const { store, replication } = this.#ring;
    const changed = await store.checkContent(name, () => replication.find(name));
    if (changed) await this.#droppedIn(changed);
  }

  /** The protocol has no deletion: what vanishes here is got back from the others. */
  #lostFromDisk(name: string): void {
    const text = `"${name}" is gone from the folder; it comes back from the other members, if any.`;
    this.context.telemetry.event({ type: 'item-lost', text, subject: name, level: 'warning' });
    this.#background(`Getting "${name}" back`, this.#ring.replication.find(name));
    this.#changed();
  }

  #background(what: string, work: Promise<unknown>): void {
    inBackground(this.context.log, what, work);
  }

  #changed(): void {
    this.#published.changed();
    if (this.#parts && !this.#leaving) void this.#remember();
  }

  /** Saves who is in the ring, when that has changed. */
  async #remember(): Promise<void> {
    const { membership, store } = this.#ring;
    const digest = (): string => `${[...membership.rings].join()} ${membership.table.digest}`;
    if (this.#saving || this.#saved === digest()) return;
    this.#saving = true;
    try {
      while (this.#saved !== digest() && !this.#leaving) {
        const saved = digest();
        await store.saveRing({ rings: [...membership.rings], members: membership.table.records });
        this.#saved = saved;
      }
    } catch (error) {
      // The next change tries again.
      this.context.log.warn(`The ring's members could not be saved: ${(error as Error).message}`);
    } finally {
      this.#saving = false;
    }
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
}
