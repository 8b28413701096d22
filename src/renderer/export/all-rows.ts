import type { Page } from '../../contract/calls';

const pageSize = 1000;

/** Every row of a list of which the panel holds only what is in view. A list that changes meanwhile may miss some. */
export async function allRows<Row>(
  fetchPage: (offset: number, limit: number) => Promise<Page<Row>>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (;;) {
    const page = await fetchPage(rows.length, pageSize);
    rows.push(...page.rows);
    if (page.rows.length === 0 || rows.length >= page.total) return rows;
  }
}
