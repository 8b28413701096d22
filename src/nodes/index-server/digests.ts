/** Which bytes a file has, when its holders do not agree. Pure. */
import type { Holding } from './registry';

export interface Verdict {
  /** Holders that say that their bytes are others than those that the file has. */
  readonly dissenters: ReadonlySet<Holding>;
  /** What a holder's bytes must hash to; undefined where nobody, or only the holder itself, could vouch for it. */
  digestFor(holding: Holding): string | undefined;
}

/**
 * Of holders that announce the same size, those are believed that are most; of equally many, the one that said it
 * first: a disk that goes bad does so later. Dead holders count, since their death makes nothing false of what they
 * said. Another size is another version of the file, and judged for itself.
 */
export function judgeDigests(holdings: readonly Holding[]): Verdict {
  const votes = countVotes(holdings);
  const agreed = new Map<number, Vote>();
  for (const vote of votes.values()) {
    const best = agreed.get(vote.size);
    if (!best || vote.count > best.count || (vote.count === best.count && vote.first < best.first))
      agreed.set(vote.size, vote);
  }
  const dissents = ({ size, digest }: Holding): boolean =>
    digest?.current === true && digest.sha256 !== agreed.get(size)?.sha256;
  const dissenters = new Set(votes.size > agreed.size ? holdings.filter(dissents) : []);
  return {
    dissenters,
    digestFor: (holding) => (dissenters.has(holding) ? undefined : agreed.get(holding.size)?.sha256),
  };
}

interface Vote {
  size: number;
  sha256: string;
  count: number;
  /** The lowest order of those who said it. */
  first: number;
}

function countVotes(holdings: readonly Holding[]): Map<string, Vote> {
  const votes = new Map<string, Vote>();
  for (const { size, digest } of holdings) {
    if (!digest?.current) continue;
    const { sha256, order } = digest;
    const vote = votes.get(`${size} ${sha256}`);
    if (!vote) votes.set(`${size} ${sha256}`, { size, sha256, count: 1, first: order });
    else {
      vote.count++;
      vote.first = Math.min(vote.first, order);
    }
  }
  return votes;
}
