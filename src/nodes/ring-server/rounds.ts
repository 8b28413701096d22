import type { NodeContext } from '../../runtime/context';
import { inBackground } from '../shared/background';
import { endpointOf } from '../shared/ring/plain';
import { type ItemVersion, isItemVersion } from './item-version';
import type { RingConfig, RingSnapshot } from './manifest';
import type { Membership } from './membership';

/** Pauses between two sendings of a message that does not return, ms: grows to the second. */
const RESEND_MS = [1000, 8000] as const;
const KEPT_TIMES = 20;

/** A message on its way round, between members of ours. */
export interface Travelling {
  /** The creator's, unique. */
  id: string;
  creator: string;
  kind: 'update' | 'put' | 'find';
  /** Who has had it, in order; the creator first. It only grows, so that no message travels for ever. */
  seen: string[];
  /** Those of them that could not do what it asks. */
  failed: string[];
  /** update: the table, which grows on the way. */
  members?: unknown;
  /** put: what is to be stored; find: what was found. */
  item?: ItemVersion;
  /** Who surely has the item. */
  holder?: string;
  /** find: what is looked for. */
  name?: string;
  /** put: the member that is the n-th to have it tells the creator. */
  quorum?: number;
}

/** What a member does with a message before it passes it on; it may change the message. */
export type RoundHandler = (message: Travelling, content: Uint8Array | undefined) => Promise<void>;

/** A message of this member that is not home yet. */
interface Journey {
  readonly what: Omit<Travelling, 'id' | 'creator' | 'seen' | 'failed'>;
  /** Unix ms. */
  readonly since: number;
  /** As it came home last, perhaps without having been everywhere. */
  last: Travelling | null;
  home(message: Travelling): void;
  resend(): void;
}

/**
 * Sends messages round the circle of our members and waits for their return. Each hop is acknowledged when the
 * neighbour has the message; if the neighbour dies with it, the creator sends it again, at once when it hears of
 * the death. Doing a message twice does nothing.
 */
export class Rounds {
  readonly #journeys = new Map<string, Journey>();
  readonly #times: number[] = [];
  #counter = 0;

  constructor(
    readonly membership: Membership,
    readonly context: NodeContext,
    readonly config: RingConfig,
    readonly handle: RoundHandler,
    readonly changed: () => void,
  ) {}

