/** Where nodes stand: by tiers, clients on the left, and a free place for a new one. Pure. */

import type { NodeSpec } from '../contract/workspace';
import { manifestOf } from '../nodes/manifests';
import { linksOf } from './graph';

export interface Point {
  x: number;
  y: number;
}

export const cardSize = { width: 208, height: 90 } as const;
const gap = { column: 132, subColumn: 40, row: 34 } as const;
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
    const rows = rowsOf(column.length);
    const columns = Math.ceil(column.length / rows);
    column.forEach((spec, i) => {
      const inColumn = Math.min(rows, column.length - Math.floor(i / rows) * rows);
      const height = inColumn * (cardSize.height + gap.row) - gap.row;
      positions[spec.id] = {
        x: x + Math.floor(i / rows) * (cardSize.width + gap.subColumn),
        y: snap((i % rows) * (cardSize.height + gap.row) - height / 2),
      };
    });
    x += columns * (cardSize.width + gap.subColumn) - gap.subColumn + gap.column;
  }
  return positions;
}

function columnsOf(specs: readonly NodeSpec[]): NodeSpec[][] {
  const tiers = new Map<number, NodeSpec[]>();
  for (const spec of specs) {
    const tier = tierOf(spec);
    tiers.set(tier, [...(tiers.get(tier) ?? []), spec]);
  }
  const order = [...tiers.keys()].sort((a, b) => a - b);
  const tierById = new Map(specs.map((spec) => [spec.id, tierOf(spec)]));
  const spans = linksOf(specs)
    .map((link) => [tierById.get(link.from), tierById.get(link.to)])
    .filter((span): span is [number, number] => span[0] !== undefined && span[1] !== undefined)
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const columns: NodeSpec[][] = [];
  order.forEach((tier, i) => {
    const nodes = tiers.get(tier) ?? [];
    const left = columns.at(-1);
    const before = order[i - 1];
    const crossed = before !== undefined && spans.some(([low, high]) => low === before && high > tier);
    if (left && crossed && left.length + nodes.length <= 6) left.push(...nodes);
    else columns.push([...nodes]);
  });
  return columns;
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
