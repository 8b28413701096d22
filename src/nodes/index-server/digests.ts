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
  // As a rule, and for each lookup: all say the same.
  const [first] = holdings;
  const said = first && sha256Of(first);
  if (holdings.every((holding) => holding.size === first?.size && sha256Of(holding) === said))
    return { dissenters: nobody, digestFor: () => said };
  const votes = countVotes(holdings);
  const agreed = new Map<number, Vote>();
  for (const vote of votes.values()) {
    const best = agreed.get(vote.size);
    if (!best || vote.count > best.count || (vote.count === best.count && vote.first < best.first))
      agreed.set(vote.size, vote);
  }
  const dissents = (holding: Holding): boolean => {
    const sha256 = sha256Of(holding);
    return sha256 !== undefined && sha256 !== agreed.get(holding.size)?.sha256;
  };
  const dissenters = new Set(holdings.filter(dissents));
  return {
    dissenters,
    digestFor: (holding) => (dissenters.has(holding) ? undefined : agreed.get(holding.size)?.sha256),
  };
}

const nobody: ReadonlySet<Holding> = new Set();

function sha256Of({ digest }: Holding): string | undefined {
  return digest?.current ? digest.sha256 : undefined;
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
