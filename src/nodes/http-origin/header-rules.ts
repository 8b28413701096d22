import type { OriginConfig } from './manifest';

/** A field of the replies for some paths. */
export interface HeaderRule {
  matches(path: string): boolean;
  name: string;
  value: string;
}

export function headerRules(rows: OriginConfig['headers']): HeaderRule[] {
  return rows.map(({ pattern, name, value }) => ({ name, value, matches: matcher(pattern) }));
}

function matcher(pattern: string): (path: string) => boolean {
  if (pattern.startsWith('*')) return (path) => path.endsWith(pattern.slice(1));
  if (pattern.endsWith('/')) return (path) => path.startsWith(pattern);
  return (path) => path === pattern;
}
