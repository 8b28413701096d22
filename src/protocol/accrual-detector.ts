import type { FailureDetector, Liveness, Transition } from './failure-detector';

export interface AccrualOptions {
  /**
   * Dead when φ = −log₁₀ P(the next heartbeat comes later than now) reaches this. At φ = 8 the rule is wrong
   * once in 10⁸ heartbeats, if intervals were normally distributed: lost heartbeats make the true figure worse.
   * Higher: fewer false deaths, later detection; a server with interval μ ± σ is dead after about
   * μ + σ·√(4.6 φ), and later at small φ.
   */
  threshold: number;
  /** 'suspect' from this φ on; at most `threshold`. */
  suspectThreshold: number;
  /** Intervals that are remembered of each peer. More: steadier; fewer: follows a changing network sooner. */
  window: number;
  /** σ is taken to be at least this, ms: perfect regularity would make the smallest delay a death. */
  minDeviationMs: number;
  /** Taken for the first interval, until there are some, ms. */
  firstIntervalMs: number;
  /** Added to the mean, ms: a silence that is always forgiven (a long garbage collection). */
  pauseMs: number;
}

/** Known before the first interval was seen: as in Akka, a quarter of the interval. */
const FIRST_DEVIATION = 0.25;

/** A peer that was called dead and is heard again within so many mean intervals was not dead. */
const LATE_FACTOR = 6;

interface Peer {
  last: number;
  state: Liveness;
  intervals: Float64Array;
  /** Intervals seen so far; those that are remembered are the last `window`. */
  seen: number;
  sum: number;
  squares: number;
  suspectAt: number;
  deadAt: number;
}

/**
 * φ-accrual: how unusual the present silence is for this very peer (Hayashibara, Défago, Yared, Katayama, "The
 * φ Accrual Failure Detector", 2004). Intervals are taken to be normally distributed; the tail is that of the
 * logistic approximation of Bowling et al. 2009, which can be solved for the time at which φ is reached (and is
 * 7 % too impatient at φ = 8).
 */
export class AccrualDetector implements FailureDetector {
  readonly #options: AccrualOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #suspectQuantile: number;
  readonly #deadQuantile: number;

  constructor(options: AccrualOptions) {
    this.#options = options;
    this.#suspectQuantile = quantileOfPhi(options.suspectThreshold);
    this.#deadQuantile = quantileOfPhi(options.threshold);
  }

  observe(id: string, now: number): Transition | null {
    const peer = this.#peers.get(id);
    if (!peer) {
      this.#peers.set(id, this.#firstHeard(now));
      return { id, from: undefined, to: 'alive', silentMs: 0 };
    }
    const { state: from, last } = peer;
    // A beat that only came late shows that the death was false, and is learnt from; a real absence is not.
    if (from !== 'dead' || now - last < LATE_FACTOR * this.#meanOf(peer)) this.#remember(peer, now - last);
    peer.last = now;
    peer.state = 'alive';
    this.#setDeadlines(peer);
    return from === 'alive' ? null : { id, from, to: 'alive', silentMs: now - last };
  }

  check(now: number): Transition[] {
    const changes: Transition[] = [];
    for (const [id, peer] of this.#peers) {
      const to: Liveness = now >= peer.deadAt ? 'dead' : now >= peer.suspectAt ? 'suspect' : 'alive';
      if (peer.state === 'dead' || to === 'alive' || to === peer.state) continue;
      changes.push({ id, from: peer.state, to, silentMs: now - peer.last });
      peer.state = to;
    }
    return changes.sort((a, b) => b.silentMs - a.silentMs);
  }

  nextDeadline(): number | null {
    let next = Number.POSITIVE_INFINITY;
    for (const { state, suspectAt, deadAt } of this.#peers.values()) {
      if (state === 'alive') next = Math.min(next, suspectAt);
      else if (state === 'suspect') next = Math.min(next, deadAt);
    }
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  liveness(id: string): Liveness | undefined {
    return this.#peers.get(id)?.state;
  }

  deadAt(id: string): number | null {
    const peer = this.#peers.get(id);
    return !peer || peer.state === 'dead' ? null : peer.deadAt;
  }

  forget(id: string): void {
    this.#peers.delete(id);
  }

  #firstHeard(now: number): Peer {
    const peer: Peer = {
      last: now,
      state: 'alive',
      intervals: new Float64Array(this.#options.window),
      seen: 0,
      sum: 0,
      squares: 0,
      suspectAt: 0,
      deadAt: 0,
    };
    this.#setDeadlines(peer);
    return peer;
  }

  #remember(peer: Peer, interval: number): void {
    const { window } = this.#options;
    const slot = peer.seen % window;
    const leaving = peer.seen >= window ? (peer.intervals[slot] as number) : 0;
    peer.sum += interval - leaving;
    peer.squares += interval * interval - leaving * leaving;
    peer.intervals[slot] = interval;
    peer.seen++;
  }

  #meanOf({ seen, sum }: Peer): number {
    const { window, firstIntervalMs } = this.#options;
    return seen === 0 ? firstIntervalMs : sum / Math.min(seen, window);
  }

  #setDeadlines(peer: Peer): void {
    const { window, minDeviationMs, pauseMs } = this.#options;
    const count = Math.min(peer.seen, window);
    const mean = this.#meanOf(peer);
    const variance = count === 0 ? (mean * FIRST_DEVIATION) ** 2 : peer.squares / count - mean * mean;
    const deviation = Math.max(minDeviationMs, Math.sqrt(Math.max(0, variance)));
    peer.suspectAt = peer.last + mean + pauseMs + this.#suspectQuantile * deviation;
    peer.deadAt = peer.last + mean + pauseMs + this.#deadQuantile * deviation;
  }
}

/** Bowling et al.: the normal distribution function at y is about 1 / (1 + exp(−y (a + b y²))). */
const A = 1.5976;
const B = 0.070566;

/**
 * How many deviations above the mean φ is reached: solves y (a + b y²) = −ln(odds of the tail), which has one
 * real root (Cardano).
 * @param phi above 0.31, where y is positive
 */
export function quantileOfPhi(phi: number): number {
  const tail = 10 ** -phi;
  const q = -Math.log(tail / (1 - tail)) / B;
  const p = A / B;
  const root = Math.sqrt((q / 2) ** 2 + (p / 3) ** 3);
  return Math.cbrt(q / 2 + root) + Math.cbrt(q / 2 - root);
}

/** φ of a silence that is y deviations longer than the mean. The inverse of `quantileOfPhi`. */
export function phiOfQuantile(y: number): number {
  const odds = Math.exp(-y * (A + B * y * y));
  return -Math.log10(odds / (1 + odds));
}
