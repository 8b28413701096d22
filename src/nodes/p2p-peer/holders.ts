/** Which of the peers that have a file are used, in which order, and why. Pure. */
import type { HolderInfo } from '../../protocol/p2p-messages';

/** A holder that has not hashed the file yet announces a root of zeros. */
export function isUnknown(root: Uint8Array): boolean {
  return root.every((byte) => byte === 0);
}

export function whyTaken({ slots, uploads, complete }: HolderInfo): string {
  const busy = slots > 0 ? `${uploads} of ${slots} upload slots were taken` : 'says nothing of its load';
  return `${busy}; ${complete ? 'has the whole file' : 'has a part of the file'}`;
}

/** Files of one name may differ: the one that most peers have in full is meant. */
export function sameFile(holders: readonly HolderInfo[]): HolderInfo[] {
  const votes = new Map<string, number>();
  for (const { root, complete } of holders) {
    if (isUnknown(root)) continue;
    const hex = Buffer.from(root).toString('hex');
    votes.set(hex, (votes.get(hex) ?? 0) + (complete ? 1000 : 1));
  }
  const winner = [...votes].sort(([, a], [, b]) => b - a)[0]?.[0];
  return holders.filter(({ root }) => isUnknown(root) || Buffer.from(root).toString('hex') === winner);
}

/** Least congested first: uploads per slot as the index knows them; equal ones in random order. */
export function rankHolders(holders: readonly HolderInfo[], random: () => number): HolderInfo[] {
  return holders
    .map((holder) => ({
      holder,
      load: holder.slots > 0 ? holder.uploads / holder.slots : 0.5,
      dice: random(),
    }))
    .sort(
      (a, b) => Number(b.holder.complete) - Number(a.holder.complete) || a.load - b.load || a.dice - b.dice,
    )
    .map(({ holder }) => holder);
}
