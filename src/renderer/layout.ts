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

interface LayoutColumn {
  nodes: NodeSpec[];
  /** Two tiers share it. */
  isStacked: boolean;
}

function columnsOf(specs: readonly NodeSpec[]): LayoutColumn[] {
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
    } else columns.push({ nodes: [...nodes], isStacked: false });
  });
  return columns;
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
