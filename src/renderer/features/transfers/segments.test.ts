import { describe, expect, it } from 'vitest';
import { segmentsOf, sourceIndex } from './segments';

describe('segmentsOf', () => {
  it('shares the bar among the sources', () => {
    const segments = [
      { source: 'CS1', bytes: 25 },
      { source: 'CS2', bytes: 50 },
      { source: 'CS1', bytes: 0 },
    ];
    const drawn = segmentsOf({ segments, size: 100, bytes: 75 });
    expect(drawn.map(({ source, share }) => [source, share])).toEqual([
      ['CS1', 0.25],
      ['CS2', 0.5],
    ]);
    expect([...sourceIndex(segments)]).toEqual([
      ['CS1', 0],
      ['CS2', 1],
    ]);
  });
  it('never draws more than is done, though bytes came twice', () => {
    const [one] = segmentsOf({ segments: [{ source: 'CS1', bytes: 150 }], size: 100, bytes: 60 });
    expect(one?.share).toBeCloseTo(0.6);
  });
  it('draws nothing before the size is known', () => {
    expect(segmentsOf({ segments: [{ source: 'CS1', bytes: 1 }], bytes: 1 })).toEqual([]);
  });
});
