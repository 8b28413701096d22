/** Which columns of a table there is room for. Pure. */

export interface FittedColumn {
  /** A CSS grid track: `minmax(120px, 1fr)`, `80px`. */
  width: string;
  /** Left out where the table is too narrow for all: 1 goes first. Without it, the column always stays. */
  yields?: number;
}

/** The columns that a table of this width shows, in their order; still too wide, it scrolls sideways. */
export function fittingColumns<Column extends FittedColumn>(
  columns: readonly Column[],
  width: number,
): readonly Column[] {
  if (leastWidth(columns) <= width) return columns;
  const [next] = columns
    .filter(({ yields }) => yields !== undefined)
    .sort((a, b) => (a.yields ?? 0) - (b.yields ?? 0));
  return next
    ? fittingColumns(
        columns.filter((column) => column !== next),
        width,
      )
    : columns;
}

/** The sum of the first length in each track, in pixels. */
export function leastWidth(columns: readonly FittedColumn[]): number {
  return columns.reduce((sum, { width }) => sum + Number(/(\d+)px/.exec(width)?.[1] ?? 0), 0);
}
