/** What stands on a broken link: a sign for the sort of fault, which needs no colour, and its figure. */
import type { LinkMark } from '../../fault-links';
import css from './fault-badge.module.css';

const height = 18;
const sign = 14;
/** Enough for the figures of the card's font. */
const perCharacter = 6.1;

export function FaultBadge({ mark, at }: { mark: LinkMark; at: { x: number; y: number } }) {
  const width = sign + 12 + mark.text.length * perCharacter;
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a group of shapes is not interactive.
    <g
      className={css.badge}
      data-look={mark.look}
      transform={`translate(${at.x - width / 2} ${at.y - height / 2})`}
      role="img"
      aria-label={`Broken: ${mark.title}`}
    >
      <title>{mark.title}</title>
      <rect width={width} height={height} rx={height / 2} />
      <path d={signs[mark.look]} transform="translate(6 3)" />
      <text x={sign + 6} y={12.5}>
        {mark.text}
      </text>
    </g>
  );
}

/** Twelve by twelve. */
const signs: Record<LinkMark['look'], string> = {
  slow: 'M6 1a5 5 0 1 1 0 10a5 5 0 1 1 0-10M6 3.2V6L8 7.4',
  lossy: 'M0.5 6H3M4.7 6H5.3M7 6H9.2M11 6H11.5',
  cut: 'M0.5 6H4M8 6H11.5M4.2 9.5L7.8 2.5',
  'dead-end': 'M2 2L10 10M10 2L2 10',
  altered: 'M0.5 6C2 2.5 3.2 2.5 4.5 6S7 9.5 8.2 6S10.2 2.5 11.5 6',
};
