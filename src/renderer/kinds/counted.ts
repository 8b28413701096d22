import type { KindView } from './kinds';

/** For `KindView.answered`: the sum of these counters. */
export function counted(...names: string[]): NonNullable<KindView['answered']> {
  return ({ counters }) => names.reduce((sum, name) => sum + (counters[name] ?? 0), 0);
}
