/**
 * For each row, the sum of it and of those before it, `width` rows in all, column by column. One pass: what leaves
 * the window is taken off again.
 */
export function slidingSums(rows: readonly (readonly number[])[], width: number): number[][] {
  const sum = Array<number>(rows[0]?.length ?? 0).fill(0);
  return rows.map((row, at) => {
    const gone = rows[at - width];
    row.forEach((value, i) => {
      sum[i] = (sum[i] ?? 0) + value - (gone?.[i] ?? 0);
    });
    return [...sum];
  });
}
