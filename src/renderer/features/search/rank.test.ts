import { describe, expect, it } from 'vitest';
import { ranked } from './rank';

describe('ranked', () => {
  it('puts what begins with the letters first, and leaves out what does not match', () => {
    const items = ['Show transfers', 'Download tra.txt', 'Transfer', 'Contract'];
    expect(ranked(items, 'tra', (item) => item)).toEqual([
      'Transfer',
      'Show transfers',
      'Download tra.txt',
      'Contract',
    ]);
    expect(ranked(items, 'tra show', (item) => item)).toEqual(['Show transfers']);
    expect(ranked(items, '', (item) => item)).toEqual(items);
  });
});
