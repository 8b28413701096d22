/** The sequence diagram as a picture of its own. */
import { clipped, element, svgDocument, textAt } from '../../export/svg';
import { formatTime } from '../../format';
import { isOutside, nameOf } from '../../graph';
import { tokenColour } from '../../token-colours';
import type { Arrow } from './arrows';
import {
  crossPath,
  firstLine,
  headPath,
  laneX,
  measures,
  type Sequence,
  sequenceOf,
  shaftPath,
} from './sequence';

type Specs = Parameters<typeof nameOf>[1];

/** Room that the picture of a few lanes takes, pixels. */
const room = 1100;
const fontSize = 11;

export function sequenceSvg(arrows: readonly Arrow[], specs: Specs): string {
  const sequence = sequenceOf(arrows, [...specs.keys()], room);
  const height = measures.head + sequence.rows.length * measures.row + 8;
  return svgDocument(
    { width: sequence.width, height },
    tokenColour('panel'),
    ...sequence.lanes.map((id, i) => lane(id, laneX(i, sequence), sequence, height, specs)),
    ...sequence.rows.map((arrow, i) => row(arrow, measures.head + i * measures.row, sequence)),
  );
}

function lane(id: string, x: number, { laneWidth }: Sequence, height: number, specs: Specs): string {
  const dash = isOutside(id) ? '4 3' : undefined;
  return (
    element('path', {
      d: `M${x} ${measures.head}V${height}`,
      stroke: tokenColour('line-strong'),
      'stroke-dasharray': dash,
    }) +
    textAt(x, 19, clipped(nameOf(id, specs), laneWidth - 12, 12), {
      'text-anchor': 'middle',
      'font-weight': 600,
      fill: tokenColour('ink'),
    })
  );
}

function row(arrow: Arrow, top: number, sequence: Sequence): string {
  const start = laneX(sequence.lanes.indexOf(arrow.from), sequence);
  const end = laneX(sequence.lanes.indexOf(arrow.to), sequence);
  const stroke = tokenColour(arrow.lost ? 'bad' : arrow.transport === 'udp' ? 'good' : 'info');
  const line = { fill: 'none', stroke, 'stroke-width': 1.4 };
  const text = `${firstLine(arrow.text)}${arrow.lost ? ' · not received' : ''}`;
  const span = Math.max(Math.abs(end - start), sequence.laneWidth);
  const mono = { 'font-family': 'monospace', 'font-size': fontSize };
  return element(
    'g',
    { transform: `translate(0 ${top})` },
    textAt(10, 24, formatTime(arrow.at, true), { ...mono, fill: tokenColour('ink-2') }),
    textAt(Math.min(start, end) + span / 2, 15, clipped(text, span - 12, fontSize), {
      ...mono,
      'text-anchor': 'middle',
      fill: tokenColour(arrow.lost ? 'bad' : 'ink'),
    }),
    element('path', {
      ...line,
      d: shaftPath(start, end),
      'stroke-dasharray': arrow.transport === 'udp' ? '5 3' : undefined,
    }),
    element('path', { ...line, d: headPath(start, end) }),
    arrow.lost ? element('path', { ...line, d: crossPath(start, end) }) : '',
  );
}
