/** A long list that lives in the core: fetches the pages that are in view, keeps those it had meanwhile. */
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import type { Page } from '../../contract/calls';

export const pageSize = 200;

export interface PagedRows<Row> {
  total: number;
  row: (index: number) => Row | undefined;
  onRange: (first: number, last: number) => void;
  loading: boolean;
  error: Error | null;
}

/** `key` must hold all that the answer depends on, a version number of the data included. */
export function usePagedRows<Row>(
  key: readonly unknown[],
  fetchPage: (offset: number, limit: number) => Promise<Page<Row>>,
  enabled = true,
): PagedRows<Row> {
  const [range, setRange] = useState<readonly [number, number]>([0, 0]);
  const head = useQuery({
    queryKey: [...key, 0],
    queryFn: () => fetchPage(0, pageSize),
    placeholderData: keepPreviousData,
    enabled,
  });
  const total = head.data?.total ?? 0;
  const [first, last] = range;
  const wanted = useMemo(() => {
    const pages = [];
    const end = Math.min(last, Math.max(0, total - 1));
    for (let page = Math.floor(first / pageSize); page <= Math.floor(end / pageSize); page++)
      if (page > 0) pages.push(page);
    return pages;
  }, [first, last, total]);
  const tails = useQueries({
    queries: wanted.map((page) => ({
      queryKey: [...key, page],
      queryFn: () => fetchPage(page * pageSize, pageSize),
      // The rows that were in these places before; never those of another page, which would be in wrong places.
      placeholderData: (former: Page<Row> | undefined, of: { queryKey: readonly unknown[] } | undefined) =>
        of?.queryKey.at(-1) === page ? former : undefined,
      enabled,
    })),
  });
  const pages = new Map<number, Page<Row>>();
  if (head.data) pages.set(0, head.data);
  wanted.forEach((page, i) => {
    const data = tails[i]?.data;
    if (data) pages.set(page, data);
  });
  const onRange = useCallback((from: number, to: number) => {
    setRange((old) => (old[0] === from && old[1] === to ? old : [from, to]));
  }, []);
  return {
    total,
    row: (index) => pages.get(Math.floor(index / pageSize))?.rows[index % pageSize],
    onRange,
    loading: head.isPending && enabled,
    error: head.error,
  };
}
