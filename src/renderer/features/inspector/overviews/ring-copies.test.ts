import { expect, it } from 'vitest';
import { compareCopies } from './ring-copies';

const copy = (id: string, list: string[], contentDigest = 'x') => ({ id, name: id, list, contentDigest });

it('agrees where the circle is the same, wherever its writing begins', () => {
  const { agreed } = compareCopies([
    copy('a', ['1', '2', '3']),
    copy('b', ['2', '3', '1']),
    copy('c', ['3', '1', '2']),
  ]);
  expect(agreed).toBe(true);
});

it('marks another order, another member and other content', () => {
  const { rows, agreed } = compareCopies([
    copy('a', ['1', '2', '3']),
    copy('b', ['1', '2', '3']),
    copy('c', ['1', '3', '2']),
    copy('d', ['1', '2']),
    copy('e', ['1', '2', '3'], 'y'),
  ]);
  expect(agreed).toBe(false);
  expect(rows.map(({ listDiffers }) => listDiffers)).toEqual([false, false, true, true, false]);
  expect(rows.map(({ contentDiffers }) => contentDiffers)).toEqual([false, false, false, false, true]);
});

it('has nothing to say of nobody', () => {
  expect(compareCopies([])).toEqual({ rows: [], agreed: true });
});
