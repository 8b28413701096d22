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
  const from = width - (values.length - 1) * step;
  const line = values
    .map(
      (value, i) =>
        `${(from + i * step).toFixed(1)} ${(height - 1 - (value / top) * (height - 2)).toFixed(1)}`,
    )
    .join('L');
  if (values.length < 2) return <svg width={width} height={height} aria-hidden="true" />;
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path
        d={`M${from.toFixed(1)} ${height}L${line}L${width} ${height}Z`}
        fill="currentColor"
        fillOpacity=".14"
      />
      <path d={`M${line}`} fill="none" stroke="currentColor" strokeWidth="1.25" strokeLinejoin="round" />
    </svg>
  );
});
