import { type Backend, type BalancingPolicy, type Choice, draw } from './policy';

/** Each in turn. */
export class RoundRobin implements BalancingPolicy {
  #turn = 0;

  choose(backends: readonly Backend[]): Choice {
    const place = this.#turn++ % backends.length;
    const scores = backends.map((_, at) => (at - place + backends.length) % backends.length);
    return { place, scores, reason: `It is the turn of ${backends[place]?.id}.` };
  }
}

/** Every one with the same chance. */
export class RandomChoice implements BalancingPolicy {
  choose(backends: readonly Backend[], _key: string, random: () => number): Choice {
    const place = draw(backends.length, random);
    const reason = `${backends[place]?.id} was drawn from ${backends.length}.`;
    return { place, scores: backends.map(() => null), reason };
  }
}

/** The one with the fewest requests under way; of equals one is drawn. */
export class LeastInFlight implements BalancingPolicy {
  choose(backends: readonly Backend[], _key: string, random: () => number): Choice {
    const scores = backends.map(({ load }) => load);
    const least = Math.min(...scores);
    const best = [...backends.keys()].filter((at) => scores[at] === least);
    const place = best[draw(best.length, random)] as number;
    const others = best.length === 1 ? 'alone' : `as ${best.length - 1} more`;
    return {
      place,
      scores,
      reason: `${backends[place]?.id} has the fewest requests (${show(least)}), ${others}.`,
    };
  }
}

/**
 * The less loaded of two drawn at random (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing",
 * IEEE TPDS 2001).
 */
export class TwoChoices implements BalancingPolicy {
  choose(backends: readonly Backend[], _key: string, random: () => number): Choice {
    return betterOfTwo(backends, random, ({ load }) => load, 'requests');
  }
}

/**
 * The cheaper of two drawn at random, where the cost is smoothed latency times requests under way: what Finagle
 * calls peak EWMA. A slow reply counts at once, a fast one little by little, so that trouble is seen early.
 */
export class PeakEwma implements BalancingPolicy {
  choose(backends: readonly Backend[], _key: string, random: () => number): Choice {
    return betterOfTwo(backends, random, ({ latencyMs, load }) => latencyMs * (load + 1), 'cost');
  }
}

/** The next value of a peak EWMA: up at once, down with the time constant `decayMs`. */
export function peakEwma(previous: number, observedMs: number, sinceMs: number, decayMs: number): number {
  if (observedMs >= previous) return observedMs;
  const weight = Math.exp(-sinceMs / decayMs);
  return previous * weight + observedMs * (1 - weight);
}

function betterOfTwo(
  backends: readonly Backend[],
  random: () => number,
  cost: (backend: Backend) => number,
  unit: string,
): Choice {
  const scores = backends.map(cost);
  const first = draw(backends.length, random);
  if (backends.length === 1) return { place: 0, scores, reason: `${backends[0]?.id} is the only one.` };
  const second = (first + 1 + draw(backends.length - 1, random)) % backends.length;
  const place = (scores[second] as number) < (scores[first] as number) ? second : first;
  const other = place === first ? second : first;
  const numbers = `${show(scores[place] as number)} against ${show(scores[other] as number)} of ${backends[other]?.id}`;
  return {
    place,
    scores,
    reason: `Of two drawn, ${backends[place]?.id} has less or equal ${unit} (${numbers}).`,
  };
}

function show(value: number): string {
  return value.toFixed(1).replace('.0', '');
}
