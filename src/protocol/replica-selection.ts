/** Which replica a new client is sent to: the cheapest, but never for a difference that is only noise. */

/** What is known about a replica that is up. */
export interface ReplicaHealth {
  /** Smoothed round trip, milliseconds. */
  rttMs: number;
  /** Smoothed share of probes that were lost, 0–1. */
  loss: number;
  /** Clients it serves, and those that were sent to it since it last said so. */
  load: number;
}

export interface SelectionRule {
  /** What one more client on a replica weighs, in milliseconds of round trip. */
  loadCostMs: number;
  /** Another replica takes over only when it is cheaper by this share … */
  margin: number;
  /** … and by this many milliseconds besides, so that equals on a fast network do not alternate. */
  slackMs: number;
}

export const DEFAULT_RULE: SelectionRule = { loadCostMs: 1, margin: 0.2, slackMs: 0.5 };

/** Loss at which a replica is as bad as can be; keeps the cost finite. */
const MAX_LOSS = 0.99;

/**
 * `(round trip + load × weight) / (1 − loss)²`, in milliseconds. The square, because an exchange gets through
 * only when both directions do.
 */
export function replicaCost({ rttMs, loss, load }: ReplicaHealth, rule = DEFAULT_RULE): number {
  return (rttMs + load * rule.loadCostMs) / (1 - Math.min(Math.max(loss, 0), MAX_LOSS)) ** 2;
}

export interface Choice {
  address: string;
  /** Cheapest first. */
  ranking: { address: string; cost: number }[];
  /** Why this one, in a person's words. */
  reason: string;
}

/**
 * Chooses among the replicas that are up. `present` is the one that the last client was sent to: it keeps
 * its place until another is clearly cheaper. Null when nothing is up.
 */
export function chooseReplica(
  up: ReadonlyMap<string, ReplicaHealth>,
  present: string | undefined,
  rule = DEFAULT_RULE,
): Choice | null {
  const ranking = [...up]
    .map(([address, health]) => ({ address, cost: replicaCost(health, rule) }))
    .sort((a, b) => a.cost - b.cost);
  const best = ranking[0];
  if (!best) return null;
  const kept = ranking.find(({ address }) => address === present);
  if (!kept) return { address: best.address, ranking, reason: 'the cheapest' };
  if (kept === best) return { address: best.address, ranking, reason: 'still the cheapest' };
  if (best.cost < kept.cost * (1 - rule.margin) - rule.slackMs) {
    return { address: best.address, ranking, reason: `clearly cheaper than ${kept.address}` };
  }
  return { address: kept.address, ranking, reason: `${best.address} is not clearly cheaper` };
}

/** An exponentially weighted mean whose memory is a span of time, so that irregular samples weigh right. */
export class SmoothedMean {
  readonly #memoryMs: number;
  #mean: number | undefined;
  #at = 0;

  /** @param memoryMs after this time an old sample weighs 1/e */
  constructor(memoryMs: number) {
    this.#memoryMs = memoryMs;
  }

  get value(): number | undefined {
    return this.#mean;
  }

  add(sample: number, now: number): void {
    // Samples in quick succession still count a little: a burst of losses must be seen.
    const weight = 1 - Math.exp(-Math.max(now - this.#at, this.#memoryMs / 50) / this.#memoryMs);
    this.#mean = this.#mean === undefined ? sample : this.#mean + weight * (sample - this.#mean);
    this.#at = now;
  }
}
