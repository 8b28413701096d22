/** Where nodes stand: by tiers, clients on the left, and a free place for a new one. Pure. */

import type { NodeSpec } from '../contract/workspace';
import { manifestOf } from '../nodes/manifests';
import { linksOf } from './graph';

export interface Point {
  x: number;
  y: number;
}

export const cardSize = { width: 208, height: 90 } as const;
/** `stacked`: between tiers that share a column, wide enough for links to pass between them. */
const gap = { column: 132, subColumn: 40, row: 34, stacked: 150 } as const;
export const gridStep = 8;

/** A tier with more nodes than this is folded into a block of several columns. */
function rowsOf(count: number): number {
  return count <= 6 ? count : Math.max(6, Math.ceil(Math.sqrt(count * 1.6)));
}

/**
 * Columns by tier, each centred on the horizontal axis. A tier that links would have to cross (an index and
 * the content servers, with the monitor between them) is stacked with its left neighbour instead.
 */
export function tierLayout(specs: readonly NodeSpec[]): Record<string, Point> {
  const positions: Record<string, Point> = {};
  let x = 0;
  for (const column of columnsOf(specs)) {
    if (column.isCircle) {
      const circle = circleLayout(column.nodes, x);
      Object.assign(positions, circle.positions);
      x += circle.width + gap.column;
      continue;
    }
    const rows = rowsOf(column.nodes.length);
    const pitch = cardSize.height + (column.isStacked ? gap.stacked : gap.row);
    column.nodes.forEach((spec, i) => {
      const inColumn = Math.min(rows, column.nodes.length - Math.floor(i / rows) * rows);
      const height = (inColumn - 1) * pitch + cardSize.height;
      positions[spec.id] = {
        x: x + Math.floor(i / rows) * (cardSize.width + gap.subColumn),
        y: snap((i % rows) * pitch - height / 2),
      };
    });
    const columns = Math.ceil(column.nodes.length / rows);
    x += columns * (cardSize.width + gap.subColumn) - gap.subColumn + gap.column;
  }
  return positions;
}

/**
 * Nodes of a kind that stands in a circle, the first at the top, clockwise; its left edge is at `left`. Two
 * neighbours are a card's diagonal apart, so that no two cards overlap, however many there are.
 */
function circleLayout(
  specs: readonly NodeSpec[],
  left: number,
): { positions: Record<string, Point>; width: number } {
  const apart = Math.hypot(cardSize.width + gap.subColumn, cardSize.height + gap.row);
  const radius = specs.length < 2 ? 0 : apart / (2 * Math.sin(Math.PI / specs.length));
  const positions: Record<string, Point> = {};
  circleOrder(specs).forEach((spec, i) => {
    const angle = (2 * Math.PI * i) / specs.length;
    positions[spec.id] = {
      x: snap(left + radius * (1 + Math.sin(angle))),
      y: snap(-radius * Math.cos(angle) - cardSize.height / 2),
    };
  });
  return { positions, width: 2 * radius + cardSize.width };
}

/** The order in which members stand in the ring: each after the one that it joins at. */
function circleOrder(specs: readonly NodeSpec[]): NodeSpec[] {
  const ids = new Set(specs.map(({ id }) => id));
  const predecessors = new Map(
    linksOf(specs).flatMap(({ from, to }) => (ids.has(to) ? [[from, to] as const] : [])),
  );
  const order: NodeSpec[] = [];
  for (const spec of specs) {
    const at = order.findIndex(({ id }) => id === predecessors.get(spec.id));
    order.splice(at < 0 ? order.length : at + 1, 0, spec);
  }
  return order;
}

interface LayoutColumn {
  nodes: NodeSpec[];
  /** Two tiers share it. */
  isStacked: boolean;
  isCircle: boolean;
}

function columnsOf(specs: readonly NodeSpec[]): LayoutColumn[] {
  let columns = tierColumns(specs.filter((spec) => !isInCircle(spec)));
  const circles = specs.filter(isInCircle);
  // Members of a ring and peers are no circle together.
  for (const kind of new Set(circles.map((spec) => spec.kind))) {
    const nodes = circles.filter((spec) => spec.kind === kind);
    const tier = tierOf(nodes[0] as NodeSpec);
    const at = columns.findIndex((column) => column.nodes.some((node) => tierOf(node) > tier));
    const circle = { nodes, isStacked: false, isCircle: true };
    columns = at < 0 ? [...columns, circle] : columns.toSpliced(at, 0, circle);
  }
  return columns;
}

function tierColumns(specs: readonly NodeSpec[]): LayoutColumn[] {
  const tiers = new Map<number, NodeSpec[]>();
  for (const spec of specs) tiers.set(tierOf(spec), [...(tiers.get(tierOf(spec)) ?? []), spec]);
  const order = [...tiers.keys()].sort((a, b) => a - b);
  const spans = spansOf(specs);
  const columns: LayoutColumn[] = [];
  order.forEach((tier, i) => {
    const nodes = tiers.get(tier) ?? [];
    const left = columns.at(-1);
    const before = order[i - 1];
    const isCrossed = spans.some(([low, high]) => low === before && high > tier);
    if (left && isCrossed && left.nodes.length + nodes.length <= 6) {
      left.nodes.push(...nodes);
      left.isStacked = true;
    } else columns.push({ nodes: [...nodes], isStacked: false, isCircle: false });
  });
  return columns;
}

function isInCircle(spec: NodeSpec): boolean {
  return manifestOf(spec.kind)?.layout === 'circle';
}

/** The tiers at both ends of each link, the lower one first. */
function spansOf(specs: readonly NodeSpec[]): (readonly [number, number])[] {
  const tierById = new Map(specs.map((spec) => [spec.id, tierOf(spec)]));
  return linksOf(specs).flatMap(({ from, to }) => {
    const a = tierById.get(from);
    const b = tierById.get(to);
    return a === undefined || b === undefined ? [] : [[Math.min(a, b), Math.max(a, b)] as const];
  });
}

function tierOf(spec: NodeSpec): number {
  return manifestOf(spec.kind)?.tier ?? 0;
}

function snap(value: number): number {
  return Math.round(value / gridStep) * gridStep;
}

/** The node nearest to `from` in a direction, for the arrow keys: near the axis counts more than near. */
export function neighbour(
  from: Point,
  others: readonly { id: string; position: Point }[],
  direction: 'left' | 'right' | 'up' | 'down',
): string | null {
  let best: { id: string; cost: number } | null = null;
  for (const { id, position } of others) {
    const dx = position.x - from.x;
    const dy = position.y - from.y;
    const [along, across] =
      direction === 'left'
        ? [-dx, dy]
        : direction === 'right'
          ? [dx, dy]
          : direction === 'up'
            ? [-dy, dx]
            : [dy, dx];
    if (along <= 1) continue;
    const cost = along + 2 * Math.abs(across);
    if (!best || cost < best.cost) best = { id, cost };
  }
  return best?.id ?? null;
}
