/** How one of several holders of a file is chosen. Pure: the dice and the turn are arguments. */

export type PolicyName = 'least-load' | 'round-robin' | 'random' | 'two-choices';

export interface Candidate {
  serverId: string;
  address: string;
  /** As last reported; -1 when never, which counts as idle. */
  load: number;
  status: 'alive' | 'dead' | 'draining';
  /** The asker has just failed with this one. */
  avoided: boolean;
  /** It says that its bytes are others than those that most holders have. */
  dissents?: boolean;
}

/** One candidate as the policy saw it. */
export interface Assessment {
  serverId: string;
  address: string;
  load: number;
  alive: boolean;
  /** Lower is better; null: not considered. */
  score: number | null;
  note: string;
}

export interface Selection {
  /** Position among the candidates; null: none can be used. */
  winner: number | null;
  candidates: Assessment[];
  /** One sentence. */
  reason: string;
}

/** What a policy may use besides the candidates. */
export interface Chance {
  /** Uniform in [0, 1). */
  random(): number;
  /** How often this file was asked for before: whose turn it is. */
  turn: number;
}

/** Chooses among the usable candidates (alive, not avoided; dissenting ones when there is no other) and says why. */
export function select(policy: PolicyName, candidates: readonly Candidate[], chance: Chance): Selection {
  const agreeing = selectAmong(policy, candidates, chance);
  if (agreeing.winner !== null || !candidates.some(({ dissents }) => dissents)) return agreeing;
  return selectAmong(
    policy,
    candidates.map((candidate) => ({ ...candidate, dissents: false })),
    chance,
  );
}

function selectAmong(policy: PolicyName, candidates: readonly Candidate[], chance: Chance): Selection {
  const assessed: Assessment[] = [];
  const usable: number[] = [];
  for (const [position, candidate] of candidates.entries()) {
    const note = exclusion(candidate);
    if (note === null) usable.push(position);
    assessed.push({
      serverId: candidate.serverId,
      address: candidate.address,
      load: candidate.load,
      alive: candidate.status === 'alive',
      score: null,
      note: note ?? 'not drawn',
    });
  }
  if (usable.length === 0) return { winner: null, candidates: assessed, reason: nobody(candidates) };
  const entrants = usable.map((position) => assessed[position] as Assessment);
  const { place, reason } = usable.length === 1 ? onlyOne(entrants) : policies[policy](entrants, chance);
  return { winner: usable[place] as number, candidates: assessed, reason };
}

function exclusion(candidate: Candidate): string | null {
  if (candidate.status === 'dead') return 'declared dead';
  if (candidate.status === 'draining') return 'draining: takes no new clients';
  if (candidate.avoided) return 'the client has just failed with it';
  return candidate.dissents ? 'has other bytes than most holders' : null;
}

function nobody(candidates: readonly Candidate[]): string {
  if (candidates.length === 0) return 'No server announced this file.';
  const names = candidates.map((candidate) => `${candidate.serverId} (${exclusion(candidate)})`);
  return `No holder can be used: ${abbreviate(names)}.`;
}

/** Scores the entrants in place; `place` is the winner's among them. */
type Policy = (entrants: Assessment[], chance: Chance) => { place: number; reason: string };

const policies: Record<PolicyName, Policy> = {
  'least-load': (entrants, { random }) => {
    const least = Math.min(...entrants.map(scoreByLoad));
    const best = entrants.filter((entrant) => entrant.score === least);
    const winner = best[draw(best.length, random)] as Assessment;
    for (const entrant of best) entrant.note = best.length === 1 ? 'least load' : 'ties for the least load';
    const others = entrants.filter((entrant) => entrant !== winner).map(describeLoad);
    const rest = abbreviate(others);
    const reason =
      best.length === 1
        ? `${winner.serverId} has the least load (${least} against ${rest}).`
        : `${winner.serverId} was drawn from ${best.length} servers with the least load (${least}).`;
    return { place: entrants.indexOf(winner), reason };
  },

  'round-robin': (entrants, { turn }) => {
    const place = turn % entrants.length;
    for (const [at, entrant] of entrants.entries()) {
      entrant.score = (at - place + entrants.length) % entrants.length;
      entrant.note =
        entrant.score === 0 ? 'its turn' : `${entrant.score} ${entrant.score === 1 ? 'turn' : 'turns'} away`;
    }
    return { place, reason: `It is the turn of ${entrants[place]?.serverId}.` };
  },

  random: (entrants, { random }) => {
    const place = draw(entrants.length, random);
    for (const entrant of entrants) entrant.score = 0;
    (entrants[place] as Assessment).note = 'drawn';
    return { place, reason: `${entrants[place]?.serverId} was drawn from ${entrants.length} live servers.` };
  },

  // Two choices instead of one lower the highest load exponentially (Mitzenmacher, "The Power of Two Choices
  // in Randomized Load Balancing", IEEE TPDS 2001), and do not herd on one server while reports are old.
  'two-choices': (entrants, { random }) => {
    const first = draw(entrants.length, random);
    const second = (first + 1 + draw(entrants.length - 1, random)) % entrants.length;
    const one = entrants[first] as Assessment;
    const other = entrants[second] as Assessment;
    const place = scoreByLoad(other) < scoreByLoad(one) ? second : first;
    const [winner, loser] = place === first ? [one, other] : [other, one];
    winner.note = 'drawn, and less or equally loaded';
    loser.note = 'drawn';
    const comparison = winner.score === loser.score ? 'as loaded as' : 'less loaded than';
    return {
      place,
      reason: `Of the two drawn, ${winner.serverId} (${winner.score}) is ${comparison} ${loser.serverId} (${loser.score}).`,
    };
  },
};

function onlyOne(entrants: Assessment[]): { place: number; reason: string } {
  const only = entrants[0] as Assessment;
  scoreByLoad(only);
  only.note = 'the only one that can be used';
  return { place: 0, reason: `${only.serverId} is the only holder that can be used.` };
}

function scoreByLoad(entrant: Assessment): number {
  entrant.score = Math.max(0, entrant.load);
  entrant.note = 'more load';
  return entrant.score;
}

function draw(sides: number, random: () => number): number {
  return Math.min(sides - 1, Math.floor(random() * sides));
}

function describeLoad(entrant: Assessment): string {
  return `${entrant.score} of ${entrant.serverId}`;
}

function abbreviate(list: string[]): string {
  return list.length <= 3 ? list.join(', ') : `${list.slice(0, 3).join(', ')} and ${list.length - 3} more`;
}
