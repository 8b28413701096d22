import type { NodeContext } from '../../runtime/context';
import { PeerLink } from '../shared/ring/peer-link';
import { endpointOf } from '../shared/ring/plain';

/** A link that was not used for so long is closed, ms. */
const IDLE_MS = 2000;

export interface MemberLinkHooks {
  /** Introduces this member on a new link. @throws when the other does not want it */
  greet(link: PeerLink, address: string): Promise<void>;
  /** A link closed that was not closed here. */
  broken(address: string): void;
}

/** The links to other members of ours: one each, made when it is first needed. */
export class MemberLinks {
  readonly #links = new Map<string, Promise<PeerLink>>();

  constructor(
    readonly context: Pick<NodeContext, 'net' | 'clock'>,
    readonly timeoutMs: number,
    readonly hooks: MemberLinkHooks,
  ) {}

  /** @throws when it cannot be had */
  to(address: string): Promise<PeerLink> {
    const known = this.#links.get(address);
    if (known) return known;
    const forget = (): void => {
      if (this.#links.get(address) === link) this.#links.delete(address);
    };
    const link: Promise<PeerLink> = this.#open(address, (dropped) => {
      forget();
      if (!dropped) this.hooks.broken(address);
    });
    this.#links.set(address, link);
    link.catch(forget);
    return link;
  }

  drop(address: string): void {
    this.#links
      .get(address)
      ?.then((link) => link.close())
      .catch(() => {});
  }

  /** Only the link to this member stays open; one that was needed for something else need not. */
  dropIdle(except: string | undefined): void {
    const now = this.context.clock.now();
    for (const [address, link] of this.#links) {
      if (address === except) continue;
      link
        .then((open) => {
          if (!open.busy && now - open.lastUsed > IDLE_MS) open.close();
        })
        .catch(() => {});
    }
  }

  close(): void {
    for (const address of this.#links.keys()) this.drop(address);
  }

  async #open(address: string, onClose: (dropped: boolean) => void): Promise<PeerLink> {
    const { net, clock } = this.context;
    const link = await PeerLink.open(net, clock, endpointOf(address), this.timeoutMs, onClose);
    try {
      await this.hooks.greet(link, address);
      return link;
    } catch (error) {
      link.close();
      throw error;
    }
  }
}
