/** Random delays, as networks have them. */

export type Distribution = 'uniform' | 'normal' | 'heavy';

export const distributionOptions = [
  { value: 'uniform', label: 'Even', help: 'Anything from delay − jitter to delay + jitter, equally often.' },
  { value: 'normal', label: 'Bell', help: 'A normal distribution; jitter is its standard deviation.' },
  {
    value: 'heavy',
    label: 'Long tail',
    help: 'Mostly near the delay, now and then much more (Pareto, shape 3).',
  },
] as const;

/**
 * @param dice uniform in [0, 1)
 * @returns milliseconds, never negative
 */
export function delayOf(
  { delay, jitter, distribution }: { delay: number; jitter: number; distribution: Distribution },
  dice: number,
): number {
  if (jitter === 0) return delay;
  return Math.max(0, delay + jitter * deviation(distribution, dice));
}

function deviation(distribution: Distribution, dice: number): number {
  switch (distribution) {
    case 'uniform':
      return 2 * dice - 1;
    case 'normal': {
      // Box–Muller, with the two halves of the 32 bits of one throw.
      const high = Math.floor(dice * 65_536);
      const low = dice * 65_536 - high;
      return Math.sqrt(-2 * Math.log((high + 1) / 65_536)) * Math.cos(2 * Math.PI * low);
    }
    case 'heavy':
      return (1 - dice) ** (-1 / 3) - 1;
  }
}
