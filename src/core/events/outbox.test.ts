import { describe, expect, it } from 'vitest';
import type { FlowView, JournalEntry, NodeView } from '../../contract/events';
import { Outbox, outboxLimits } from './outbox';

const node = (id: string, phase: NodeView['phase']): NodeView => ({
  id,
  phase,
  since: 0,
  ports: {},
  snapshot: {},
  counters: {},
});
const entry = (seq: number): JournalEntry => ({ seq, at: 0, level: 'info', type: 't', text: 't' });
const flow = (sentBytes: number, open: number): FlowView => ({
  from: 'a',
  to: 'b',
  role: 'lookup',
  transport: 'tcp',
  opened: 1,
  open,
  sentBytes,
  receivedBytes: 1,
  overMs: 100,
});

describe('an outbox', () => {
  it('holds the newest state of each thing, in the order of their first change', () => {
    const outbox = new Outbox();
    outbox.add({ type: 'node', node: node('a', 'starting') });
    outbox.add({ type: 'node', node: node('b', 'starting') });
    outbox.add({ type: 'node', node: node('a', 'running') });
    expect(outbox.take()).toEqual([
      { type: 'node', node: node('a', 'running') },
      { type: 'node', node: node('b', 'starting') },
    ]);
    expect(outbox.empty).toBe(true);
  });

  it('lets a removal replace the changes of the same thing', () => {
    const outbox = new Outbox();
    outbox.add({ type: 'node', node: node('a', 'running') });
    outbox.add({ type: 'node-removed', id: 'a' });
    expect(outbox.take()).toEqual([{ type: 'node-removed', id: 'a' }]);
  });

  it('adds up flows of the same pair and role, and keeps the last number of open connections', () => {
    const outbox = new Outbox();
    outbox.add({ type: 'flows', flows: [flow(10, 2)] });
    outbox.add({ type: 'flows', flows: [flow(5, 1)] });
    expect(outbox.take()).toEqual([
      {
        type: 'flows',
        flows: [{ ...flow(15, 1), opened: 2, receivedBytes: 2, overMs: 200 }],
      },
    ]);
  });

  it('keeps the newest messages that were passed on along a flow', () => {
    const outbox = new Outbox();
    const hops = Array.from({ length: outboxLimits.hops + 1 }, (_, i) => ({ message: 'm', step: i + 1 }));
    outbox.add({ type: 'flows', flows: [{ ...flow(1, 1), hops: hops.slice(0, 2) }] });
    outbox.add({ type: 'flows', flows: [flow(1, 1)] });
    outbox.add({ type: 'flows', flows: [{ ...flow(1, 1), hops: hops.slice(2) }] });
    expect(outbox.take()).toMatchObject([{ flows: [{ hops: hops.slice(1) }] }]);
  });

  it('cannot grow, and says when journal entries were lost', () => {
    const outbox = new Outbox();
    for (let seq = 1; seq <= outboxLimits.journal; seq++)
      outbox.add({ type: 'journal', entries: [entry(seq)] });
    expect(outbox.lost).toBe(false);
    outbox.add({ type: 'journal', entries: [entry(outboxLimits.journal + 1)] });
    expect(outbox.lost).toBe(true);
    const [event] = outbox.take();
    expect(event?.type === 'journal' && event.entries.length).toBe(outboxLimits.journal);
    expect(event?.type === 'journal' && event.entries[0]?.seq).toBe(2);
    expect(outbox.lost).toBe(false);
  });

  it('forgets what a snapshot contains, but no notice and no message', () => {
    const outbox = new Outbox();
    outbox.add({ type: 'node', node: node('a', 'running') });
    outbox.add({ type: 'journal', entries: [entry(1)] });
    outbox.add({ type: 'notice', notice: { id: 1, level: 'good', title: 'Saved' } });
    outbox.forgetState();
    expect(outbox.take().map(({ type }) => type)).toEqual(['notice']);
  });
});
