/** A line of the last values, without axes. Decoration: the figure it belongs to stands beside it. */
import { memo } from 'react';

export const Sparkline = memo(function Sparkline({
  values,
  width = 64,
  height = 16,
  points = 40,
}: {
  values: readonly number[];
  width?: number;
  height?: number;
  /** Values that fill the width. */
  points?: number;
}) {
  const top = Math.max(1, ...values);
  const step = width / (points - 1);
  const padded = [...Array<number>(Math.max(0, points - values.length)).fill(0), ...values];
  const line = padded
    .map((value, i) => `${(i * step).toFixed(1)} ${(height - 1 - (value / top) * (height - 2)).toFixed(1)}`)
    .join('L');
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path d={`M0 ${height}L${line}L${width} ${height}Z`} fill="currentColor" fillOpacity=".14" />
      <path d={`M${line}`} fill="none" stroke="currentColor" strokeWidth="1.25" strokeLinejoin="round" />
    </svg>
  );
});
