/** Short tables in settings: what a cell may hold, and how a table is written as one text. */
import type { Row, RowColumn, RowsField } from './fields';

/** What is wrong with a cell, in words; undefined: nothing. */
export function cellProblem(column: RowColumn, text: string): string | undefined {
  const { refused } = column;
  if (!new RegExp(`^(?:${column.pattern})$`, 'u').test(text)) return column.patternHint;
  return refused?.values.includes(text.toLowerCase()) ? refused.hint : undefined;
}

/** The first thing that is wrong with a table: 'Rule 2, Header: …'. */
export function rowsProblem(field: RowsField, rows: readonly Row[]): string | undefined {
  if (rows.length > field.maxRows) return `There may be ${field.maxRows} of them at most.`;
  for (const [index, row] of rows.entries()) {
    for (const column of field.columns) {
      const problem = cellProblem(column, row[column.key] ?? '');
      if (problem) return `${field.row} ${index + 1}, ${column.label}: ${problem}`;
    }
  }
  return undefined;
}

/** Reads a table from one text; `problem` is about the first part that is no row, and is left out. */
export function rowsFromText(field: RowsField, text: string): { rows: Row[]; problem?: string } {
  const { separator, pattern, form } = field.text;
  const row = new RegExp(`^(?:${pattern})$`, 'u');
  const rows: Row[] = [];
  let problem: string | undefined;
  for (const part of text.split(separator).map((each) => each.trim())) {
    if (part === '') continue;
    const groups = row.exec(part)?.groups;
    if (groups) rows.push({ ...groups });
    else problem ??= `"${part}" is not ${form}.`;
  }
  return problem === undefined ? { rows } : { rows, problem };
}
