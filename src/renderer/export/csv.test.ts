import { describe, expect, it } from 'vitest';
import { type CsvValue, csvOf } from './csv';

const line = (...values: CsvValue[]): string =>
  csvOf(
    values.map((_, i) => ({ header: `${i}`, value: (row: readonly CsvValue[]) => row[i] })),
    [values],
  ).replace(/^.*?\r\n/, '');

describe('CSV', () => {
  it('has a head, and CR LF after each line', () => {
    const columns = [
      { header: 'Name', value: (row: { name: string }) => row.name },
      { header: 'In, all', value: () => 1 },
    ];
    expect(csvOf(columns, [{ name: 'a' }, { name: 'b' }])).toBe('Name,"In, all"\r\na,1\r\nb,1\r\n');
  });

  it('quotes what would be read otherwise, and nothing else', () => {
    expect(line('a,b', 'say "no"', 'two\nlines', 'plain text')).toBe(
      '"a,b","say ""no""","two\nlines",plain text\r\n',
    );
  });

  it('writes numbers and moments for programs, and nothing for what is not known', () => {
    expect(line(1234567.5, true, new Date(0), null, undefined)).toBe(
      '1234567.5,true,1970-01-01T00:00:00.000Z,,\r\n',
    );
  });
});
