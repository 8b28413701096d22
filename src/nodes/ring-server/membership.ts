import { isMemberRecord, type MemberRecord, MemberTable } from '../../protocol/ring-members';
import { MAX_RINGS } from '../../protocol/ring-messages';
import type { NodeContext, Timer } from '../../runtime/context';
import { inBackground } from '../shared/background';
import type { PeerLink } from '../shared/ring/peer-link';
import type { PlainSender } from '../shared/ring/plain';
import type { RingConfig } from './manifest';
import { type MemberKind, MemberKinds } from './member-kinds';
import { MemberLinks } from './member-links';
import type { SavedRing } from './ring-file';

/** Pause between two attempts to join, ms: grows to the second. */
const JOIN_RETRY_MS = [500, 5000] as const;
export interface MembershipHooks {
  /** The table changed here first: the others must be told. */
  announce(): void;
  /** The table or a state changed. */
  changed(): void;
  /** A member was removed: messages that were on their way through it may be lost. */
  lost(address: string): void;
  contentDigest(): string;
  /** The neighbour holds other content. */
  contentDiffers(address: string): void;
  event(type: string, text: string, subject: string, level: 'info' | 'good' | 'warning' | 'bad'): void;
}

/**
 * Keeps this member in the ring: joins, watches the next neighbour, removes the dead, finds those who
 * come back.
 *
 * A removed member is tried again for ever, one at a time. That is what heals a partition: both halves have
 * removed each other, and the first that gets through exchanges tables, in which each finds itself declared dead
 * and contradicts.
 */
export class Membership {
  readonly table: MemberTable;
  /** Names of the circle; see `#sameRing`. */
  readonly rings: Set<string>;
  joining: boolean;
  detail: string | undefined;
  readonly #kinds: MemberKinds;
  readonly #links: MemberLinks;
  readonly #verifying = new Map<string, Promise<void>>();
  readonly #timers = new Set<Timer>();
  #nextDead = 0;
  #checking = false;
  #closed = false;

