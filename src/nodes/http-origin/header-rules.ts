import { isFieldValue, isToken } from '../../protocol/http/syntax';

/** Fields that the server makes itself: a rule must not contradict them. */
const own = new Set(['content-length', 'transfer-encoding', 'connection', 'date', 'content-range']);

export interface HeaderRule {
  matches(path: string): boolean;
  name: string;
  value: string;
}

/**
 * Reads `/img/ Cache-Control: max-age=60 | *.html Cache-Control: no-cache`.
 * @returns the rules that can be used, and a sentence about the first that can't
 */
export function parseHeaderRules(text: string): { rules: HeaderRule[]; problem?: string } {
  const rules: HeaderRule[] = [];
  let problem: string | undefined;
  for (const part of text.split(' | ').map((rule) => rule.trim())) {
    if (part === '') continue;
    const match = /^(\S+)\s+([^\s:]+):\s*(.*)$/.exec(part);
    const [, pattern = '', name = '', value = ''] = match ?? [];
    if (!match || !isToken(name) || !isFieldValue(value) || !/^[/*]/.test(pattern)) {
      problem ??= `"${part}" is not "/path/ Name: value" or "*.ending Name: value".`;
    } else if (own.has(name.toLowerCase())) {
      problem ??= `${name} is made by the server and can't be set.`;
    } else rules.push({ name, value, matches: matcher(pattern) });
  }
  return problem === undefined ? { rules } : { rules, problem };
}

function matcher(pattern: string): (path: string) => boolean {
  if (pattern.startsWith('*')) return (path) => path.endsWith(pattern.slice(1));
  if (pattern.endsWith('/')) return (path) => path.startsWith(pattern);
  return (path) => path === pattern;
}
