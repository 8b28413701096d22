import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventBatch, LogLine, NodeView } from '../../contract/events';
import { EventHub, type SessionOptions } from './event-hub';
import { outboxLimits } from './outbox';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const node = (id: string): { type: 'node'; node: NodeView } => ({
  type: 'node',
  node: { id, phase: 'running', since: 0, ports: {}, snapshot: {}, counters: {} },
});
const log = (id: string): { type: 'logs'; lines: LogLine[] } => ({
  type: 'logs',
  lines: [{ seq: 1, node: id, at: 0, level: 'info', text: 'x' }],
});

function setUp(options: Partial<SessionOptions> = {}) {
  const onWatch = vi.fn();
  const hub = new EventHub(onWatch);
  const batches: EventBatch[] = [];
  const session = hub.open({ onBatch: (batch) => batches.push(batch), ...options });
  return { hub, session, batches, onWatch };
}

describe('a session', () => {
  it('gets numbered batches, many changes together', () => {
    const { hub, batches } = setUp();
    for (let n = 0; n < 10; n++) hub.push(node(`n${n}`));
    vi.advanceTimersByTime(50);
    hub.push(node('again'));
    vi.advanceTimersByTime(50);
    expect(batches.map(({ seq, events }) => [seq, events.length])).toEqual([
      [1, 10],
      [2, 1],
    ]);
  });

  it('is not sent what a snapshot contained', () => {
    const { hub, session, batches } = setUp();
    hub.push(node('a'));
    expect(session.snapshotTaken()).toBe(0);
    vi.advanceTimersByTime(1000);
    expect(batches).toEqual([]);
  });

  it('gets logs only of the nodes it looks at, and only while it is visible', () => {
    const { hub, session, batches } = setUp();
    hub.push(log('cs1'));
    session.watch({ visible: true, logs: ['cs1'], messages: [] });
    hub.push(log('cs1'));
    hub.push(log('cs2'));
    vi.advanceTimersByTime(50);
    expect(batches.flatMap(({ events }) => events)).toEqual([log('cs1')]);
    session.watch({ visible: false, logs: ['cs1'], messages: [] });
    hub.push(log('cs1'));
    vi.advanceTimersByTime(5000);
    expect(batches).toHaveLength(1);
  });

  it('gets state seldom while it is hidden, and at once when it is seen again', () => {
    const { hub, session, batches } = setUp();
    hub.push(node('a'));
    vi.advanceTimersByTime(50);
    session.watch({ visible: false, logs: [], messages: [] });
    for (let n = 0; n < 10; n++) {
      hub.push(node('a'));
      vi.advanceTimersByTime(50);
    }
    expect(batches).toHaveLength(1);
    session.watch({ visible: true, logs: [], messages: [] });
    vi.advanceTimersByTime(50);
    expect(batches).toHaveLength(2);
  });

  it('that cannot take more gets one merged batch when it can', () => {
    let open = false;
    const { hub, batches } = setUp({ canTake: () => open });
    for (let n = 0; n < 100; n++) {
      hub.push(node('a'));
      vi.advanceTimersByTime(50);
    }
    expect(batches).toEqual([]);
    open = true;
    vi.advanceTimersByTime(50);
    expect(batches).toEqual([{ seq: 1, events: [node('a')] }]);
  });

  it('learns from a missing number that it must ask for a snapshot', () => {
    let open = false;
    const { hub, batches } = setUp({ canTake: () => open });
    for (let seq = 0; seq <= outboxLimits.journal; seq++)
      hub.push({ type: 'journal', entries: [{ seq, at: 0, level: 'info', type: 't', text: 't' }] });
    open = true;
    vi.advanceTimersByTime(50);
    hub.restart();
    hub.push(node('a'));
    vi.advanceTimersByTime(50);
    expect(batches.map(({ seq }) => seq)).toEqual([2, 4]);
  });

  it('that is closed gets nothing more and leaves no timer', () => {
    const { hub, session, batches } = setUp();
    hub.push(node('a'));
    session.close();
    hub.push(node('b'));
    vi.advanceTimersByTime(5000);
    expect(batches).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
    expect(session.closed.signal.aborted).toBe(true);
  });
});

describe('the hub', () => {
  it('knows what any visible panel wants of a node', () => {
    const { hub, session, onWatch } = setUp();
    const other = hub.open({ onBatch: () => undefined });
    session.watch({ visible: true, logs: [], messages: ['cs1'] });
    expect(hub.watchOf('cs1')).toEqual({ visible: true, messages: true });
    expect(hub.watchOf('cs2')).toEqual({ visible: true, messages: false });
    session.watch({ visible: false, logs: [], messages: ['cs1'] });
    expect(hub.watchOf('cs1')).toEqual({ visible: true, messages: false });
    onWatch.mockClear();
    other.close();
    expect(onWatch).toHaveBeenCalledOnce();
    expect(hub.watchOf('cs1')).toEqual({ visible: false, messages: false });
  });

  it('keeps notices for the first panel', () => {
    const hub = new EventHub(() => undefined);
    hub.notice('warning', 'Restored from the backup');
    const batches: EventBatch[] = [];
    hub.open({ onBatch: (batch) => batches.push(batch) }).snapshotTaken();
    hub.open({ onBatch: (batch) => batches.push(batch) }).snapshotTaken();
    vi.advanceTimersByTime(50);
    expect(batches.flatMap(({ events }) => events)).toMatchObject([
      { type: 'notice', notice: { title: 'Restored from the backup' } },
    ]);
  });
});
