import type { RingSnapshot } from './manifest';
import type { Membership } from './membership';
import type { Rounds } from './rounds';
import type { ItemStore } from './store';

const MAX_LISTED_MEMBERS = 200;

/** @param parts absent before the member has started */
export function ringSnapshot(
  parts: { membership: Membership; rounds: Rounds; store: ItemStore } | undefined,
  { quorum, leaving, heldBack }: { quorum: number; leaving: boolean; heldBack: RingSnapshot['heldBack'] },
): RingSnapshot {
  if (!parts) {
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
      quorum: quorum || 'all',
      heldBack: [],
    };
  }
  const { membership, rounds, store } = parts;
  const { table, joining, detail, next } = membership;
  const state = leaving ? 'leaving' : joining ? 'joining' : table.alive.length > 1 ? 'member' : 'alone';
  return {
    address: membership.self,
    state,
    ...(detail ? { detail } : {}),
    list: [...table.alive],
    ...(next ? { next } : {}),
    members: listedMembers(membership),
    items: store.table.count,
    bytes: store.table.bytes,
    contentDigest: store.table.digest,
    travelling: rounds.travelling,
    roundMs: rounds.times,
    quorum: quorum || 'all',
    heldBack: [...heldBack],
  };
}

function listedMembers(membership: Membership): RingSnapshot['members'] {
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
