/** Tables as RFC 4180 has them: fields quoted where they must be, lines that end in CR LF. Pure. */

/** Numbers in full and moments in ISO 8601, for programs; undefined and null are empty. */
export type CsvValue = string | number | boolean | Date | null | undefined;

export interface CsvColumn<Row> {
  header: string;
  value: (row: Row) => CsvValue;
}

export function csvOf<Row>(columns: readonly CsvColumn<Row>[], rows: Iterable<Row>): string {
  const lines = [columns.map(({ header }) => fieldOf(header))];
  for (const row of rows) lines.push(columns.map(({ value }) => fieldOf(value(row))));
  return lines.map((fields) => `${fields.join(',')}\r\n`).join('');
}

function fieldOf(value: CsvValue): string {
  if (value === null || value === undefined) return '';
  const text = value instanceof Date ? value.toISOString() : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
