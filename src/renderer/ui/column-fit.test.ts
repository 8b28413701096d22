import { expect, it } from 'vitest';
import { fittingColumns } from './column-fit';

const columns = [
  { id: 'name', width: 'minmax(120px, 1fr)' },
  { id: 'cpu', width: '60px', yields: 2 },
  { id: 'heap', width: '80px', yields: 1 },
  { id: 'actions', width: '100px' },
];
const at = (width: number): string[] => fittingColumns(columns, width).map(({ id }) => id);

it('columns give way one after the other, the least important first, and only as far as needed', () => {
  expect(at(360)).toEqual(['name', 'cpu', 'heap', 'actions']);
  expect(at(359)).toEqual(['name', 'cpu', 'actions']);
  expect(at(280)).toEqual(['name', 'cpu', 'actions']);
  expect(at(279)).toEqual(['name', 'actions']);
});

it('what must be there stays, however narrow it is', () => {
  expect(at(10)).toEqual(['name', 'actions']);
});
