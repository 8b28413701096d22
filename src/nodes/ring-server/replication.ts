import { MAX_BODY } from '../../protocol/ring-frames';
import type { NodeContext } from '../../runtime/context';
import { inBackground } from '../shared/background';
import type { PeerLink } from '../shared/ring/peer-link';
import type { Incoming } from './incoming';
import { compareVersions, type ItemVersion, isItemVersion } from './item-version';
import type { RingConfig } from './manifest';
import type { Membership } from './membership';
import type { Rounds, Travelling } from './rounds';
import type { ItemStore } from './store';

/** A content of at most this size travels with its message; a larger one is fetched from the neighbour. */
const INLINE_LIMIT = 64 * 1024;
/** For one piece of a content to arrive, ms. */
const READ_TIMEOUT_MS = 10_000;
/** For a PUT to go round: so much, and a millisecond per so many bytes and member. */
const PUT_TIMEOUT_MS = 30_000;
const BYTES_PER_MS = 4096;
/** For a lookup to go round, ms. */
const FIND_TIMEOUT_MS = 5_000;

export interface PutOutcome {
  item: ItemVersion;
  /** Members of ours that have it, this one included. */
  stored: number;
  /** True when that is enough: the quorum, or every live member of ours. */
  complete: boolean;
}

/** Brings every item to every member of ours, and keeps it so. */
export class Replication {
  readonly #fetching = new Map<string, Promise<void>>();
  readonly #reconciling = new Set<string>();
  readonly #quorums = new Map<string, () => void>();

  constructor(
    readonly store: ItemStore,
    readonly membership: Membership,
    readonly rounds: Rounds,
    readonly config: RingConfig,
    readonly context: NodeContext,
    readonly changed: () => void,
  ) {}

  /** Stores a content that arrived here, and resolves when the others have it too. */
  async put(incoming: Incoming, name: string): Promise<PutOutcome> {
    return this.spread(await this.store.commit(incoming, name));
  }

