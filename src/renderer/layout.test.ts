import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineBetween } from './features/topology/geometry';
import { forceLayout } from './force-layout';
import { cardSize, neighbour, type Point, tierLayout } from './layout';
import { microCdn, spec } from './testing/network';

function overlaps(positions: Record<string, Point>): string[] {
  const all = Object.entries(positions);
  return all.flatMap(([a, p], i) =>
    all
      .slice(i + 1)
      .filter(([, q]) => Math.abs(p.x - q.x) < cardSize.width && Math.abs(p.y - q.y) < cardSize.height)
      .map(([b]) => `${a} ${b}`),
  );
}

describe('tierLayout', () => {
  it('lets no two cards overlap, whatever the size of the network', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 120 }), fc.integer({ min: 0, max: 20 }), (servers, clients) => {
        const specs = [
          ...microCdn(servers),
          ...Array.from({ length: clients }, (_, i) =>
            spec(`c${i}`, 'client', `C${i}`, { index: { node: 'index' } }),
          ),
        ];
        const positions = tierLayout(specs);
        expect(Object.keys(positions)).toHaveLength(specs.length);
        expect(overlaps(positions)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('draws a ring as a ring, in the order of its links, without overlaps', () => {
    for (const size of [1, 2, 3, 8, 50]) {
      const members = Array.from({ length: size }, (_, i) =>
        spec(`r${i}`, 'ring-server', `Ring${i}`, i === 0 ? {} : { prev: { node: `r${i - 1}` } }),
      );
      const at = tierLayout([spec('c', 'ring-client', 'C', { member: { node: 'r0' } }), ...members]);
      expect(overlaps(at)).toEqual([]);
      if (size < 3) continue;
      const points = members.map(({ id }) => at[id] as Point);
      const centre = { x: mean(points.map(({ x }) => x)), y: mean(points.map(({ y }) => y)) };
      const angles = points.map(({ x, y }) => Math.atan2(x - centre.x, centre.y - y));
      const clockwise = angles.map((angle) => (angle + 2 * Math.PI + 0.01) % (2 * Math.PI));
      expect(clockwise).toEqual([...clockwise].sort((a, b) => a - b));
    }
  });

  it('draws peers as a circle of their own', () => {
    const many = (kind: string) => Array.from({ length: 6 }, (_, i) => spec(`${kind}${i}`, kind, kind));
    const at = tierLayout([spec('index', 'p2p-index', 'I'), ...many('p2p-peer'), ...many('ring-server')]);
    expect(overlaps(at)).toEqual([]);
    const xs = (kind: string) => many(kind).map(({ id }) => at[id]?.x ?? 0);
    expect(Math.min(...xs('p2p-peer'))).toBeGreaterThan(at.index?.x ?? 0);
    expect(Math.max(...xs('ring-server')) < Math.min(...xs('p2p-peer'))).toBe(
      Math.min(...xs('ring-server')) < Math.max(...xs('p2p-peer')),
    );
  });

  it('puts clients on the left and servers on the right', () => {
    const { client, index, cs1 } = tierLayout([...microCdn(2), spec('client', 'client', 'Client1')]);
    expect(client?.x).toBeLessThan(index?.x ?? 0);
    expect(index?.x).toBeLessThan(cs1?.x ?? 0);
  });

  it('stacks index and monitor, so that downloads pass between them', () => {
    const specs = [...microCdn(2), spec('client', 'client', 'Client1', { index: { node: 'index' } })];
    const at = tierLayout(specs);
    expect(at.index?.x).toBe(at.monitor?.x);
    const box = (id: string) => ({ ...(at[id] as Point), ...cardSize });
    const download = lineBetween(box('client'), box('cs1'));
    const index = box('index');
    for (let share = 0; share <= 1; share += 0.05) {
      if (!download) throw new Error('The cards do not overlap, so there is a line.');
      const x = download.x1 + (download.x2 - download.x1) * share;
      const y = download.y1 + (download.y2 - download.y1) * share;
      const isInside = x > index.x && x < index.x + index.width && y > index.y && y < index.y + index.height;
      expect(isInside).toBe(false);
    }
  });
});

describe('forceLayout', () => {
  it('gives the same picture for the same network, without overlaps', () => {
    const specs = microCdn(30).map((one, i) => ({ ...one, position: { x: (i % 6) * 10, y: i * 3 } }));
    const positions = forceLayout(specs);
    expect(forceLayout(specs)).toEqual(positions);
    expect(overlaps(positions)).toEqual([]);
  });
});

describe('neighbour', () => {
  const nodes = [
    { id: 'right', position: { x: 300, y: 10 } },
    { id: 'far right', position: { x: 900, y: 0 } },
    { id: 'diagonal', position: { x: 250, y: 400 } },
    { id: 'below', position: { x: 20, y: 200 } },
  ];
  it('prefers what lies straight ahead', () => {
    expect(neighbour({ x: 0, y: 0 }, nodes, 'right')).toBe('right');
    expect(neighbour({ x: 0, y: 0 }, nodes, 'down')).toBe('below');
    expect(neighbour({ x: 0, y: 0 }, nodes, 'left')).toBeNull();
  });
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
