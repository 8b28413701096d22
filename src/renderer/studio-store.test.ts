import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEntry, LogLine, StudioEvent, TransferView } from '../contract/events';
import { sinceIn } from './node-state';
import { activeFaults, limits, reduce, type StudioState } from './studio-store';
import { flow, heartbeat, microCdn, snapshotOf, view } from './testing/network';

const start = (): StudioState => {
  const state = reduce(null, { type: 'snapshot', snapshot: snapshotOf(microCdn(2)), now: 0 });
  if (!state) throw new Error('A snapshot gives a state.');
  return state;
};

function following(state: StudioState, events: StudioEvent[], now = 0): StudioState {
  const next = reduce(state, { type: 'batches', batches: [{ seq: state.seq + 1, events }], now });
  if (!next) throw new Error('A state stays a state.');
  return next;
}

const tick = (state: StudioState, now: number) => reduce(state, { type: 'tick', now }) as StudioState;

const entry = (seq: number): JournalEntry => ({
  seq,
  at: seq,
  level: 'info',
  type: 'x',
  text: `entry ${seq}`,
});
const line = (node: string, seq: number): LogLine => ({ seq, node, at: 0, level: 'info', text: `${seq}` });
const transfer = (id: string, bytes: number): TransferView => ({
  id,
  name: 'a.txt',
  client: 'c',
  phase: 'running',
  bytes,
  bytesPerSecond: 0,
  startedAt: 0,
  segments: [],
  marks: [],
});

describe('the reducer', () => {
  it('has no state before the first snapshot', () => {
    expect(reduce(null, { type: 'batches', batches: [{ seq: 1, events: [] }], now: 0 })).toBeNull();
  });

  it('replaces a node and leaves the former state and all other nodes as they were', () => {
    const before = start();
    const next = following(before, [{ type: 'node', node: view('cs1', { phase: 'crashed' }) }]);
    expect(next.nodes.get('cs1')?.phase).toBe('crashed');
    expect(before.nodes.get('cs1')?.phase).toBe('running');
    expect(next.nodes.get('cs2')).toBe(before.nodes.get('cs2'));
    expect(next.transfers).toBe(before.transfers);
  });

  it('knows what the recorder does', () => {
    expect(start().recorder).toEqual({ phase: 'idle' });
    const recorder = { phase: 'recording' as const, startedAt: 5, steps: 1 };
    expect(following(start(), [{ type: 'recorder', recorder }]).recorder).toBe(recorder);
  });

  it('leaves out batches that the snapshot already contained', () => {
    const before = { ...start(), seq: 7 };
    const next = reduce(before, {
      type: 'batches',
      batches: [{ seq: 7, events: [{ type: 'node-removed', id: 'cs1' }] }],
      now: 0,
    });
    expect(next?.nodes.has('cs1')).toBe(true);
  });

  it('keeps transfers in order of their start while they are updated', () => {
    let state = following(start(), [
      { type: 'transfer', transfer: transfer('t1', 0) },
      { type: 'transfer', transfer: transfer('t2', 0) },
    ]);
    state = following(state, [{ type: 'transfer', transfer: transfer('t1', 10) }]);
    expect([...state.transfers.values()].map(({ id, bytes }) => [id, bytes])).toEqual([
      ['t1', 10],
      ['t2', 0],
    ]);
    expect(following(state, [{ type: 'transfer-removed', id: 't1' }]).transfers.has('t1')).toBe(false);
  });

  it('says that a node hangs while the fault is on', () => {
    const fault = {
      id: 'hang-cs1',
      kind: 'hang',
      node: 'cs1',
      scope: {},
      params: {},
      since: 5000,
      enabled: true,
    };
    const hung = following(start(), [{ type: 'faults', faults: [fault] }]);
    expect([...hung.hung.keys()]).toEqual(['cs1']);
    // Not since its process runs.
    expect(sinceIn(hung, 'cs1')).toBe(5000);
    expect(activeFaults(hung)).toHaveLength(1);
    expect(following(hung, [{ type: 'faults', faults: [{ ...fault, enabled: false }] }]).hung.size).toBe(0);
  });

  it('forgets what belonged to another workspace', () => {
    const busy = following(start(), [
      { type: 'flows', flows: [heartbeat('cs1')] },
      { type: 'logs', lines: [line('cs1', 1)] },
    ]);
    const other = { ...busy.workspace, path: '/data/other.json' };
    const next = following(busy, [{ type: 'workspace', workspace: other }]);
    expect(next.flows.size + next.logs.size).toBe(0);
  });

  it('asks for files again after each change', () => {
    const before = start();
    const next = following(before, [{ type: 'files-changed', node: 'cs1' }]);
    expect(next.filesVersion.get('cs1')).toBe((before.filesVersion.get('cs1') ?? 0) + 1);
    expect(next.catalogueVersion).toBeGreaterThan(before.catalogueVersion);
  });
});

