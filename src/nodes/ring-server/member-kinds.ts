import type { Clock } from '../../runtime/context';
import type { PlainSender } from '../shared/ring/plain';
import type { RingConfig } from './manifest';

/** How long an unknown member may take to show that it is one of ours, ms. */
const CLASSIFY_MS = 300;
/** One that said nothing is asked again after this, ms. */
const LOOK_AGAIN_MS = 2000;

export type MemberKind = 'ours' | 'foreign';

/** What each member has shown itself to be. In strict mode all others count as foreign. */
export class MemberKinds {
  readonly #kinds = new Map<string, MemberKind>();
  /** When it took a connection and said nothing: a foreign one, or one of ours that hung at that moment. */
  readonly #mute = new Map<string, number>();

  constructor(
    readonly plain: PlainSender,
    readonly clock: Clock,
    readonly config: Pick<RingConfig, 'strict' | 'silentMs'>,
  ) {}

  get(address: string): MemberKind | undefined {
    return this.#kinds.get(address);
  }

  /** It has said something that only our members say. */
  showedOurs(address: string): void {
    this.#kinds.set(address, 'ours');
    this.#mute.delete(address);
  }

  forget(address: string): void {
    this.#kinds.delete(address);
    this.#mute.delete(address);
  }

  /** Whether nothing is known of it, or too little to rely on. */
  inDoubt(address: string): boolean {
    const mute = this.#mute.get(address);
    return (mute !== undefined && this.clock.now() - mute > LOOK_AGAIN_MS) || !this.#kinds.has(address);
  }

  /** Looks at a member. @returns why it must be gone, for a sentence that begins with it; null when it is there */
  async whyGone(address: string): Promise<string | null> {
    const known = this.#kinds.get(address);
    const look = await this.plain.look(address, known === 'ours' ? this.config.silentMs / 2 : CLASSIFY_MS);
    switch (look.is) {
      case 'ours':
        this.#kinds.set(address, this.config.strict ? 'foreign' : 'ours');
        this.#mute.delete(address);
        return null;
      case 'foreign':
        this.#kinds.set(address, 'foreign');
        return null;
      case 'mute':
        // The system takes connections for a program that hangs; a foreign one may say nothing by nature.
        if (known === 'ours') return 'does not answer';
        this.#kinds.set(address, 'foreign');
        this.#mute.set(address, this.clock.now());
        return null;
      case 'gone':
        return 'refuses connections';
      case 'unreachable':
        return 'cannot be reached';
    }
  }

  /**
   * Whether a ring server is at an address that was given up: another program may have its port.
   * @param isSame tells by the names of its circle whether one of ours belongs to this ring
   */
  async isRingServer(address: string, isSame: (rings: readonly string[]) => boolean): Promise<boolean> {
    const look = await this.plain.look(address, CLASSIFY_MS);
    if (look.is === 'ours' && !this.config.strict) {
      if (!isSame(look.reply.rings)) return false;
      this.#kinds.set(address, 'ours');
      return true;
    }
    if (look.is !== 'ours' && look.is !== 'foreign') return false;
    // A foreign program that takes a connection may be anything; one that answers GET is a ring server.
    const answer = await this.plain.ask(address, { type: 'GET', data: '.ring' }).catch(() => null);
    if (answer?.type !== 'GET') return false;
    this.#kinds.set(address, 'foreign');
    return true;
  }
}