  get travelling(): RingSnapshot['travelling'] {
    return [...this.#journeys.values()].slice(0, 20).map(({ what, since, last }) => {
      const item = what.item?.name ?? what.name;
      return { kind: what.kind, ...(item ? { item } : {}), since, seen: last?.seen.length ?? 1 };
    });
  }

  get times(): number[] {
    return [...this.#times];
  }

  /**
   * Sends a message round until it has been at every live member of ours, or `timeoutMs` passed.
   * @returns the message as it returned last, if it did, and whether it had been everywhere
   */
  async run(
    what: Omit<Travelling, 'id' | 'creator' | 'seen' | 'failed'>,
    timeoutMs: number,
    content?: Uint8Array,
  ): Promise<{ message: Travelling | null; complete: boolean }> {
    const { clock, random } = this.context;
    const { self } = this.membership;
    const id = `${self} ${Math.floor(random() * 2 ** 32)}-${++this.#counter}`;
    const began = clock.now();
    const left = (): number => timeoutMs - (clock.now() - began);
    const journey: Journey = { since: clock.wallTime(), last: null, home: () => {}, resend: () => {}, what };
    this.#journeys.set(id, journey);
    this.changed();
    try {
      for (let pause: number = RESEND_MS[0]; left() > 0; pause = Math.min(pause * 2, RESEND_MS[1])) {
        const message: Travelling = { ...what, id, creator: self, seen: [self], failed: [] };
        if (await this.#once(journey, message, content, Math.min(pause, left()))) {
          this.#times.push(Math.round((clock.now() - began) * 10) / 10);
          if (this.#times.length > KEPT_TIMES) this.#times.shift();
          return { message: journey.last, complete: true };
        }
      }
      return { message: journey.last, complete: false };
    } finally {
      this.#journeys.delete(id);
      this.changed();
    }
  }

  /** A message that a neighbour has passed to us. Resolves when it is accepted, not when it is done. */
  receive(message: Travelling, content: Uint8Array | undefined): void {
    this.membership.metOurs(message.seen);
    if (message.creator === this.membership.self) {
      this.#journeys.get(message.id)?.home(message);
      return;
    }
    if (message.seen.includes(this.membership.self)) return;
    inBackground(this.context.log, `Passing on a ${message.kind}`, this.#workOn(message, content));
  }

  /** A member was removed: whatever it had may be lost. */
  resendAll(): void {
    for (const { resend } of [...this.#journeys.values()]) resend();
  }

  async #workOn(message: Travelling, content: Uint8Array | undefined): Promise<void> {
    message.seen.push(this.membership.self);
    try {
      await this.handle(message, content);
    } catch (error) {
      message.failed.push(this.membership.self);
      this.context.log.warn(`A ${message.kind} from ${message.creator} failed: ${(error as Error).message}`);
    }
    await this.#passOn(message, content);
  }

  /** One sending. @returns true when the message came home complete; false when it is time for another. */
  #once(
    journey: Journey,
    message: Travelling,
    content: Uint8Array | undefined,
    waitMs: number,
  ): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (complete: boolean): void => {
        timer.cancel();
        resolve(complete);
      };
      const timer = this.context.clock.after(waitMs, () => settle(false));
      journey.resend = () => settle(false);
      // One that comes home too early waits here: a member was passed over that may be dead, or slow.
      journey.home = (returned) => {
        journey.last = returned;
        this.changed();
        if (this.#complete(returned)) settle(true);
      };
      const sent = this.#passOn(message, content).then((travels) => {
        if (!travels) journey.home(message);
      });
      inBackground(this.context.log, `Sending a ${message.kind} round`, sent);
    });
  }

  #complete({ kind, item, seen, failed }: Travelling): boolean {
    if (kind === 'find' && item) return true;
    const { table } = this.membership;
    const has = (address: string): boolean => seen.includes(address) && !failed.includes(address);
    return table.alive.every((address) => has(address) || !this.membership.isOurs(address));
  }

  /** To the next of ours that has not had it, or home. False when there is nobody to pass it to. */
  async #passOn(message: Travelling, content: Uint8Array | undefined): Promise<boolean> {
    if (this.config.hopDelayMs > 0) await this.context.clock.sleep(this.config.hopDelayMs).catch(() => {});
    const tried = new Set<string>();
    for (;;) {
      const next = await this.#nextFor(message, tried);
      if (next === null) return false;
      tried.add(next);
      try {
        const link = await this.membership.link(next);
        this.context.telemetry.hop(endpointOf(next), { message: message.id, step: message.seen.length });
        await link.request({ op: 'pass', message }, this.config.silentMs, content);
        return true;
      } catch {
        await this.membership.verify(next);
      }
    }
  }

  async #nextFor({ creator, seen }: Travelling, tried: ReadonlySet<string>): Promise<string | null> {
    const { table, self } = this.membership;
    for (const address of table.after(self)) {
      if (tried.has(address) || (address !== creator && seen.includes(address))) continue;
      if ((await this.membership.kindOf(address)) === 'ours') return address;
    }
    return null;
  }
}

/** A message as it comes from the network; null when it is none. */
export function parseTravelling(value: unknown): Travelling | null {
  if (typeof value !== 'object' || value === null) return null;
  const { id, creator, kind, seen, failed, members, item, holder, name, quorum } = value as Record<
    string,
    unknown
  >;
  if (typeof id !== 'string' || id.length > 400 || typeof creator !== 'string' || creator.length > 261)
    return null;
  if (kind !== 'update' && kind !== 'put' && kind !== 'find') return null;
  if (!isListOfTexts(seen) || !isListOfTexts(failed)) return null;
  return {
    id,
    creator,
    kind,
    seen,
    failed,
    ...(members === undefined ? {} : { members }),
    ...(isItemVersion(item) ? { item } : {}),
    ...(typeof holder === 'string' ? { holder } : {}),
    ...(typeof name === 'string' && name.length <= 1024 ? { name } : {}),
    ...(typeof quorum === 'number' ? { quorum } : {}),
  };
}

function isListOfTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= 1024 && value.every((one) => typeof one === 'string');
}
