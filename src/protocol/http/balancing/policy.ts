/** How one of several servers is chosen. Pure: measurements, dice and the request's key are arguments. */

/** A server that may be chosen, as it was measured. */
export interface Backend {
  /** `host:port` */
  id: string;
  /** Time of the last test transfer, ms; null before the first. */
  testMs: number | null;
  /** Smoothed time of replies, ms: see `PeakEwma`. */
  latencyMs: number;
  /** Requests that it works on, as far as the balancer knows. */
  load: number;
}

export interface Choice {
  /** Position among the backends. */
  place: number;
  /** The policy's number for each: a weight, a cost, a position; null where it has none. */
  scores: (number | null)[];
  /** One sentence. */
  reason: string;
}

export interface BalancingPolicy {
  /**
   * @param backends at least one
   * @param key what the same server should get again: the path
   * @param random uniform in [0, 1)
   */
  choose(backends: readonly Backend[], key: string, random: () => number): Choice;
}

export function draw(sides: number, random: () => number): number {
  return Math.min(sides - 1, Math.floor(random() * sides));
}
