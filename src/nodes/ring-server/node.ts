import { createHash } from 'node:crypto';
import { formatEndpoint } from '../../contract/endpoint';
import { MAX_BODY, PREAMBLE } from '../../protocol/ring-frames';
import {
  encodeCheckReply,
  encodeMessage,
  FOREIGN_LIMIT,
  JsonReader,
  NOT_FOUND,
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
import { type Answer, servePeer } from '../shared/ring/peer-link';
import { PlainSender } from '../shared/ring/plain';
import { ClientRequests } from './client-requests';
import type { RingConfig, RingSnapshot } from './manifest';
import { Membership } from './membership';
import { Replication } from './replication';
import { parseTravelling, Rounds, type Travelling } from './rounds';
import { SeedCircle } from './seed-circle';
import { type Incoming, ItemStore, type ItemVersion, isItemVersion, type SavedRing } from './store';

/** The longest message of the seed that is taken, bytes. */
const MAX_PLAIN = 16 * 1024 * 1024;
/** A client that says nothing for so long is dropped, ms. */
const IDLE_MS = 15_000;
/** A foreign member that takes the seed's messages may take so long, ms. */
const PLAIN_TIMEOUT_MS = 2000;
/** Ports that are tried when the first is taken. */
const PORTS_TRIED = 200;
/** For an update to go round, ms. */
const UPDATE_TIMEOUT_MS = 5000;
const MAX_LISTED_MEMBERS = 200;
const MAX_LISTED_ITEMS = 1000;
const MAX_HELD_BACK = 20;
/** What a JSON message says instead of a content that it cannot hold. */
const NOT_TEXT = '406 NOT TEXT, OR TOO LONG: USE micro-cdn ring-client';
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
    this.#published = context.telemetry.publish(() => ({ ...this.#snapshot() }));
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
    const plain = new PlainSender(context, PLAIN_TIMEOUT_MS);
    const membership = new Membership(self, saved, config, context, plain, {
      announce: () => this.#background('Telling the others', this.#announce()),
      changed: () => this.#changed(),
      lost: () => rounds.resendAll(),
      contentDigest: () => store.digest,
      contentDiffers: (address) => void replication.reconcile(address),
      event: (type, text, subject, level) => context.telemetry.event({ type, text, subject, level }),
    });
    const rounds: Rounds = new Rounds(
      membership,
      context,
      config,
      (message, content) => this.#atThisMember(message, content),
      () => this.#changed(),
    );
    const replication = new Replication(store, membership, rounds, config, context, () => this.#changed());
    const seed = new SeedCircle(membership, plain, context, config, (item) => this.#holdBack(item, TOO_LONG));
    const clients = new ClientRequests(
      store,
      replication,
      (incoming, name) => this.#put(incoming, name),
      (name) => this.#checkContent(name),
    );
    return { store, membership, rounds, replication, seed, clients };
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
      const reply = await this.#answerPlain(message);
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

  /** The seed's messages. @returns the reply, or null where the seed has none */
  async #answerPlain(message: RingMessage): Promise<string | null> {
    const { membership, seed } = this.#ring;
    if ('creator' in message) {
      if (!seed.returned(message)) this.#background(message.type, this.#circular(message));
      return null;
    }
    switch (message.type) {
      case 'INSERT':
        membership.insert(message.data);
        return null;
      case 'CHECK':
        return this.config.strict || this.#leaving
          ? null
          : encodeCheckReply({ address: membership.self, rings: [...membership.rings] });
      case 'GET':
        return typeof message.data === 'string' ? this.#get(message.data) : null;
      case 'PUT':
        return 'content' in message.data ? this.#putText(message.data.item, message.data.content) : null;
    }
  }

  async #get(item: string): Promise<string> {
    const { replication, seed } = this.#ring;
    this.context.telemetry.count('gets');
    const found = await replication.find(item);
    const content = found ? await this.#textOfItem(found) : ((await seed.get(item)) ?? NOT_FOUND);
    return encodeMessage({ type: 'GET', data: { item, content } });
  }

  /** The content for a JSON message. One that is damaged on this disk is got from the others first. */
  async #textOfItem({ name, size, sha256 }: ItemVersion): Promise<string> {
    if (size > MAX_PLAIN) return NOT_TEXT;
    const { store } = this.#ring;
    const bytes = await store.read(name).catch(() => null);
    if (bytes && createHash('sha256').update(bytes).digest('hex') === sha256)
      return textOf(bytes) ?? NOT_TEXT;
    await this.#checkContent(name);
    return store.get(name) ? (textOf(await store.read(name)) ?? NOT_TEXT) : NOT_FOUND;
  }

  async #putText(item: string, content: string): Promise<string> {
    const incoming = await this.#ring.store.receive();
    await incoming.write(Buffer.from(content, 'utf8'));
    return encodeMessage({ type: 'PUT', data: { item, status: await this.#put(incoming, item) } });
  }

  async #circular(message: Extract<RingMessage, { creator: string }>): Promise<void> {
    const { membership, seed, store } = this.#ring;
    // From one of ours, the same comes by a link as well, with versions: only the foreign need this one.
    const foreign = !membership.isOurs(message.creator);
    if (!('item' in message.data)) {
      await seed.passOn(message);
      if (foreign) await membership.considerList(message.data, message.creator);
      return;
    }
    const { item, content } = message.data;
    const own = store.get(item);
    if (message.type === 'FORWARD_GET' && own && own.size <= MAX_PLAIN) {
      const text = textOf(await store.read(item));
      if (text !== null) return seed.passOn({ ...message, data: { item, content: text } });
    }
    if (message.type === 'FORWARD_PUT' && foreign)
      await this.#storeFromForeign(item, content, message.creator);
    return seed.passOn(message);
  }

  /** Each member of ours gets it by itself as it goes round: the same content makes no new version. */
  async #storeFromForeign(item: string, content: string, creator: string): Promise<void> {
    const { store } = this.#ring;
    const own = store.get(item);
    if (own && own.size <= MAX_PLAIN && textOf(await store.read(item)) === content) return;
    const incoming = await store.receive();
    await incoming.write(Buffer.from(content, 'utf8'));
    await store.commit(incoming, item, { version: (own?.version ?? 0) + 1, by: creator });
    this.#changed();
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
      return this.#memberRequest(header, body, member);
    });
  }

  async #memberRequest(header: Record<string, unknown>, body: Uint8Array, from: string): Promise<Answer> {
    const { membership, rounds, replication, store } = this.#ring;
    switch (header.op) {
      case 'check':
        return { header: { members: membership.table.digest, content: store.digest } };
      case 'exchange':
        if (membership.merge(header.members)) this.#background('Telling the others', this.#announce());
        return { header: { members: membership.table.records } };
      case 'pass': {
        const message = parseTravelling(header.message);
        if (!message) throw new Error('this is no message');
        rounds.receive(message, body.length > 0 ? Uint8Array.from(body) : undefined);
        return { header: {} };
      }
      case 'digests':
        return { header: { buckets: store.bucketDigests } };
      case 'items':
        return { header: { items: [...store.itemsOf(Number(header.bucket))] } };
      case 'offer': {
        const items = Array.isArray(header.items) ? header.items.filter(isItemVersion) : [];
        void replication.accept(items, from).then(
          (received) => (received > 0 ? membership.check() : undefined),
          (error) => this.context.log.debug(`${from} offers what it does not give: ${error.message}`),
        );
        return { header: {} };
      }
      case 'quorum':
        if (isItemVersion(header.item)) replication.quorumReached(header.item);
        return { header: {} };
      case 'damaged':
        if (typeof header.name === 'string') this.#background('A check', this.#checkContent(header.name));
        return { header: {} };
      case 'read':
        return { header: {}, body: await this.#readPiece(header) };
      default:
        throw new Error(`"${String(header.op)}" is not known here`);
    }
  }

  async #readPiece({ name, version, by, offset }: Record<string, unknown>): Promise<Uint8Array> {
    const { store } = this.#ring;
    const item = typeof name === 'string' ? store.get(name) : undefined;
    if (!item || item.version !== version || item.by !== by) throw new Error('this version is not here');
    const position = Number(offset);
    if (!Number.isSafeInteger(position) || position < 0) throw new Error('a piece begins at a number');
    const file = await store.open(item.name);
    try {
      const piece = Buffer.allocUnsafe(Math.min(MAX_BODY, Math.max(0, item.size - position)));
      const read = await file.read(piece, position);
      return piece.subarray(0, read);
    } finally {
      await file.close();
    }
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

  #listedMembers(): RingSnapshot['members'] {
    const { membership } = this.#ring;
    const { table, self } = membership;
    const gone = table.records.filter(({ state }) => state !== 'alive').map(({ address }) => address);
    return [...table.alive, ...gone].slice(0, MAX_LISTED_MEMBERS).flatMap((address) => {
      const record = table.get(address);
      const program = address === self ? 'ours' : membership.knownKind(address);
      if (!record) return [];
      return [
        { address, state: record.state, incarnation: record.incarnation, ...(program ? { program } : {}) },
      ];
    });
  }

  #snapshot(): RingSnapshot {
    if (!this.#parts) {
      return {
        address: '',
        state: 'alone',
        list: [],
        members: [],
        items: 0,
        bytes: 0,
        contentDigest: '',
        travelling: [],
        roundMs: [],
        quorum: this.config.quorum || 'all',
        heldBack: [],
      };
    }
    const { membership, rounds, store } = this.#parts;
    const { table, joining, detail, next } = membership;
    const state = this.#leaving
      ? 'leaving'
      : joining
        ? 'joining'
        : table.alive.length > 1
          ? 'member'
          : 'alone';
    return {
      address: membership.self,
      state,
      ...(detail ? { detail } : {}),
      list: [...table.alive],
      ...(next ? { next } : {}),
      members: this.#listedMembers(),
      items: store.count,
      bytes: store.bytes,
      contentDigest: store.digest,
      travelling: rounds.travelling,
      roundMs: rounds.times,
      quorum: this.config.quorum || 'all',
      heldBack: [...this.#heldBack],
    };
  }
}

interface Parts {
  store: ItemStore;
  membership: Membership;
  rounds: Rounds;
  replication: Replication;
  seed: SeedCircle;
  clients: ClientRequests;
}

/** The bytes as text, where they are UTF-8: a JSON message can hold nothing else. */
function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
