/** Causes and effects of a journal entry. Pure. */
import type { JournalEntry } from '../../../contract/events';

export interface Chain {
  /** From the first cause to the entry itself. */
  causes: JournalEntry[];
  /** What the entry led to, each with its depth below it, in order of time. */
  effects: { entry: JournalEntry; depth: number }[];
  /** The first cause is older than what is held here. */
  isCut: boolean;
}

const mostEffects = 200;

export function chainOf(journal: readonly JournalEntry[], seq: number): Chain | null {
  const bySeq = new Map(journal.map((entry) => [entry.seq, entry]));
  const start = bySeq.get(seq);
  if (!start) return null;
  const causes = [start];
  let first = start;
  while (first.cause !== undefined && first.cause < first.seq) {
    const cause = bySeq.get(first.cause);
    if (!cause) break;
    causes.unshift(cause);
    first = cause;
  }
  return { causes, effects: effectsOf(journal, seq), isCut: first.cause !== undefined };
}

function effectsOf(journal: readonly JournalEntry[], seq: number): Chain['effects'] {
  const depths = new Map([[seq, 0]]);
  const effects: Chain['effects'] = [];
  // Effects come after their cause, so one pass in order of time finds them all.
  for (const entry of journal) {
    if (entry.cause === undefined || entry.seq === seq) continue;
    const depth = depths.get(entry.cause);
    if (depth === undefined) continue;
    depths.set(entry.seq, depth + 1);
    effects.push({ entry, depth: depth + 1 });
    if (effects.length === mostEffects) break;
  }
  return effects;
}

/** By time: nodes report in batches, so the order of arrival is not quite that of events. */
export function inOrder(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  return [...entries].sort((a, b) => a.at - b.at || a.seq - b.seq);
}

export interface JournalFilter {
  search: string;
  /** Empty: all. */
  levels: readonly JournalEntry['level'][];
  node?: string | undefined;
}

export function filtered(
  journal: readonly JournalEntry[],
  { search, levels, node }: JournalFilter,
  nameOf: (node: string) => string,
): readonly JournalEntry[] {
  const words = search.trim().toLowerCase();
  if (!words && levels.length === 0 && !node) return journal;
  return journal.filter(
    (entry) =>
      (levels.length === 0 || levels.includes(entry.level)) &&
      (!node || entry.node === node) &&
      (!words ||
        `${entry.text} ${entry.type} ${entry.subject ?? ''} ${entry.node ? nameOf(entry.node) : ''}`
          .toLowerCase()
          .includes(words)),
  );
}
