/** Which members of a ring keep another list, or other content, than the rest. Pure. */

export interface ListCopy {
  id: string;
  name: string;
  list: readonly string[];
  contentDigest: string;
}

export interface ComparedCopy extends ListCopy {
  /** From the beginning of its smallest address, so that equal circles read the same. */
  list: readonly string[];
  listDiffers: boolean;
  contentDiffers: boolean;
}

export function compareCopies(copies: readonly ListCopy[]): { rows: ComparedCopy[]; agreed: boolean } {
  const turned = copies.map((copy) => ({ ...copy, list: turn(copy.list) }));
  const usualList = mostCommon(turned.map(({ list }) => list.join(' ')));
  const usualContent = mostCommon(turned.map(({ contentDigest }) => contentDigest));
  const rows = turned.map((copy) => ({
    ...copy,
    listDiffers: copy.list.join(' ') !== usualList,
    contentDiffers: copy.contentDigest !== usualContent,
  }));
  return { rows, agreed: rows.every(({ listDiffers, contentDiffers }) => !listDiffers && !contentDiffers) };
}

/** A circle has no beginning: the same one may be written from any of its members. */
function turn(list: readonly string[]): string[] {
  const first = [...list].sort()[0];
  const at = first === undefined ? 0 : list.indexOf(first);
  return [...list.slice(at), ...list.slice(0, at)];
}

function mostCommon(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}
