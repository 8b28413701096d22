/** Which messages are shown: the same for the list and for the diagram. Pure. */
import { nameOf, pairKey } from '../../graph';
import type { Arrow } from './arrows';

export interface MessageFilter {
  /** Empty: all. */
  nodes: readonly string[];
  transport: 'all' | 'tcp' | 'udp';
  search: string;
  /** `pairKey` of both ends; null: all. */
  link: string | null;
  /** First words; empty: all. */
  kinds: readonly string[];
}

type Specs = Parameters<typeof nameOf>[1];

export function passing(filter: MessageFilter, specs: Specs): (arrow: Arrow) => boolean {
  const nodes = new Set(filter.nodes);
  const kinds = new Set(filter.kinds);
  const words = filter.search.trim().toLowerCase();
  return ({ from, to, transport, text, kind }) =>
    (nodes.size === 0 || nodes.has(from) || nodes.has(to)) &&
    (filter.transport === 'all' || transport === filter.transport) &&
    (filter.link === null || pairKey(from, to) === filter.link) &&
    (kinds.size === 0 || kinds.has(kind)) &&
    (!words || `${text} ${nameOf(from, specs)} ${nameOf(to, specs)}`.toLowerCase().includes(words));
}

/** More choices than this nobody reads; the search finds the rest. */
const mostChoices = 100;

/** @param chosen stays a choice when its messages are gone */
export function linkChoices(
  arrows: readonly Arrow[],
  specs: Specs,
  chosen: string | null,
): { value: string; label: string }[] {
  const links = new Set(arrows.map(({ from, to }) => pairKey(from, to)));
  const labelled = [...links]
    .slice(0, mostChoices)
    .concat(chosen === null || links.has(chosen) ? [] : [chosen]);
  return labelled
    .map((value) => ({
      value,
      label: value
        .split(' ')
        .map((id) => nameOf(id, specs))
        .join(' ↔ '),
    }))
    .sort((a, b) => a.label.localeCompare(b.label, undefined, { numeric: true }));
}

/** @param chosen stay choices when their messages are gone */
export function kindChoices(arrows: readonly Arrow[], chosen: readonly string[]): string[] {
  const kinds = new Set(arrows.map(({ kind }) => kind).filter((kind) => kind !== ''));
  return [...new Set([...[...kinds].sort().slice(0, mostChoices), ...chosen])];
}
