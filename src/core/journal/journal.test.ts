import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventHub } from '../events/event-hub';
import { RingBuffer } from '../events/ring-buffer';
import { Journal } from './journal';

const newJournal = (): Journal => new Journal(new EventHub(() => undefined));

describe('the journal', () => {
  it('ties what happens to a subject to the change that led to it', () => {
    const journal = newJournal();
    const killed = journal.add({ level: 'bad', type: 'node-killed', text: 'CS1 killed', subject: 'CS1' });
    const missed = journal.add({ level: 'warning', type: 'heartbeat-missed', text: '…', subject: 'CS1' });
    const down = journal.add({ level: 'bad', type: 'server-down', text: '…', subject: 'CS1' });
    const unrelated = journal.add({ level: 'bad', type: 'server-down', text: '…', subject: 'CS2' });
    expect([killed.cause, missed.cause, down.cause, unrelated.cause]).toEqual([
      undefined,
      killed.seq,
      missed.seq,
      undefined,
    ]);
  });

  it('takes no plain information for a cause', () => {
    const journal = newJournal();
    journal.add({ level: 'info', type: 'lookup', text: '…', subject: 'hello.txt' });
    expect(
      journal.add({ level: 'info', type: 'lookup', text: '…', subject: 'hello.txt' }).cause,
    ).toBeUndefined();
  });

  it('knows a subject by its other names', () => {
    const journal = newJournal();
    const killed = journal.add({ level: 'bad', type: 'k', text: '…', subject: 'Paris', aliases: ['CS1'] });
    expect(journal.add({ level: 'bad', type: 'd', text: '…', subject: 'CS1' }).cause).toBe(killed.seq);
  });

  it('takes nothing for a cause that is long past', () => {
    const journal = newJournal();
    journal.add({ level: 'bad', type: 'k', text: '…', subject: 'CS1', at: 0 });
    expect(
      journal.add({ level: 'bad', type: 'd', text: '…', subject: 'CS1', at: 600_000 }).cause,
    ).toBeUndefined();
  });

  it('numbers without gaps, and lists the newest, or those before a number', () => {
    const journal = newJournal();
    for (let n = 1; n <= 5200; n++) journal.add({ level: 'info', type: 't', text: `${n}` });
    expect(journal.list({ limit: 5000 })).toHaveLength(5000);
    expect(journal.list({ limit: 3 }).map(({ seq }) => seq)).toEqual([5198, 5199, 5200]);
    expect(journal.list({ before: 5198, limit: 2 }).map(({ seq }) => seq)).toEqual([5196, 5197]);
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
          expect(ring.toArray()).toEqual(kept);
          expect(ring.newest(count)).toEqual(count === 0 ? [] : kept.slice(-count));
          expect(ring.newest(count, (item) => item % 2 === 0)).toEqual(
            count === 0 ? [] : kept.filter((item) => item % 2 === 0).slice(-count),
          );
        },
      ),
    );
  });
});
