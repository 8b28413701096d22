/** Sliders over ranges of many magnitudes: fine near the lower end, coarse near the upper one. */

/** Positions of a slider. */
export const steps = 1000;

interface Range {
  min: number;
  max: number;
}

/** 0 for the smallest value, `steps` for the largest. */
export function positionOf(value: number, { min, max }: Range): number {
  const clamped = Math.max(min, Math.min(max, value));
  return Math.round((steps * Math.log1p(clamped - min)) / Math.log1p(max - min));
}

/** The other way, rounded to two digits, as a person would choose it. */
export function valueAt(position: number, { min, max }: Range): number {
  if (position <= 0) return min;
  if (position >= steps) return max;
  const value = min + Math.expm1((position / steps) * Math.log1p(max - min));
  const magnitude = 10 ** (Math.floor(Math.log10(Math.max(Math.abs(value), 1))) - 1);
  const rounded = Math.round(value / magnitude) * magnitude;
  return Math.max(min, Math.min(max, Number(rounded.toPrecision(12))));
}
