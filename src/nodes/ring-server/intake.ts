import { FOREIGN_LIMIT, STORED } from '../../protocol/ring-messages';
import type { Log, Telemetry } from '../../runtime/context';
import type { Incoming } from './incoming';
import type { ItemVersion } from './item-version';
import type { RingConfig, RingSnapshot } from './manifest';
import type { Membership } from './membership';
import { textOf } from './plain-requests';
import type { Replication } from './replication';
import type { SeedCircle } from './seed-circle';
import type { ItemStore } from './store';

const MAX_HELD_BACK = 20;
const TOO_LONG = `it is longer than the ${FOREIGN_LIMIT} bytes that they read`;

/** How an item comes into the ring at this member: from a client, or by a hand in its folder. */
export class Intake {
  /** What foreign members could not be given. */
  readonly heldBack: RingSnapshot['heldBack'] = [];

  constructor(
    readonly parts: { store: ItemStore; membership: Membership; replication: Replication; seed: SeedCircle },
    readonly config: Pick<RingConfig, 'quorum'>,
    readonly context: { log: Log; telemetry: Telemetry },
  ) {}

  /** Stores at all members, ours and foreign. @returns the status for the client */
  async put(incoming: Incoming, name: string): Promise<string> {
    const { membership, replication } = this.parts;
    const { item, stored, complete } = await replication.put(incoming, name);
    this.context.telemetry.count('puts');
    const taken = await this.#giveToForeign(item);
    if (complete && taken) return STORED;
    const of = membership.table.alive.length;
    const { quorum } = this.config;
    if (quorum > 0 && stored >= quorum) return STORED;
    this.context.log.warn(`"${name}" is on ${stored} of ${of} members.`);
    return `206 STORED ON ${stored} OF ${of}`;
  }

  /** A person put a file into the folder. */
  async droppedIn(item: ItemVersion): Promise<void> {
    const text = `"${item.name}" was put here.`;
    this.context.telemetry.event({ type: 'put', text, subject: item.name, level: 'info' });
    await this.parts.replication.spread(item);
    await this.#giveToForeign(item);
  }

  /** Another member got this item from here, and its hash was wrong. */
  async checkContent(name: string): Promise<void> {
    const { store, replication } = this.parts;
    const changed = await store.checkContent(name, () => replication.find(name));
    if (changed) await this.droppedIn(changed);
  }

  /** The protocol has no deletion: what vanishes here is got back from the others. */
  async lostFromDisk(name: string): Promise<void> {
    const text = `"${name}" is gone from the folder; it comes back from the other members, if any.`;
    this.context.telemetry.event({ type: 'item-lost', text, subject: name, level: 'warning' });
    await this.parts.replication.find(name);
  }

  tooLong(item: string): void {
    this.#holdBack(item, TOO_LONG);
  }

  /** @returns whether all foreign members have it: true when there are none */
  async #giveToForeign({ name, size }: ItemVersion): Promise<boolean> {
    const { membership, seed, store } = this.parts;
    if ((await membership.lookForForeign()).length === 0) return true;
    const content = size < FOREIGN_LIMIT ? textOf(await store.read(name)) : '';
    if (size < FOREIGN_LIMIT && content !== null) return seed.put({ item: name, content });
    this.#holdBack(name, content === null ? 'not text, which is all that foreign members hold' : TOO_LONG);
    return false;
  }

  #holdBack(item: string, reason: string): void {
    this.heldBack.push({ item, reason });
    if (this.heldBack.length > MAX_HELD_BACK) this.heldBack.shift();
    const text = `Foreign members do not get "${item}": ${reason}.`;
    this.context.telemetry.event({ type: 'held-back', text, subject: item, level: 'warning' });
  }
}
