import { MAX_BODY } from '../../protocol/ring-frames';
import type { Log } from '../../runtime/context';
import { inBackground } from '../shared/background';
import type { Answer } from '../shared/ring/peer-link';
import { isItemVersion } from './item-version';
import type { Membership } from './membership';
import type { Replication } from './replication';
import { parseTravelling, type Rounds } from './rounds';
import type { ItemStore } from './store';

/** What the answers need of the member itself. */
export interface MemberSurroundings {
  log: Log;
  /** Tells all members who is in the ring. */
  announce(): void;
  checkContent(name: string): Promise<void>;
}

/** Answers what other members of ours ask over a link. */
export class MemberRequests {
  constructor(
    readonly parts: { store: ItemStore; membership: Membership; replication: Replication; rounds: Rounds },
    readonly node: MemberSurroundings,
  ) {}

  /** @throws Error that the asking member is told */
  async answer(header: Record<string, unknown>, body: Uint8Array, from: string): Promise<Answer> {
    const { membership, rounds, replication, store } = this.parts;
    switch (header.op) {
      case 'check':
        return { header: { members: membership.table.digest, content: store.table.digest } };
      case 'exchange':
        if (membership.merge(header.members)) this.node.announce();
        return { header: { members: membership.table.records } };
      case 'pass': {
        const message = parseTravelling(header.message);
        if (!message) throw new Error('this is no message');
        rounds.receive(message, body.length > 0 ? Uint8Array.from(body) : undefined);
        return { header: {} };
      }
      case 'digests':
        return { header: { buckets: store.table.bucketDigests } };
      case 'items':
        return { header: { items: store.itemsOf(Number(header.bucket)) } };
      case 'offer': {
        const items = Array.isArray(header.items) ? header.items.filter(isItemVersion) : [];
        void replication.accept(items, from).then(
          (received) => (received > 0 ? membership.check() : undefined),
          (error) => this.node.log.debug(`${from} offers what it does not give: ${error.message}`),
        );
        return { header: {} };
      }
      case 'quorum':
        if (isItemVersion(header.item)) replication.quorumReached(header.item);
        return { header: {} };
      case 'damaged':
        if (typeof header.name === 'string')
          inBackground(this.node.log, 'A check', this.node.checkContent(header.name));
        return { header: {} };
      case 'read':
        return { header: {}, body: () => this.#readPiece(header) };
      default:
        throw new Error(`"${String(header.op)}" is not known here`);
    }
  }

  async #readPiece({ name, version, by, offset }: Record<string, unknown>): Promise<Uint8Array> {
    const { store } = this.parts;
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
}
