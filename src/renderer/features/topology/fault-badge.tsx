/** What stands on a broken link: a sign for the sort of fault, which needs no colour, and its figure. */
import type { LinkMark } from '../../fault-links';
import { badgeSize } from './badge-size';
import css from './fault-badge.module.css';
import { linkLooks } from './link-looks';

export function FaultBadge({ mark, at }: { mark: LinkMark; at: { x: number; y: number } }) {
  const { width, height, sign, text } = badgeSize(mark.text);
  const { sign: path, tone } = linkLooks[mark.look];
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a group of shapes is not interactive.
    <g
      className={css.badge}
      style={{ '--look': `var(--${tone})` } as React.CSSProperties}
      transform={`translate(${at.x} ${at.y})`}
      role="img"
      aria-label={`Broken: ${mark.title}`}
    >
      <title>{mark.title}</title>
      <g className={css.full}>
        <rect x={-width / 2} y={-height / 2} width={width} height={height} rx={height / 2} />
        <path d={path} transform={`translate(${sign.x} ${sign.y})`} />
        <text x={text.x} y={text.y}>
          {mark.text}
        </text>
      </g>
      <g className={css.far}>
        <circle r={height / 2} />
        <path d={path} transform="translate(-6 -6)" />
      </g>
    </g>
  );
}
