import { describe, expect, it } from 'vitest';
import { reduce, type StudioState } from '../../studio-store';
import { microCdn, snapshotOf, view } from '../../testing/network';
import { problemsOf } from './problems-model';

const studio = (change: Parameters<typeof snapshotOf>[1] = {}): StudioState =>
  reduce(null, { type: 'snapshot', snapshot: snapshotOf(microCdn(2), change), now: 0 }) as StudioState;

describe('problemsOf', () => {
  it('lists crashes, hung nodes, lateness and files that are held back', () => {
    const state = studio({
      nodes: [
        view('index', { phase: 'crashed', reason: { code: 'EADDRINUSE', message: 'Port 5050 is in use.' } }),
        view('monitor', { phase: 'stopping', deadline: 10, waitingFor: '2 clients' }),
        view('cs1', { snapshot: { heldBack: [{ name: 'a b.txt', reason: 'a space' }] } }),
        view('cs2'),
      ],
      faults: [{ id: 'hang-cs2', kind: 'hang', node: 'cs2', scope: {}, params: {}, enabled: true }],
    });
    expect(problemsOf(state, 5).map(({ id }) => id)).toEqual(['crashed index', 'held cs1', 'hung cs2']);
    expect(problemsOf(state, 11).map(({ id }) => id)).toContain('late monitor');
    expect(problemsOf(state, 5)[0]).toMatchObject({ tab: 'config', remedy: { action: 'start' } });
    expect(problemsOf(studio(), 0)).toEqual([]);
  });
});
