/** Straight lines between cards, from border to border. */

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Line {
  x1: number;
  y1: number;
  x2: number;
  y2: number;
}

/** The part of the line between two centres that lies outside both boxes; null when the boxes overlap. */
export function lineBetween(from: Box, to: Box, margin = 4): Line | null {
  const a = centre(from);
  const b = centre(to);
  const leave = exitShare(from, b.x - a.x, b.y - a.y, margin);
  const enter = 1 - exitShare(to, a.x - b.x, a.y - b.y, margin);
  if (!(leave < enter)) return null;
  const at = (share: number) => ({ x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share });
  const start = at(leave);
  const end = at(enter);
  return { x1: start.x, y1: start.y, x2: end.x, y2: end.y };
}

/** The point at a share of the way, 0–1. */
export function pointOn({ x1, y1, x2, y2 }: Line, share: number): { x: number; y: number } {
  return { x: x1 + (x2 - x1) * share, y: y1 + (y2 - y1) * share };
}

function centre(box: Box): { x: number; y: number } {
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** How much of the vector (dx, dy) from the centre of a box lies inside it. */
function exitShare(box: Box, dx: number, dy: number, margin: number): number {
  const x = dx === 0 ? Number.POSITIVE_INFINITY : (box.width / 2 + margin) / Math.abs(dx);
  const y = dy === 0 ? Number.POSITIVE_INFINITY : (box.height / 2 + margin) / Math.abs(dy);
  return Math.min(x, y);
}
