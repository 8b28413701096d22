/** A border that can be dragged, and moved by the arrow keys. */
import { type PointerEvent as ReactPointerEvent, useRef } from 'react';
import css from './splitter.module.css';

export function Splitter({
  label,
  orientation,
  value,
  min,
  max,
  grows,
  onChange,
}: {
  label: string;
  /** Of the bar itself. */
  orientation: 'vertical' | 'horizontal';
  /** Pixels of the part that is resized. */
  value: number;
  min: number;
  max: number;
  /** The direction in which the part grows when the pointer moves. */
  grows: 'left' | 'right' | 'up' | 'down';
  onChange: (value: number) => void;
}) {
  const start = useRef<{ at: number; value: number } | null>(null);
  const sign = grows === 'left' || grows === 'up' ? -1 : 1;
  const set = (next: number): void => onChange(Math.round(Math.min(max, Math.max(min, next))));
  const positionOf = (event: ReactPointerEvent): number =>
    orientation === 'vertical' ? event.clientX : event.clientY;

  return (
    <hr
      className={css.splitter}
      data-orientation={orientation}
      aria-label={label}
      aria-orientation={orientation}
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { at: positionOf(event), value };
      }}
      onPointerMove={(event) => {
        if (start.current) set(start.current.value + sign * (positionOf(event) - start.current.at));
      }}
      onPointerUp={() => {
        start.current = null;
      }}
      onKeyDown={(event) => {
        const step = event.shiftKey ? 64 : 16;
        if (event.key === 'ArrowLeft' || event.key === 'ArrowUp') set(value - sign * step);
        else if (event.key === 'ArrowRight' || event.key === 'ArrowDown') set(value + sign * step);
        else if (event.key === 'Home') set(min);
        else if (event.key === 'End') set(max);
        else return;
        event.preventDefault();
      }}
    />
  );
}
