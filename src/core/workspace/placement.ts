/** Where a new node goes on the canvas. */
import type { NodeManifest } from '../../contract/manifest';
import type { NodeSpec } from '../../contract/workspace';

type Position = NodeSpec['position'];

/** Room that a node takes on the canvas, its margin included, in canvas units. */
const ROOM = { width: 280, height: 160 };
/** Distance between the columns of the tiers. */
const COLUMN = 320;
/** Nodes in a column; further ones stand to the right of it, so that a hundred make a field, not a tower. */
const ROWS = 10;

/** Places of the innermost circle, for kinds that stand in one; each further circle has twice as many. */
const CIRCLE_PLACES = 6;

/** The first free place in the column where the kind already stands, else in that of its tier, or right of those. */
export function placeInTier(nodes: readonly NodeSpec[], manifest: NodeManifest): Position {
  if (manifest.layout === 'circle') return placeInCircle(nodes, manifest);
  const like = nodes.findLast((node) => node.kind === manifest.id);
  const x = like?.position.x ?? manifest.tier * COLUMN;
  for (let place = 0; ; place++) {
    const position = { x: x + Math.floor(place / ROWS) * COLUMN, y: (place % ROWS) * ROOM.height };
    if (isFree(nodes, position)) return position;
  }
}

/** Clockwise from the first node of the kind, which stands at the top. */
function placeInCircle(nodes: readonly NodeSpec[], manifest: NodeManifest): Position {
  const first = nodes.find((node) => node.kind === manifest.id)?.position;
  const top = first ?? { x: manifest.tier * COLUMN, y: -radiusOf(CIRCLE_PLACES) };
  const centre = { x: top.x, y: top.y + radiusOf(CIRCLE_PLACES) };
  for (let places = CIRCLE_PLACES; ; places *= 2) {
    for (let at = 0; at < places; at++) {
      const angle = (2 * Math.PI * at) / places;
      const x = Math.round(centre.x + radiusOf(places) * Math.sin(angle));
      const y = Math.round(centre.y - radiusOf(places) * Math.cos(angle));
      if (isFree(nodes, { x, y })) return { x, y };
    }
  }
}

/** A little more than the diagonal of a node's room, so that neither neighbours nor circles touch. */
const CIRCLE_PITCH = 1.1 * Math.hypot(ROOM.width, ROOM.height);

/** Of a circle on which neighbours are that far apart. */
function radiusOf(places: number): number {
  return CIRCLE_PITCH / (2 * Math.sin(Math.PI / places));
}

/** `wanted` itself where it is free, else the nearest free place on rings of growing size around it. */
export function placeNear(nodes: readonly NodeSpec[], wanted: Position): Position {
  for (let ring = 0; ; ring++) {
    for (const [dx, dy] of ringOffsets(ring)) {
      const position = { x: wanted.x + (dx * ROOM.width) / 2, y: wanted.y + (dy * ROOM.height) / 2 };
      if (isFree(nodes, position)) return position;
    }
  }
}

function ringOffsets(ring: number): [number, number][] {
  if (ring === 0) return [[0, 0]];
  const offsets: [number, number][] = [];
  for (let at = -ring; at <= ring; at++) {
    offsets.push([at, ring], [at, -ring]);
    if (Math.abs(at) !== ring) offsets.push([ring, at], [-ring, at]);
  }
  return offsets.sort(([ax, ay], [bx, by]) => ax * ax + ay * ay - (bx * bx + by * by));
}

function isFree(nodes: readonly NodeSpec[], { x, y }: Position): boolean {
  return nodes.every(
    (node) => Math.abs(node.position.x - x) >= ROOM.width || Math.abs(node.position.y - y) >= ROOM.height,
  );
}
