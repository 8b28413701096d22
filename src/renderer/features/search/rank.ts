/** Orders items by how well their text matches a few typed letters; what does not match is left out. Pure. */
export function ranked<T>(items: readonly T[], query: string, textOf: (item: T) => string): T[] {
  const words = query.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...items];
  return items
    .map((item) => ({ item, score: score(textOf(item).toLowerCase(), words) }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ item }) => item);
}

/** Every word must occur: 3 at the start of the text, 2 at the start of a word, 1 inside. */
function score(text: string, words: readonly string[]): number {
  let sum = 0;
  for (const word of words) {
    const at = text.indexOf(word);
    if (at < 0) return 0;
    sum += at === 0 ? 3 : text.includes(` ${word}`) ? 2 : 1;
  }
  return sum;
}
