import type { FolderEntry } from '../../runtime/context';
import type { OriginOperations } from './manifest';

/** A page of the files that an origin serves, as the panel's catalogue asks for it. */
export function catalogueOf(
  files: readonly FolderEntry[],
  address: string,
  { search, sort, descending, offset, limit }: OriginOperations['catalogue']['input'],
): OriginOperations['catalogue']['output'] {
  const needle = search.toLowerCase();
  const found = files.filter(({ name }) => name.toLowerCase().includes(needle));
  const byName = (a: FolderEntry, b: FolderEntry): number =>
    a.name.localeCompare(b.name, undefined, { numeric: true });
  found.sort((a, b) => (sort === 'size' && a.size !== b.size ? a.size - b.size : byName(a, b)));
  if (descending) found.reverse();
  const rows = found
    .slice(offset, offset + limit)
    .map(({ name, size }) => ({ name, size, holders: [{ address }] }));
  return { rows, total: found.length };
}
