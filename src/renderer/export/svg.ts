/** Pictures as text. What is written into them is escaped; colours are those of the present theme. Pure. */

type Attributes = Record<string, string | number | undefined>;

export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escaped(typeof value === 'number' ? String(round(value)) : value)}"`);
  return `<${name}${written.join('')}>${children.join('')}</${name}>`;
}

export function textAt(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escaped(text));
}

export function svgDocument(
  size: { width: number; height: number; left?: number; top?: number },
  background: string,
  ...children: string[]
): string {
  const { width, height, left = 0, top = 0 } = size;
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: [left, top, width, height].map(round).join(' '),
      'font-family': 'system-ui, sans-serif',
      'font-size': 12,
    },
    element('rect', { x: left, y: top, width, height, fill: background }),
    ...children,
  );
}

/** Text that is cut to a width, by the usual width of its letters: fonts differ. */
export function clipped(text: string, width: number, fontSize: number): string {
  const most = Math.max(1, Math.floor(width / (fontSize * 0.58)));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function escaped(text = ''): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(controls, '\u{FFFD}');
}

/** Characters that XML 1.0 cannot hold (section 2.2). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const controls = /[\u0000-\u0008\u000B\u000C\u000E-\u001F]/g;

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
