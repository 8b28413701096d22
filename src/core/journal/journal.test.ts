import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { JournalEntry } from '../../contract/events';
import { EventHub } from '../events/event-hub';
import { RingBuffer } from '../events/ring-buffer';
import { Journal, type JournalInput } from './journal';

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000_000 }));
afterEach(() => void vi.useRealTimers());

const bad = (subject: string, more: Partial<JournalInput> = {}): JournalInput => ({
  level: 'bad',
  type: 'server-down',
  text: `${subject} is down`,
  subject,
  ...more,
});

/** What the journal makes of these, added in this order. */
function entries(...inputs: JournalInput[]): JournalEntry[] {
  const journal = new Journal(new EventHub(() => undefined));
  for (const input of inputs) journal.add(input);
  vi.advanceTimersByTime(10_000);
  return journal.list({ limit: 5000 });
}

describe('the journal', () => {
  it('ties what happens to a subject to the change that led to it', () => {
    const list = entries(
      bad('CS1', { type: 'node-killed', initiates: true }),
      bad('CS1', { type: 'heartbeat-late', level: 'warning' }),
      bad('CS1'),
      bad('CS2'),
    );
    expect(list.map(({ cause }) => cause)).toEqual([undefined, 1, 2, undefined]);
  });

  it('puts late reports in the order in which things happened', () => {
    const now = Date.now();
    const list = entries(
      bad('CS1', { type: 'second', at: now - 50 }),
      bad('CS1', { type: 'third', at: now - 10 }),
      bad('CS1', { type: 'first', at: now - 90 }),
    );
    expect(list.map(({ type, cause }) => [type, cause])).toEqual([
      ['first', undefined],
      ['second', 1],
      ['third', 2],
    ]);
  });

  it('does not let a wrong clock hold anything up', () => {
    const list = entries(bad('CS1', { at: Date.now() + 1e9 }), bad('CS2', { at: 0 }));
    expect(list).toHaveLength(2);
  });

  it('takes no plain information, and no good news out of the blue, for a cause', () => {
    const list = entries(
      { level: 'info', type: 'lookup', text: '…', subject: 'hello.txt' },
      { level: 'good', type: 'transfer-finished', text: '…', subject: 'hello.txt' },
      { level: 'info', type: 'lookup', text: '…', subject: 'hello.txt' },
      { level: 'good', type: 'transfer-finished', text: '…', subject: 'hello.txt' },
    );
    expect(list.map(({ cause }) => cause)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('ties good news to what began them', () => {
    const list = entries(
      { level: 'good', type: 'node-started', text: '…', subject: 'CS1', initiates: true },
      { level: 'good', type: 'registered', text: '…', subject: 'CS1' },
      { level: 'good', type: 'heartbeat-first', text: '…', subject: 'CS1' },
    );
    expect(list.map(({ cause }) => cause)).toEqual([undefined, 1, 2]);
  });

  it('goes on with what was done against it, and with what came of that', () => {
    const list = entries(
      bad('CS1', { type: 'fault-set', initiates: true }),
      bad('CS1'),
      { level: 'good', type: 'fault-healed', text: '…', subject: 'CS1', initiates: true, continues: true },
      { level: 'good', type: 'server-up', text: '…', subject: 'CS1' },
    );
    expect(list.map(({ cause }) => cause)).toEqual([undefined, 1, 2, 3]);
  });

  it('knows a subject by its other names', () => {
    const list = entries(bad('Paris', { aliases: ['CS1'] }), bad('CS1'));
    expect(list[1]?.cause).toBe(1);
  });

  it('takes nothing for a cause that is long past', () => {
    const journal = new Journal(new EventHub(() => undefined));
    journal.add(bad('CS1'));
    vi.advanceTimersByTime(600_000);
    journal.add(bad('CS1'));
    vi.advanceTimersByTime(2000);
    expect(journal.list({ limit: 10 })[1]?.cause).toBeUndefined();
  });

  it('numbers without gaps, and lists the newest', () => {
    const journal = new Journal(new EventHub(() => undefined));
    for (let n = 1; n <= 5200; n++) journal.add({ level: 'info', type: 't', text: `${n}` });
    vi.advanceTimersByTime(2000);
    expect(journal.list({ limit: 5000 })).toHaveLength(5000);
    expect(journal.list({ limit: 3 }).map(({ seq, text }) => [seq, text])).toEqual([
      [5198, '5198'],
      [5199, '5199'],
      [5200, '5200'],
    ]);
  });
});

describe('a ring buffer', () => {
  it('holds the newest items, oldest first', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer()),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(12),
        (items, capacity, count) => {
          const ring = new RingBuffer<number>(capacity);
          for (const item of items) ring.push(item);
          const kept = items.slice(-capacity);
          const newest = (from: number[]): number[] => (count === 0 ? [] : from.slice(-count));
          expect(ring.newest(count)).toEqual(newest(kept));
          expect(ring.newest(count, (item) => item % 2 === 0)).toEqual(
            newest(kept.filter((n) => n % 2 === 0)),
          );
        },
      ),
    );
  });
});
