/** The other automatic layout: nodes repel, links pull, cards never overlap. Same input, same picture. */
import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY } from 'd3-force';
import type { NodeSpec } from '../contract/workspace';
import { linksOf } from './graph';
import { cardSize, gridStep, type Point } from './layout';

interface Body {
  id: string;
  x: number;
  y: number;
}

const ticks = 160;

export function forceLayout(specs: readonly NodeSpec[]): Record<string, Point> {
  const bodies: Body[] = specs.map(({ id, position }) => ({ id, ...position }));
  const known = new Set(bodies.map(({ id }) => id));
  const links = linksOf(specs)
    .filter(({ from, to }) => known.has(from) && known.has(to))
    .map(({ from, to }) => ({ source: from, target: to }));
  const simulation = forceSimulation(bodies)
    .force('charge', forceManyBody().strength(-900).distanceMax(1600))
    .force(
      'link',
      forceLink<Body, { source: string; target: string }>(links)
        .id((body) => body.id)
        .distance(260),
    )
    .force('apart', forceCollide(cardSize.width * 0.62))
    .force('x', forceX().strength(0.04))
    .force('y', forceY().strength(0.08))
    .stop();
  simulation.tick(ticks);
  const snap = (value: number): number => Math.round(value / gridStep) * gridStep;
  return Object.fromEntries(bodies.map(({ id, x, y }) => [id, { x: snap(x), y: snap(y) }]));
}
