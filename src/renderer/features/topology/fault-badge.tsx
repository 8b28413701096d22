/** What stands on a broken link: a sign for the sort of fault, which needs no colour, and its figure. */
import type { LinkMark } from '../../fault-links';
import css from './fault-badge.module.css';

const height = 18;
const margin = 6;
const signWidth = 12;
const gap = 4;

export function FaultBadge({ mark, at }: { mark: LinkMark; at: { x: number; y: number } }) {
  const width = margin + signWidth + gap + widthOf(mark.text) + margin + 1;
  const sign = signs[mark.look];
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: a group of shapes is not interactive.
    <g
      className={css.badge}
      data-look={mark.look}
      transform={`translate(${at.x} ${at.y})`}
      role="img"
      aria-label={`Broken: ${mark.title}`}
    >
      <title>{mark.title}</title>
      <g className={css.full}>
        <rect x={-width / 2} y={-height / 2} width={width} height={height} rx={height / 2} />
        <path d={sign} transform={`translate(${margin - width / 2} -6)`} />
        <text x={margin + signWidth + gap - width / 2} y={3.5}>
          {mark.text}
        </text>
      </g>
      <g className={css.far}>
        <circle r={height / 2} />
        <path d={sign} transform="translate(-6 -6)" />
      </g>
    </g>
  );
}

let pen: CanvasRenderingContext2D | null | undefined;
const widths = new Map<string, number>();

/** Of a text in the badge's font, measured: fonts differ by a third in width from system to system. */
function widthOf(text: string): number {
  const known = widths.get(text);
  if (known !== undefined) return known;
  pen ??= document.createElement('canvas').getContext('2d');
  if (!pen) return text.length * 7;
  pen.font = `600 10.5px ${getComputedStyle(document.body).fontFamily}`;
  const width = pen.measureText(text).width;
  // Sliders make many texts.
  if (widths.size > 500) widths.clear();
  widths.set(text, width);
  return width;
}

/** Twelve by twelve. */
const signs: Record<LinkMark['look'], string> = {
  slow: 'M6 1a5 5 0 1 1 0 10a5 5 0 1 1 0-10M6 3.2V6L8 7.4',
  lossy: 'M0.5 6H3M4.7 6H5.3M7 6H9.2M11 6H11.5',
  cut: 'M0.5 6H4M8 6H11.5M4.2 9.5L7.8 2.5',
  'dead-end': 'M2 2L10 10M10 2L2 10',
  altered: 'M0.5 6C2 2.5 3.2 2.5 4.5 6S7 9.5 8.2 6S10.2 2.5 11.5 6',
};
