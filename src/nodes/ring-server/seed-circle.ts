import { createHash } from 'node:crypto';
import {
  encodeMessage,
  FOREIGN_LIMIT,
  type ItemContent,
  NOT_FOUND,
  type RingMessage,
} from '../../protocol/ring-messages';
import type { NodeContext, Timer } from '../../runtime/context';
import { inBackground } from '../shared/background';
import { endpointOf, type PlainSender } from '../shared/ring/plain';
import type { RingConfig } from './manifest';
import type { Membership } from './membership';

/** A message that has not returned is sent again after this, ms, so many times. */
const RETURN_MS = 2000;
const SENDINGS = 3;
/** A message whose creator is not in the ring is passed on once in this time, ms. */
const ORPHAN_MEMORY_MS = 30_000;
const MAX_ORPHANS = 1000;

type Circular = Extract<RingMessage, { creator: string }>;

/**
 * The seed's circular messages, for a ring with foreign members in it: one connection each, to the next live
 * member whoever wrote it, until they are back at their creator.
 */
export class SeedCircle {
  readonly #waiting = new Map<string, (message: Circular) => void>();
  readonly #orphans = new Map<string, Timer>();

  constructor(
    readonly membership: Membership,
    readonly plain: PlainSender,
    readonly context: NodeContext,
    readonly config: RingConfig,
    readonly tooLong: (what: string) => void,
  ) {}

  close(): void {
    for (const timer of this.#orphans.values()) timer.cancel();
  }

  /** Tells foreign members the list. Nothing is sent in a ring of ours alone. */
  async update(): Promise<void> {
    const { self, table } = this.membership;
    if ((await this.membership.lookForForeign()).length === 0) return;
    await this.#round({ creator: self, type: 'UPDATE', data: [...table.alive] }, 'the list of members');
  }

  /** Gives foreign members an item. @returns whether all have it: true when there are none */
  async put(data: ItemContent): Promise<boolean> {
    if ((await this.membership.lookForForeign()).length === 0) return true;
    const returned = await this.#round(
      { creator: this.membership.self, type: 'FORWARD_PUT', data },
      data.item,
    );
    // Those who died meanwhile are out of the ring, and lack nothing.
    return returned !== null || this.membership.foreign.length === 0;
  }

  /** What a foreign member has of this name; null when none has it. */
  async get(item: string): Promise<string | null> {
    if ((await this.membership.lookForForeign()).length === 0) return null;
    const message: Circular = {
      creator: this.membership.self,
      type: 'FORWARD_GET',
      data: { item, content: '' },
    };
    const returned = await this.#round(message, item);
    const content = returned?.type === 'FORWARD_GET' ? returned.data.content : '';
    return content === '' || content === NOT_FOUND ? null : content;
  }

  /** A circular message has come. @returns true when it is for us: it was sent by us, and is back */
  returned(message: Circular): boolean {
    if (message.creator !== this.membership.self) return false;
    this.#waiting.get(keyOf(message))?.(message);
    return true;
  }

  /** Passes a message on towards its creator. */
  async passOn(message: Circular): Promise<void> {
    if (this.membership.table.isAlive(message.creator) || this.#isNewOrphan(message))
      await this.#send(message);
  }

  async #round(message: Circular, what: string): Promise<Circular | null> {
    if (Buffer.byteLength(encodeMessage(message)) >= FOREIGN_LIMIT) {
      this.tooLong(what);
      return null;
    }
    const key = keyOf(message);
    for (let sending = 0; sending < SENDINGS; sending++) {
      const returned = await new Promise<Circular | null>((resolve) => {
        const timer = this.context.clock.after(RETURN_MS, () => resolve(null));
        this.#waiting.set(key, (back) => {
          timer.cancel();
          resolve(back);
        });
        const sending = this.#send(message).then((sent) => {
          if (sent) return;
          timer.cancel();
          resolve(null);
        });
        inBackground(this.context.log, message.type, sending);
      });
      this.#waiting.delete(key);
      if (returned || this.membership.foreign.length === 0) return returned;
    }
    return null;
  }

  /** To the next live member; one that cannot be reached is looked at, and the one after it gets it. */
  async #send(message: Circular): Promise<boolean> {
    if (this.config.hopDelayMs > 0) await this.context.clock.sleep(this.config.hopDelayMs).catch(() => {});
    for (const next of this.membership.table.after(this.membership.self)) {
      try {
        await this.plain.send(next, message);
        this.#show(message, next);
        return true;
      } catch {
        await this.membership.verify(next);
      }
    }
    return false;
  }

  /** The message does not say how far it has come: that is counted along the circle, from its creator. */
  #show({ creator, type, data }: Circular, next: string): void {
    const { table, self } = this.membership;
    const before = table.after(creator).indexOf(self) + 1;
    const message = `${creator} ${type} ${'item' in data ? data.item : ''}`;
    this.context.telemetry.hop(endpointOf(next), { message, step: before + 1 });
  }

  /** Nobody would stop it: each member lets it pass once, so it ends when it has been everywhere. */
  #isNewOrphan(message: Circular): boolean {
    const key = encodeMessage(message);
    const print = createHash('sha256').update(key).digest('base64');
    if (this.#orphans.has(print) || this.#orphans.size >= MAX_ORPHANS) return false;
    this.#orphans.set(
      print,
      this.context.clock.after(ORPHAN_MEMORY_MS, () => this.#orphans.delete(print)),
    );
    return true;
  }
}

/** What tells a message's return: a GET comes back with other content than it left with. */
function keyOf(message: Circular): string {
  return message.type === 'FORWARD_GET'
    ? `FORWARD_GET ${message.data.item}`
    : `${message.type} ${JSON.stringify(message.data)}`;
}
