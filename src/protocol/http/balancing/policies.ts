/** The registry of balancing policies: one line each. */
import { ConsistentHash, Maglev } from './hashing';
import { RankedLottery } from './lottery';
import type { BalancingPolicy } from './policy';
import { LeastInFlight, PeakEwma, RandomChoice, RoundRobin, TwoChoices } from './simple';

export const balancingPolicies = {
  lottery: () => new RankedLottery(),
  'round-robin': () => new RoundRobin(),
  random: () => new RandomChoice(),
  'two-choices': () => new TwoChoices(),
  'least-in-flight': () => new LeastInFlight(),
  'peak-ewma': () => new PeakEwma(),
  'consistent-hash': () => new ConsistentHash(),
  maglev: () => new Maglev(),
} satisfies Record<string, () => BalancingPolicy>;

export type BalancingPolicyName = keyof typeof balancingPolicies;
