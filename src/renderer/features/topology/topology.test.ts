import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../../../contract/workspace';
import { pairKey } from '../../graph';
import { reduce, type StudioState } from '../../studio-store';
import { flow, heartbeat, microCdn, snapshotOf } from '../../testing/network';
import { lineBetween } from './geometry';
import { hopMs, ParticleField, streamWidth, travelMs } from './particles';

describe('lineBetween', () => {
  const box = (x: number, y: number) => ({ x, y, width: 100, height: 50 });
  it('runs from border to border', () => {
    expect(lineBetween(box(0, 0), box(300, 0), 0)).toEqual({ x1: 100, y1: 25, x2: 300, y2: 25 });
    expect(lineBetween(box(0, 200), box(0, 0), 0)).toEqual({ x1: 50, y1: 200, x2: 50, y2: 50 });
  });
  it('is nothing where the boxes touch', () => {
    expect(lineBetween(box(0, 0), box(20, 10))).toBeNull();
    expect(lineBetween(box(0, 0), box(0, 0))).toBeNull();
  });
});

describe('ParticleField', () => {
  const start = reduce(null, { type: 'snapshot', snapshot: snapshotOf(microCdn(3)), now: 0 }) as StudioState;
  const push = (state: StudioState, ...flows: ReturnType<typeof flow>[]): StudioState =>
    reduce(state, {
      type: 'batches',
      batches: [{ seq: state.seq + 1, events: [{ type: 'flows', flows }] }],
      now: 0,
    }) as StudioState;

  it('sends one particle for each heartbeat, which arrives and is gone', () => {
    const field = new ParticleField();
    field.feed(start.flows, start.specs, 0);
    const first = push(start, heartbeat('cs1'));
    field.feed(first.flows, first.specs, 0);
    field.feed(push(first, heartbeat('cs1')).flows, start.specs, 100);
    expect(field.particles).toMatchObject([
      { link: pairKey('cs1', 'monitor'), fromNode: 'cs1', toNode: 'monitor', startedAt: 0 },
      { startedAt: 100 },
    ]);
    expect(field.advance(travelMs + 50)).toBe(true);
    expect(field.particles).toHaveLength(1);
    expect(field.advance(travelMs + 100)).toBe(false);
  });

  it('does not replay what happened before it was opened', () => {
    const field = new ParticleField();
    const busy = push(start, heartbeat('cs1'));
    field.feed(busy.flows, busy.specs, 0);
    expect(field.particles).toEqual([]);
  });

  it('draws few particles for a burst', () => {
    const field = new ParticleField();
    field.feed(start.flows, start.specs, 0);
    const busy = push(start, flow({ from: 'cs1', to: 'index', role: 'lookup', opened: 5000 }));
    field.feed(busy.flows, busy.specs, 0);
    expect(field.particles.length).toBeLessThan(10);
  });

  describe('of a message that goes round', () => {
    const step = (n: number): ReturnType<typeof flow> =>
      flow({
        from: `r${n}`,
        to: `r${(n % 3) + 1}`,
        role: 'ring',
        open: 1,
        hops: [{ message: 'put', step: n }],
      });
    const ways = (field: ParticleField) =>
      field.particles
        .toSorted((a, b) => a.startedAt - b.startedAt)
        .map(({ fromNode, toNode, startedAt }) => [fromNode.slice(-2), toNode.slice(-2), startedAt]);
    const specs = new Map(
      ['r1', 'r2', 'r3'].map((id) => [id, { id, kind: 'ring-server' } as unknown as NodeSpec]),
    );

    it('is one after the other round the circle, in whatever order the members report', () => {
      const field = new ParticleField();
      field.feed(start.flows, specs, 0);
      const second = push(start, step(2));
      field.feed(second.flows, specs, 1000);
      const all = push(second, step(3), step(1));
      field.feed(all.flows, specs, 1050);
      field.feed(push(all, flow({ from: 'r1', to: 'r2', role: 'ring' })).flows, specs, 1100);
      expect(ways(field)).toEqual([
        ['r1', 'r2', 1050],
        ['r2', 'r3', 1000 + hopMs],
        ['r3', 'r1', 1000 + 2 * hopMs],
      ]);
    });

    it('is where the message is when it takes its time', () => {
      const field = new ParticleField();
      field.feed(start.flows, specs, 0);
      const first = push(start, step(1));
      field.feed(first.flows, specs, 1000);
      field.feed(push(first, step(2)).flows, specs, 9000);
      expect(ways(field)).toEqual([
        ['r1', 'r2', 1000],
        ['r2', 'r3', 9000],
      ]);
    });
  });

  it('streams towards the side that receives', () => {
    const field = new ParticleField();
    const busy = push(start, flow({ from: 'cs2', to: 'cs1', role: 'transfer', receivedBytes: 10_000_000 }));
    field.feed(busy.flows, busy.specs, 0);
    expect(field.streams).toMatchObject([{ fromNode: 'cs1', toNode: 'cs2', bytesPerSecond: 50_000_000 }]);
  });

  it('draws faster streams thicker, within reason', () => {
    const widths = [1, 1e5, 1e7, 1e9, 1e12].map(streamWidth);
    expect(widths).toEqual([...widths].sort((a, b) => a - b));
    expect(widths[0]).toBe(2);
    expect(widths.at(-1)).toBe(8);
  });
});
