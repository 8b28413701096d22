import { expect, it } from 'vitest';
import type { NodeSpec } from '../../contract/workspace';
import { manifest as server } from '../../nodes/content-server/manifest';
import { manifest as ring } from '../../nodes/ring-server/manifest';
import { placeInTier } from './placement';

it('a hundred servers stand in a field, none on another', () => {
  const nodes: NodeSpec[] = [];
  for (let n = 0; n < 100; n++) {
    const position = placeInTier(nodes, server);
    nodes.push({ id: `s${n}`, kind: server.id, name: `CS${n}`, position, config: {} });
  }
  const across = (of: 'x' | 'y') => new Set(nodes.map(({ position }) => position[of])).size;
  expect([across('x'), across('y')]).toEqual([10, 10]);
  expect(new Set(nodes.map(({ position }) => `${position.x} ${position.y}`)).size).toBe(100);
});

it('new ring members stand in circles around one centre, and never on another', () => {
  const nodes: NodeSpec[] = [];
  for (let n = 0; n < 18; n++) {
    const position = placeInTier(nodes, ring);
    nodes.push({ id: `r${n}`, kind: ring.id, name: `Ring${n}`, position, config: {} });
  }
  const at = (n: number) => (nodes[n] as NodeSpec).position;
  const centre = { x: (at(0).x + at(3).x) / 2, y: (at(0).y + at(3).y) / 2 };
  const distance = (n: number): number => Math.hypot(at(n).x - centre.x, at(n).y - centre.y);
  for (let n = 1; n < 6; n++) expect(distance(n)).toBeCloseTo(distance(0), -1);
  for (let n = 7; n < 18; n++) expect(distance(n)).toBeCloseTo(distance(6), -1);
  expect(new Set(nodes.map(({ position }) => `${position.x} ${position.y}`)).size).toBe(18);
});
