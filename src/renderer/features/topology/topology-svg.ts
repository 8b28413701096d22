/** The network as a picture of its own: nodes, links, states and faults, as the canvas has them, all of it in view. */
import { manifestOf } from '../../../nodes/manifests';
import { clipped, element, svgDocument, textAt } from '../../export/svg';
import { type LinkMark, linkMarks, nodeBadge } from '../../fault-links';
import { type GraphLink, graphOf } from '../../graph';
import { kindOf } from '../../kinds/kinds';
import { cardSize, type Point } from '../../layout';
import { stateIn, tones } from '../../node-state';
import type { StudioState } from '../../studio-store';
import { tokenColour } from '../../token-colours';
import { stateLabels } from '../../ui/status';
import { badgeFont, badgeSize } from './badge-size';
import { type Box, lineBetween, pointOn } from './geometry';
import { linkLooks, transientDash } from './link-looks';
import { outsideSize } from './outside-card';

const margin = 32;

/** @param positions of nodes and of programs outside; what has none is left out */
export function topologySvg(state: StudioState, positions: ReadonlyMap<string, Point>): string {
  const graph = graphOf(state);
  const boxes = new Map<string, Box>();
  const place = (id: string, size: { width: number; height: number }): void => {
    const position = positions.get(id);
    if (position) boxes.set(id, { ...position, ...size });
  };
  for (const id of state.specs.keys()) place(id, cardSize);
  for (const { id } of graph.outside) place(id, outsideSize);
  const marks = linkMarks(state.faults);
  return svgDocument(
    frameOf([...boxes.values()]),
    tokenColour('canvas'),
    ...graph.links.map((link) => linkPicture(link, boxes, marks.get(link.id))),
    ...[...state.specs.keys()].map((id) => nodePicture(id, boxes.get(id), state)),
    ...graph.outside.map(({ id, label, address }) => outsidePicture(boxes.get(id), label, address)),
  );
}

function frameOf(boxes: readonly Box[]): Box & { left: number; top: number } {
  const left = Math.min(...boxes.map(({ x }) => x)) - margin;
  const top = Math.min(...boxes.map(({ y }) => y)) - margin;
  const width = Math.max(...boxes.map((box) => box.x + box.width)) + margin - left;
  const height = Math.max(...boxes.map((box) => box.y + box.height)) + margin - top;
  return boxes.length === 0
    ? { x: 0, y: 0, left: 0, top: 0, width: 320, height: 200 }
    : { x: left, y: top, left, top, width, height };
}

function linkPicture(link: GraphLink, boxes: ReadonlyMap<string, Box>, mark: LinkMark | undefined): string {
  const from = boxes.get(link.source);
  const to = boxes.get(link.target);
  const line = from && to ? lineBetween(from, to) : null;
  if (!line) return '';
  const look = mark && linkLooks[mark.look];
  const middle = pointOn(line, 0.5);
  const label = link.transient ? pointOn(line, 0.28) : middle;
  return (
    element('path', {
      d: `M${line.x1} ${line.y1}L${line.x2} ${line.y2}`,
      stroke: tokenColour(look?.tone ?? 'link'),
      'stroke-width': look?.width ?? 1.25,
      'stroke-opacity': look?.opacity,
      'stroke-dasharray': look?.dash ?? (link.transient ? transientDash : undefined),
    }) +
    (mark ? badgePicture(mark, middle) : '') +
    textAt(label.x, label.y - (mark ? 15 : 5), link.roles.join(', '), {
      // The halo keeps the text readable over other links.
      'paint-order': 'stroke',
      stroke: tokenColour('canvas'),
      'stroke-width': 5,
      'text-anchor': 'middle',
      'font-size': 10.5,
      fill: tokenColour('ink-3'),
    })
  );
}

function badgePicture({ look, text }: LinkMark, at: { x: number; y: number }): string {
  const { width, height, sign, text: place } = badgeSize(text);
  const stroke = tokenColour(linkLooks[look].tone);
  return element(
    'g',
    { transform: `translate(${at.x} ${at.y})` },
    element('rect', {
      x: -width / 2,
      y: -height / 2,
      width,
      height,
      rx: height / 2,
      fill: tokenColour('raised'),
      stroke,
      'stroke-width': 1.2,
    }),
    element('path', {
      d: linkLooks[look].sign,
      transform: `translate(${sign.x} ${sign.y})`,
      fill: 'none',
      stroke,
      'stroke-width': 1.5,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
    }),
    textAt(place.x, place.y, text, {
      'font-size': badgeFont.size,
      'font-weight': badgeFont.weight,
      fill: tokenColour('ink'),
    }),
  );
}

function nodePicture(id: string, box: Box | undefined, state: StudioState): string {
  const spec = state.specs.get(id);
  if (!box || !spec) return '';
  const now = stateIn(state, id);
  const tone = tokenColour(tones[now]);
  const view = state.nodes.get(id);
  const figures = kindOf(spec.kind).figures?.(view?.snapshot ?? {}) ?? [];
  const bottom =
    now === 'crashed' || now === 'stopped'
      ? (view?.reason?.message ?? '')
      : figures.map(({ label, value }) => `${value} ${label}`.trim()).join('  ');
  const badge = nodeBadge(id, state.faults);
  return element(
    'g',
    { transform: `translate(${box.x} ${box.y})` },
    card(box, now === 'running' ? tokenColour('line-strong') : tone, now === 'stopped'),
    textAt(12, 24, clipped(spec.name, 110, 13), {
      'font-size': 13,
      'font-weight': 600,
      fill: tokenColour('ink'),
    }),
    textAt(12, 40, manifestOf(spec.kind)?.label ?? spec.kind, {
      'font-size': 11,
      fill: tokenColour('ink-3'),
    }),
    textAt(box.width - 12, 24, stateLabels[now], { 'font-size': 11, 'text-anchor': 'end', fill: tone }),
    element('path', { d: `M10 51H${box.width - 10}`, stroke: tokenColour('line') }),
    textAt(12, 74, clipped(bottom, box.width - 24, 11), { 'font-size': 11, fill: tokenColour('ink-2') }),
    badge === ''
      ? ''
      : textAt(box.width - 12, -4, `⚠ ${badge}`, {
          'font-size': 10.5,
          'font-weight': 600,
          'text-anchor': 'end',
          fill: tokenColour('warn'),
        }),
  );
}

function outsidePicture(box: Box | undefined, label: string, address: string): string {
  if (!box) return '';
  return element(
    'g',
    { transform: `translate(${box.x} ${box.y})` },
    card(box, tokenColour('line-strong'), true),
    textAt(12, 20, clipped(label, box.width - 24, 12), { 'font-weight': 600, fill: tokenColour('ink') }),
    textAt(12, 36, address, { 'font-size': 11, fill: tokenColour('ink-3') }),
  );
}

function card({ width, height }: Box, stroke: string, isDashed: boolean): string {
  return element('rect', {
    width,
    height,
    rx: 10,
    fill: tokenColour(isDashed ? 'sunken' : 'raised'),
    stroke,
    'stroke-dasharray': isDashed ? '4 3' : undefined,
  });
}
