import type { Backend, BalancingPolicy, Choice } from './policy';

/**
 * The seed's rule: servers are ranked by the time of a test transfer, and each has as many tickets as its rank
 * from the slowest: 1 : 2 : 3 for three. A server that was not tested yet ranks last.
 */
export class RankedLottery implements BalancingPolicy {
  choose(backends: readonly Backend[], _key: string, random: () => number): Choice {
    const slowestFirst = [...backends.keys()].sort((a, b) => timeOf(backends[b]) - timeOf(backends[a]));
    const tickets = backends.map((_, place) => slowestFirst.indexOf(place) + 1);
    const total = (backends.length * (backends.length + 1)) / 2;
    let ticket = random() * total;
    let place = backends.length - 1;
    for (const [at, count] of tickets.entries()) {
      ticket -= count;
      if (ticket >= 0) continue;
      place = at;
      break;
    }
    const winner = backends[place] as Backend;
    const share = `${tickets[place]} of ${total} tickets`;
    const time = winner.testMs === null ? 'not tested yet' : `tested in ${winner.testMs.toFixed(1)} ms`;
    return { place, scores: tickets, reason: `${winner.id} was drawn with ${share} (${time}).` };
  }
}

function timeOf(backend: Backend | undefined): number {
  return backend?.testMs ?? Number.MAX_VALUE;
}