  constructor(
    readonly self: string,
    saved: SavedRing,
    readonly config: RingConfig,
    readonly context: NodeContext,
    readonly plain: PlainSender,
    readonly hooks: MembershipHooks,
  ) {
    this.#kinds = new MemberKinds(plain, context.clock, config);
    this.#links = new MemberLinks(context, config.silentMs, {
      greet: (link, address) => this.#greet(link, address),
      broken: (address) => {
        // A killed program's system closes its connections: the fastest news there is.
        if (this.#closed || !this.table.isAlive(address)) return;
        inBackground(context.log, `Looking at ${address}`, this.verify(address));
      },
    });
    this.table = new MemberTable(self);
    this.table.merge(saved.members);
    this.rings = new Set(saved.rings);
    this.joining = config.prev !== null;
    if (!this.joining) this.nameRing();
  }

  start(): void {
    const { checkMs, retryDeadMs } = this.config;
    this.#repeat(checkMs, () => this.check());
    this.#repeat(retryDeadMs, () => this.#retryOneDead());
    if (this.config.prev) void this.#join(`${this.config.prev.host}:${this.config.prev.port}`);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#links.close();
  }

  /** The neighbour that the seed's messages go to: the next live member, ours or foreign. */
  get next(): string | undefined {
    return this.table.after(this.self)[0];
  }

  isOurs(address: string): boolean {
    return this.#kinds.get(address) === 'ours';
  }

  /** As far as it has shown; see `kindOf` for a look. */
  knownKind(address: string): MemberKind | undefined {
    return this.#kinds.get(address);
  }

  /** These have passed on a message that only our members have. */
  metOurs(addresses: readonly string[]): void {
    if (this.config.strict) return;
    for (const address of addresses) {
      if (this.table.isAlive(address)) this.#kinds.showedOurs(address);
    }
  }

  get foreign(): string[] {
    return this.table.alive.filter(
      (address) => address !== this.self && this.#kinds.get(address) === 'foreign',
    );
  }

  /** The same, after a look at those that have not shown yet what they are. */
  async lookForForeign(): Promise<string[]> {
    await Promise.all(this.table.after(this.self).map((address) => this.kindOf(address)));
    return this.foreign;
  }

  /** Whether it is one of ours, asking it where that is not known. A member that is gone is removed. */
  async kindOf(address: string): Promise<MemberKind | null> {
    if (this.#kinds.inDoubt(address) && this.table.isAlive(address)) await this.verify(address);
    return this.table.isAlive(address) ? (this.#kinds.get(address) ?? null) : null;
  }

  /** A link to a member of ours, made when there is none. @throws when it cannot be had */
  link(address: string): Promise<PeerLink> {
    return this.#links.to(address);
  }

  /** The seed's INSERT: a new member wants to come after this one. */
  insert(address: string): void {
    if (address === this.self) return;
    if (this.table.insert(address, this.self)) {
      this.#forget(address);
      this.hooks.event('member-joined', `${address} joins after this member.`, address, 'good');
    }
    // Also one that is in already: it asks because it has not heard of it.
    this.hooks.announce();
    this.hooks.changed();
  }

  /** Merges what another member of ours knows. @returns whether anything changed */
  merge(records: unknown): boolean {
    if (!Array.isArray(records)) return false;
    const before = new Set(this.table.alive);
    const changed = this.table.merge(records.filter(isMemberRecord) as MemberRecord[]);
    if (!changed) return false;
    for (const address of this.table.alive) {
      if (!before.has(address))
        this.hooks.event('member-joined', `${address} is in the ring.`, address, 'good');
    }
    for (const address of before) {
      if (this.table.isAlive(address)) continue;
      this.#forget(address);
      this.hooks.event('member-gone', `${address} is out of the ring.`, address, 'warning');
      this.hooks.lost(address);
    }
    this.#joined();
    this.hooks.changed();
    return true;
  }

  /**
   * A foreign member's list. It has no versions, so nothing in it is believed without a look: who is
   * missing from it is removed only if gone, who was thought dead is taken back only if there.
   */
  async considerList(list: readonly string[], creator: string): Promise<void> {
    let predecessor = list.at(-1) ?? creator;
    for (const address of list) {
      const known = this.table.get(address);
      if (!known) this.table.insert(address, this.table.get(predecessor) ? predecessor : this.self);
      else if (known.state !== 'alive' && (await this.#isMember(address))) this.table.revive(address);
      predecessor = address;
    }
    const missing = this.table.alive.filter((address) => address !== this.self && !list.includes(address));
    await Promise.all(missing.map((address) => this.verify(address)));
    if (this.rings.size === 0) this.nameRing();
    this.#joined();
    this.hooks.changed();
    const same =
      list.length === this.table.alive.length && list.every((address) => this.table.isAlive(address));
    if (!same) this.hooks.announce();
  }

  /** Greets a member of ours that opens a link. @throws Error when it belongs to another ring */
  welcome(from: string, rings: unknown): Record<string, unknown> {
    const theirs = Array.isArray(rings)
      ? rings.filter((ring) => typeof ring === 'string').slice(0, MAX_RINGS)
      : [];
    if (!this.joining && !this.table.isAlive(from) && !this.#sameRing(theirs)) {
      throw new Error('this member belongs to another ring');
    }
    this.#kinds.showedOurs(from);
    this.#adoptRings(theirs);
    return { rings: [...this.rings], members: this.table.records };
  }

  /** Looks at a member, and removes it when it is gone. Many callers at once cost one look. */
  verify(address: string): Promise<void> {
    let verifying = this.#verifying.get(address);
    if (!verifying) {
      verifying = this.#verify(address).finally(() => this.#verifying.delete(address));
      this.#verifying.set(address, verifying);
    }
    return verifying;
  }

  /** Looks at the next neighbour now: alive? the same list? the same content? */
  async check(): Promise<void> {
    const { next } = this;
    this.#links.dropIdle(next);
    if (next === undefined || this.#checking) return;
    this.#checking = true;
    try {
      if (this.#kinds.get(next) !== 'ours') await this.verify(next);
      if (this.#kinds.get(next) === 'ours' && this.table.isAlive(next)) await this.#compare(next);
    } finally {
      this.#checking = false;
    }
  }

  /** Takes this member out of the circle, and tells the next of ours, who tells the others. */
  async leave(): Promise<void> {
    const others = this.table.after(this.self);
    this.table.remove(this.self, 'left');
    const heir = others.find((address) => this.isOurs(address));
    if (!heir) return;
    await this.#exchange(heir).catch((error) => {
      this.context.log.debug(`${heir} was not told: ${(error as Error).message}`);
    });
  }

  /** Gives the circle a name, so that members of other rings at known addresses are told apart. */
  nameRing(): void {
    if (this.rings.size > 0) return;
    this.rings.add(Math.floor(this.context.random() * 2 ** 52).toString(36));
    this.hooks.changed();
  }

  async #compare(next: string): Promise<void> {
    try {
      const link = await this.link(next);
      const { header } = await link.request({ op: 'check', from: this.self }, this.config.silentMs);
      if (header.members !== this.table.digest) await this.#exchange(next);
      this.#joined();
      if (header.content !== this.hooks.contentDigest()) this.hooks.contentDiffers(next);
    } catch {
      await this.verify(next);
    }
  }

  /** Both tables end as the greater of the two. */
  async #exchange(address: string): Promise<void> {
    const link = await this.link(address);
    const request = { op: 'exchange', from: this.self, members: this.table.records };
    const { header } = await link.request(request, this.config.silentMs);
    if (this.merge(header.members)) this.hooks.announce();
  }

  async #greet(link: PeerLink, address: string): Promise<void> {
    const hello = { op: 'hello', from: this.self, rings: [...this.rings] };
    try {
      const { header } = await link.request(hello, this.config.silentMs);
      this.#adoptRings(header.rings);
      if (this.merge(header.members)) this.hooks.announce();
    } catch (error) {
      if ((error as { code?: string }).code === 'REFUSED') this.#dead(address, 'belongs to another ring');
      throw error;
    }
  }

  async #verify(address: string): Promise<void> {
    const why = await this.#kinds.whyGone(address);
    if (why !== null && !this.#closed) this.#dead(address, why);
  }

  #dead(address: string, why: string): void {
    if (address === this.self || !this.table.remove(address, 'dead')) return;
    this.#forget(address);
    this.hooks.event('member-dead', `${address} ${why}: it is removed from the ring.`, address, 'bad');
    this.hooks.lost(address);
    this.hooks.announce();
    this.hooks.changed();
  }

  #forget(address: string): void {
    this.#kinds.forget(address);
    this.#links.drop(address);
  }

  async #retryOneDead(): Promise<void> {
    const dead = this.table.records.filter(({ state }) => state === 'dead');
    const record = dead[this.#nextDead++ % Math.max(1, dead.length)];
    if (!record) return;
    if (!(await this.#isMember(record.address)) || this.#closed) return;
    if (this.isOurs(record.address)) {
      await this.#exchange(record.address).catch((error) => {
        this.context.log.debug(`${record.address} is there, but: ${(error as Error).message}`);
      });
    } else if (this.table.revive(record.address)) {
      this.hooks.event('member-back', `${record.address} is back.`, record.address, 'good');
      this.hooks.announce();
      this.hooks.changed();
    }
  }

  #isMember(address: string): Promise<boolean> {
    return this.#kinds.isRingServer(address, (rings) => this.#sameRing(rings));
  }

  /** A circle keeps the names of all circles that have grown into it; one in common is enough. */
  #sameRing(theirs: readonly string[]): boolean {
    return theirs.length === 0 || this.rings.size === 0 || theirs.some((ring) => this.rings.has(ring));
  }

  #adoptRings(theirs: unknown): void {
    if (!Array.isArray(theirs)) return;
    const before = this.rings.size;
    for (const ring of theirs) {
      if (typeof ring === 'string' && ring.length <= 64 && this.rings.size < MAX_RINGS) this.rings.add(ring);
    }
    if (this.rings.size === before) return;
    this.#joined();
    this.hooks.changed();
  }

  async #join(predecessor: string): Promise<void> {
    const [first, last] = JOIN_RETRY_MS;
    for (let pause: number = first; this.joining && !this.#closed; pause = Math.min(pause * 2, last)) {
      try {
        await this.plain.send(predecessor, { type: 'INSERT', data: this.self });
        this.detail = `waiting for ${predecessor} to let it in`;
      } catch (error) {
        this.detail = `${predecessor} cannot be reached: ${(error as Error).message}`;
      }
      this.hooks.changed();
      await new Promise<void>((resolve) => {
        const timer = this.context.clock.after(pause, () => {
          this.#timers.delete(timer);
          resolve();
        });
        this.#timers.add(timer);
      });
    }
  }

  /**
   * Others know this member, and it knows them, and one of them is in a circle with a name. Two that only wait
   * behind each other have none yet, and go on asking to be let in.
   */
  #joined(): void {
    if (!this.joining || this.table.alive.length < 2 || this.rings.size === 0) return;
    this.joining = false;
    this.detail = undefined;
    this.hooks.event('joined', `In a ring of ${this.table.alive.length}.`, this.self, 'good');
  }

  /** A little apart from the others, so that members do not look in the same instant for ever. */
  #repeat(ms: number, run: () => Promise<void>): void {
    if (this.#closed) return;
    const timer = this.context.clock.after(ms * (0.9 + 0.2 * this.context.random()), () => {
      this.#timers.delete(timer);
      const done = run().finally(() => this.#repeat(ms, run));
      inBackground(this.context.log, 'A check', done);
    });
    this.#timers.add(timer);
  }
}