describe('lists', () => {
  it('never hold an entry twice or out of order, however the batches are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 12 }), (ends) => {
        let state = start();
        let known = 0;
        for (const end of ends) {
          // Batches overlap when history and live lines cross.
          const from = Math.max(1, known - 3);
          if (end < from) continue;
          const entries = Array.from({ length: end - from + 1 }, (_, i) => entry(from + i));
          state = following(state, [{ type: 'journal', entries }]);
          known = Math.max(known, end);
        }
        expect(state.journal.map(({ seq }) => seq)).toEqual(Array.from({ length: known }, (_, i) => i + 1));
      }),
    );
  });

  it('are bounded', () => {
    const entries = Array.from({ length: limits.journal + 100 }, (_, i) => entry(i));
    const state = following(start(), [{ type: 'journal', entries }]);
    expect(state.journal).toHaveLength(limits.journal);
    expect(state.journal.at(-1)?.seq).toBe(limits.journal + 99);
  });

  it('put history before the lines that came live', () => {
    const live = following(start(), [
      { type: 'logs', lines: [line('cs1', 3), line('cs2', 1), line('cs1', 4)] },
    ]);
    const whole = reduce(live, {
      type: 'history',
      logs: { node: 'cs1', lines: [line('cs1', 1), line('cs1', 2), line('cs1', 3)] },
    });
    expect(whole?.logs.get('cs1')?.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(whole?.logs.get('cs2')?.map(({ seq }) => seq)).toEqual([1]);
  });
});

describe('traffic', () => {
  it('adds up samples and tells the newest rate', () => {
    const sample = flow({
      from: 'c',
      to: 'cs1',
      role: 'transfer',
      receivedBytes: 500,
      overMs: 500,
      opened: 1,
    });
    const state = following(following(start(), [{ type: 'flows', flows: [sample] }]), [
      { type: 'flows', flows: [sample] },
    ]);
    const [known] = state.flows.values();
    expect(known).toMatchObject({ receivedBytes: 1000, receivedRate: 1000, opened: 2 });
  });

  it('becomes one point of activity a second, for both ends', () => {
    const state = tick(following(start(), [{ type: 'flows', flows: [heartbeat('cs1')] }]), 1000);
    expect(state.activity.get('cs1')).toEqual([40]);
    expect(state.activity.get('monitor')).toEqual([40]);
    expect(state.activity.has('cs2')).toBe(false);
    expect(tick(state, 2000).activity.get('cs1')).toEqual([40, 0]);
  });

  it('is still shown while a connection is open, and forgotten some time after it closed', () => {
    const open = flow({ from: 'c', to: 'cs1', open: 1, sentBytes: 10 });
    let state = following(start(), [{ type: 'flows', flows: [open] }], 0);
    state = tick(state, limits.flowMs * 3);
    expect([...state.flows.values()]).toMatchObject([{ open: 1, sentRate: 0 }]);
    state = following(
      state,
      [{ type: 'flows', flows: [{ ...open, open: 0, sentBytes: 0 }] }],
      limits.flowMs * 3,
    );
    expect(tick(state, limits.flowMs * 5).flows.size).toBe(0);
  });
});
