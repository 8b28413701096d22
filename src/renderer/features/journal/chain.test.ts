import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../contract/events';
import { chainOf, filtered } from './chain';

const entry = (seq: number, cause?: number): JournalEntry => ({
  seq,
  at: seq,
  level: 'info',
  type: 'x',
  text: `entry ${seq}`,
  ...(cause === undefined ? {} : { cause }),
});

describe('chainOf', () => {
  const journal = [entry(1), entry(2, 1), entry(3), entry(4, 2), entry(5, 4), entry(6, 2)];
  it('goes back to the first cause and forward to every effect', () => {
    const chain = chainOf(journal, 2);
    expect(chain?.causes.map(({ seq }) => seq)).toEqual([1, 2]);
    expect(chain?.effects.map(({ entry: { seq }, depth }) => [seq, depth])).toEqual([
      [4, 1],
      [5, 2],
      [6, 1],
    ]);
    expect(chain?.isCut).toBe(false);
  });
  it('says when older causes are not held any more', () => {
    expect(chainOf(journal.slice(1), 4)).toMatchObject({ isCut: true });
    expect(chainOf(journal, 99)).toBeNull();
  });
  it('does not go round in circles', () => {
    expect(chainOf([entry(1, 2), entry(2, 1)], 2)?.causes.map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe('filtered', () => {
  it('looks at text, node and level', () => {
    const journal = [
      { ...entry(1), node: 'a' },
      { ...entry(2), level: 'bad' as const },
    ];
    const names = () => 'CS1';
    expect(filtered(journal, { search: 'cs1', levels: [] }, names)).toHaveLength(1);
    expect(filtered(journal, { search: '', levels: ['bad'] }, names)).toMatchObject([{ seq: 2 }]);
    expect(filtered(journal, { search: '', levels: [] }, names)).toBe(journal);
  });
});
