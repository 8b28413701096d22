/** What Tab completes at the prompt of a peer: commands, then names of files, which may have spaces. */

/** Commands that take a file, and whose. */
const fileOf: Readonly<Record<string, 'others' | 'own'>> = { download: 'others', delete: 'own' };

/**
 * @param line up to the cursor
 * @param names the files of other peers, or the peer's own
 * @returns what the line may go on with, and the part of it that these replace
 */
export async function completePeerLine(
  line: string,
  commands: readonly string[],
  names: (of: 'others' | 'own') => Promise<string[]>,
): Promise<[found: string[], begun: string]> {
  const [, word = '', gap = '', begun = ''] = /^\s*(\S*)(\s*)(.*)$/s.exec(line) ?? [];
  if (gap === '') {
    const found = commands.filter((name) => name.startsWith(word));
    const [only] = found;
    // A space after the only one that is meant, where a name comes next.
    return [found.length === 1 && only && Object.hasOwn(fileOf, only) ? [`${only} `] : found, word];
  }
  const of = Object.hasOwn(fileOf, word) ? fileOf[word] : undefined;
  if (!of) return [[], begun];
  return [(await names(of)).filter((name) => name.startsWith(begun)), begun];
}
