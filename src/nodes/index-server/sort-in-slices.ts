/** Up to here a sort takes about ten milliseconds, and is done at once. */
const SLICE = 8192;
const STEPS_BETWEEN_PAUSES = 32_768;

/**
 * Sorts a copy, stable, without holding up everything else: a million names take more than a second, and a
 * server has lookups to answer meanwhile. `pause` is awaited every few milliseconds of work.
 */
export async function sortInSlices<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  pause: () => Promise<void>,
): Promise<T[]> {
  if (items.length <= SLICE) return [...items].sort(compare);
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += SLICE) {
    runs.push(items.slice(at, at + SLICE).sort(compare));
    await pause();
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      const [left, right] = [runs[at] as T[], runs[at + 1]];
      merged.push(right ? await mergeInSlices(left, right, compare, pause) : left);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

/** Merges two sorted lists; of equal items, those of `left` come first. */
export async function mergeInSlices<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
  pause: () => Promise<void>,
): Promise<T[]> {
  const merged: T[] = [];
  let a = 0;
  let b = 0;
  while (a < left.length || b < right.length) {
    const takeLeft = b >= right.length || (a < left.length && compare(left[a] as T, right[b] as T) <= 0);
    merged.push((takeLeft ? left[a++] : right[b++]) as T);
    if (merged.length % STEPS_BETWEEN_PAUSES === 0) await pause();
  }
  return merged;
}