  /** Sends an item of this member round. */
  async spread(item: ItemVersion): Promise<PutOutcome> {
    this.changed();
    const { quorum } = this.config;
    if (quorum === 1) {
      inBackground(this.context.log, `Sending "${item.name}" round`, this.#goRound(item));
      return { item, stored: 1, complete: true };
    }
    const reached = new Promise<'quorum'>((resolve) => {
      this.#quorums.set(quorumKey(item), () => resolve('quorum'));
    });
    try {
      const outcome = await Promise.race([this.#goRound(item), reached]);
      if (outcome === 'quorum') return { item, stored: quorum, complete: true };
      return outcome;
    } finally {
      this.#quorums.delete(quorumKey(item));
    }
  }

  /** The newest version that any live member of ours has, here from now on; undefined when none has it. */
  async find(name: string): Promise<ItemVersion | undefined> {
    const own = this.store.get(name);
    if (own) return own;
    const { message } = await this.rounds.run({ kind: 'find', name }, FIND_TIMEOUT_MS);
    if (!message?.item || message.holder === undefined) return undefined;
    await this.fetch(message.holder, message.item);
    return this.store.get(name);
  }

  /** This member's part in a message that goes round. */
  async handle(message: Travelling, content: Uint8Array | undefined): Promise<void> {
    const { self } = this.membership;
    if (message.kind === 'find' && message.name !== undefined) {
      const own = this.store.get(message.name);
      if (!own || (message.item && compareVersions(own, message.item) <= 0)) return;
      message.item = own;
      message.holder = self;
    }
    if (message.kind === 'put' && message.item) {
      await this.#take(message.item, content, message.holder ?? message.creator);
      message.holder = self;
      if (message.quorum === copiesOf(message)) void this.#tellQuorum(message.creator, message.item);
    }
  }

  /** Another member says that a PUT of ours has reached its quorum. */
  quorumReached(item: ItemVersion): void {
    this.#quorums.get(quorumKey(item))?.();
  }

  /** Gets an item from a member that has it. Many callers at once cost one transfer. */
  fetch(holder: string, item: ItemVersion): Promise<void> {
    const key = quorumKey(item);
    let fetching = this.#fetching.get(key);
    if (!fetching) {
      fetching = this.#fetch(holder, item).finally(() => this.#fetching.delete(key));
      this.#fetching.set(key, fetching);
    }
    return fetching;
  }

  /** Makes the contents of this member and another equal: each gets from the other what it lacks. */
  async reconcile(address: string): Promise<void> {
    if (this.#reconciling.has(address)) return;
    this.#reconciling.add(address);
    try {
      const link = await this.membership.link(address);
      const { header } = await link.request({ op: 'digests' }, READ_TIMEOUT_MS);
      const theirs = Array.isArray(header.buckets) ? header.buckets : [];
      const own = this.store.table.bucketDigests;
      let received = 0;
      for (const [bucket, digest] of own.entries()) {
        if (theirs[bucket] !== digest) received += await this.#reconcileBucket(address, link, bucket);
      }
      // What was new here may be new to the next neighbour as well: it need not wait for the next check.
      if (received > 0) inBackground(this.context.log, 'A check', this.membership.check());
    } catch (error) {
      this.context.log.debug(`The content of ${address} could not be compared: ${(error as Error).message}`);
    } finally {
      this.#reconciling.delete(address);
      this.changed();
    }
  }

  /** Items that another member offers: those that are newer than ours are fetched from it. */
  async accept(items: readonly ItemVersion[], from: string): Promise<number> {
    let received = 0;
    for (const item of items) {
      const own = this.store.get(item.name);
      if (own && compareVersions(item, own) <= 0) continue;
      try {
        await this.fetch(from, item);
        received++;
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        // This item cannot be had there; those behind it can.
        if (code !== 'REFUSED' && code !== 'DAMAGED') throw error;
        this.context.log.debug(`"${item.name}" was not got from ${from}: ${message}`);
      }
    }
    if (received > 0) this.changed();
    return received;
  }

  async #goRound(item: ItemVersion): Promise<PutOutcome> {
    const { table, self } = this.membership;
    const { quorum } = this.config;
    const content = item.size <= INLINE_LIMIT ? await this.store.read(item.name) : undefined;
    const timeout = PUT_TIMEOUT_MS + (item.size * table.alive.length) / BYTES_PER_MS;
    const what = { kind: 'put' as const, item, holder: self, ...(quorum > 1 ? { quorum } : {}) };
    const { message, complete } = await this.rounds.run(what, timeout, content);
    const stored = message ? copiesOf(message) : 1;
    return { item, stored, complete: complete || (quorum > 0 && stored >= quorum) };
  }

  async #take(item: ItemVersion, content: Uint8Array | undefined, holder: string): Promise<void> {
    const own = this.store.get(item.name);
    if (own && compareVersions(item, own) <= 0) return;
    if (content?.length !== item.size) return this.fetch(holder, item);
    await this.#commit(await this.store.receiveWhole(content), item);
  }

  async #fetch(holder: string, item: ItemVersion): Promise<void> {
    const link = await this.membership.link(holder);
    const incoming = await this.store.receive();
    try {
      while (incoming.size < item.size) {
        const request = {
          op: 'read',
          name: item.name,
          version: item.version,
          by: item.by,
          offset: incoming.size,
        };
        const { body } = await link.request(request, READ_TIMEOUT_MS);
        if (body.length === 0 || body.length > MAX_BODY) throw new Error('the content ended early');
        await incoming.write(body);
      }
      await this.#commit(incoming, item);
    } catch (error) {
      await incoming.discard();
      if ((error as { code?: string }).code === 'DAMAGED') {
        await link.request({ op: 'damaged', name: item.name }, READ_TIMEOUT_MS);
      }
      throw error;
    }
  }

  async #commit(incoming: Incoming, item: ItemVersion): Promise<void> {
    const { size, sha256 } = await incoming.close();
    if (size !== item.size || sha256 !== item.sha256) {
      await incoming.discard();
      throw Object.assign(new Error(`"${item.name}" arrived damaged`), { code: 'DAMAGED' });
    }
    await this.store.commit(incoming, item.name, item);
    this.changed();
  }

  async #tellQuorum(creator: string, item: ItemVersion): Promise<void> {
    try {
      await (await this.membership.link(creator)).request({ op: 'quorum', item }, READ_TIMEOUT_MS);
    } catch (error) {
      this.context.log.debug(`${creator} was not told of its quorum: ${(error as Error).message}`);
    }
  }

  async #reconcileBucket(address: string, link: PeerLink, bucket: number): Promise<number> {
    const { header } = await link.request({ op: 'items', bucket }, READ_TIMEOUT_MS);
    const theirs = Array.isArray(header.items) ? header.items.filter(isItemVersion) : [];
    const received = await this.accept(theirs, address);
    const known = new Map(theirs.map((item) => [item.name, item]));
    const offer = this.store.itemsOf(bucket).filter((item) => {
      const other = known.get(item.name);
      return !other || compareVersions(item, other) > 0;
    });
    if (offer.length > 0) {
      await link.request({ op: 'offer', from: this.membership.self, items: offer }, READ_TIMEOUT_MS);
    }
    return received;
  }
}

function quorumKey({ name, version, by }: ItemVersion): string {
  return `${version} ${by} ${name}`;
}

/** How many members have stored what a PUT brought round. */
function copiesOf({ seen, failed }: Travelling): number {
  return seen.length - failed.length;
}
