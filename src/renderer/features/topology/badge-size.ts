/** The badge of a broken link, from its middle: a sign, and a text as wide as it is in the font of this system. */

const margin = 6;
const signWidth = 12;
const gap = 4;

export const badgeFont = { size: 10.5, weight: 600 };

/** Where the parts of a badge are, from its middle. */
export interface BadgeSize {
  width: number;
  height: number;
  sign: { x: number; y: number };
  text: { x: number; y: number };
}

export function badgeSize(text: string): BadgeSize {
  const width = margin + signWidth + gap + widthOf(text) + margin + 1;
  return {
    width,
    height: 18,
    sign: { x: margin - width / 2, y: -6 },
    text: { x: margin + signWidth + gap - width / 2, y: 3.5 },
  };
}

let pen: CanvasRenderingContext2D | null | undefined;
const widths = new Map<string, number>();

/** Measured: fonts differ by a third in width from system to system. */
function widthOf(text: string): number {
  const known = widths.get(text);
  if (known !== undefined) return known;
  pen ??= document.createElement('canvas').getContext('2d');
  if (!pen) return text.length * 7;
  pen.font = `${badgeFont.weight} ${badgeFont.size}px ${getComputedStyle(document.body).fontFamily}`;
  const width = pen.measureText(text).width;
  // Sliders make many texts.
  if (widths.size > 500) widths.clear();
  widths.set(text, width);
  return width;
}
