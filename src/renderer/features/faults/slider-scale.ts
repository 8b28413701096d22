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

/** What an arrow key makes of a value: the next one that differs, about a hundredth of the slider away. */
export function nextValue(value: number, direction: 1 | -1, range: Range): number {
  const stride = direction * (steps / 100);
  for (
    let position = positionOf(value, range) + stride;
    position > 0 && position < steps;
    position += stride
  ) {
    const next = valueAt(position, range);
    if ((next - value) * direction > 0) return next;
  }
  return direction > 0 ? range.max : range.min;
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
