import { describe, expect, it } from 'vitest';
import type { StudioEvent } from '../../../contract/events';
import { reduce, type StudioState } from '../../studio-store';
import { flow, microCdn, snapshotOf, spec, view } from '../../testing/network';
import { type Chart, chartsOf, latestOf, spanOf } from './charts';
import { type Sample, sampleBetween } from './sample';
import { slidingSums } from './sliding';

const specs = [...microCdn(1), spec('cache', 'cache-proxy', 'Cache1')];

function start(): StudioState {
  const state = reduce(null, { type: 'snapshot', snapshot: snapshotOf(specs), now: 0 });
  if (!state) throw new Error('A snapshot gives a state.');
  return state;
}

function following(state: StudioState, events: StudioEvent[]): StudioState {
  const batches = [{ seq: state.seq + 1, events }];
  return reduce(state, { type: 'batches', batches, now: 0 }) as StudioState;
}

const node = (id: string, change: Parameters<typeof view>[1]): StudioEvent => ({
  type: 'node',
  node: view(id, change),
});

describe('a sample', () => {
  it('counts the bytes of a link at both ends, and once in all', () => {
    const before = start();
    const moved = flow({ from: 'cs1', to: 'index', sentBytes: 300, receivedBytes: 100 });
    const after = following(before, [{ type: 'flows', flows: [moved] }]);
    const sample = sampleBetween(before, after, 2, 1000);
    expect(sample.bytes).toBe(200);
    expect(sample.nodes.get('cs1')?.bytes).toBe(200);
    expect(sample.nodes.get('index')?.bytes).toBe(200);
    expect(sample.nodes.has('monitor')).toBe(false);
    expect(sampleBetween(after, after, 1, 2000)).toEqual({ at: 2000, nodes: new Map(), bytes: 0 });
  });

  it('begins again where a restarted node begins', () => {
    const before = following(start(), [node('index', { counters: { lookups: 50 } })]);
    const after = following(before, [node('index', { counters: { lookups: 4, lookupsNotFound: 2 } })]);
    expect(sampleBetween(before, after, 1, 0).nodes.get('index')?.answers).toBe(6);
  });

  it('has what a cache saved and how long answers took since the last one', () => {
    const effect = (requests: number, hits: number) => ({
      snapshot: { requests, hits, clientBytes: requests * 10, byteHitRatio: 0.5 },
    });
    const before = following(start(), [node('cache', { ...effect(10, 2), latencies: [1, 4] })]);
    const after = following(before, [node('cache', { ...effect(14, 5), latencies: [1, 6, 2] })]);
    const sample = sampleBetween(before, after, 1, 0).nodes.get('cache');
    expect(sample?.latencies).toEqual([0, 2, 2]);
    expect(sample?.cache).toEqual({ requests: 4, hits: 3, bytes: 40, hitBytes: 20 });
  });

  it('knows no bytes over more time than flows are remembered', () => {
    const before = start();
    const after = following(before, [
      { type: 'flows', flows: [flow({ from: 'cs1', to: 'index', sentBytes: 300 })] },
      node('index', { counters: { lookups: 60 } }),
    ]);
    const sample = sampleBetween(before, after, 60, 0);
    expect(sample.bytes).toBeNull();
    expect(sample.nodes.get('index')).toEqual({ bytes: null, answers: 1 });
  });
});

describe('sliding sums', () => {
  it('forget what has left the window', () => {
    expect(slidingSums([[1], [2], [3], [4]], 2)).toEqual([[1], [3], [5], [7]]);
    expect(slidingSums([], 3)).toEqual([]);
  });
});

describe('the charts', () => {
  const sample = (at: number, nodes: Sample['nodes'] = new Map(), bytes = 0): Sample => ({
    at,
    nodes,
    bytes,
  });
  const chart = (id: string, samples: Sample[], chosen: string[] = [], monitors: object[] = []): Chart =>
    chartsOf(samples, specs, new Set(chosen), monitors).find((one) => one.id === id) as Chart;

  it('show all together and each node that moved anything, in the order of the workspace', () => {
    const nodes = new Map([
      ['cs1', { bytes: 9, answers: 0 }],
      ['index', { bytes: 1, answers: 0 }],
    ]);
    const { lines } = chart('throughput', [sample(1, nodes, 9), sample(2)]);
    expect(lines.map(({ label, values }) => [label, values])).toEqual([
      ['All', [9, 0]],
      ['Index1', [1, 0]],
      ['CS1', [9, 0]],
    ]);
    const alone = chart('throughput', [sample(1, nodes, 9)], ['cs1']).lines;
    expect(alone.map(({ label }) => label)).toEqual(['CS1']);
    expect(alone[0]?.colour).toBe(lines[2]?.colour);
  });

  it('know ratios and percentiles only where something was asked', () => {
    const cache = { requests: 4, hits: 3, bytes: 40, hitBytes: 10 };
    const samples = [
      sample(1),
      sample(2, new Map([['cache', { bytes: 0, answers: 4, cache, latencies: [0, 9, 1] }]])),
    ];
    expect(chart('hits', samples).lines.map(({ values }) => values)).toEqual([
      [null, 0.75],
      [null, 0.25],
    ]);
    const [median, p95] = chart('latency', samples).lines;
    expect(median?.values[0]).toBeNull();
    expect(median?.values[1]).toBeLessThan(p95?.values[1] as number);
    expect(chart('latency', samples, ['index']).lines).toEqual([]);
  });

  it('draw deaths at the moment of the verdict, and an index that was not told as unknown', () => {
    const detections = [{ serverId: 'CS1', lastHeartbeat: 1000, declaredAt: 9000 }];
    const { times, lines } = chart('detection', [sample(5000), sample(9500)], [], [{ detections }]);
    expect(times).toEqual([5000, 9000, 9500]);
    expect(lines.map(latestOf)).toEqual([8000, null]);
  });
});

describe('the time axis', () => {
  it('spans a minute around the first sample, and all of them once they take longer', () => {
    expect(spanOf([1000])).toEqual([940, 1000]);
    expect(spanOf([1000, 1001])).toEqual([941, 1001]);
    expect(spanOf([1000, 1090])).toEqual([1000, 1090]);
  });
});
