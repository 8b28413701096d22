/** The studio's icon, drawn in code so that no picture has to be kept beside its source. */
import { type NativeImage, nativeImage } from 'electron';

interface Shape {
  /** Distance of a point from the shape's edge, negative inside; all in units of the icon's side. */
  distance(x: number, y: number): number;
  rgb: readonly [number, number, number];
}

const blue = [34, 113, 235] as const;
const teal = [18, 184, 134] as const;
const hub = { x: 0.5, y: 0.5 };
const edges = [
  { x: 0.5, y: 0.14 },
  { x: 0.18, y: 0.74 },
  { x: 0.82, y: 0.74 },
];

const shapes: readonly Shape[] = [
  ...edges.map((end) => ({
    rgb: blue,
    distance: (x: number, y: number) => toSegment(x, y, hub, end) - 0.035,
  })),
  ...edges.map((at) => ({
    rgb: teal,
    distance: (x: number, y: number) => Math.hypot(x - at.x, y - at.y) - 0.13,
  })),
  { rgb: blue, distance: (x: number, y: number) => Math.hypot(x - hub.x, y - hub.y) - 0.17 },
];

/** A square image of `side` pixels on a transparent ground. */
export function studioIcon(side: number): NativeImage {
  return nativeImage.createFromBitmap(drawIcon(side), { width: side, height: side });
}

/** Premultiplied BGRA, four bytes a pixel, row by row: what Electron takes as a bitmap. */
export function drawIcon(side: number): Buffer {
  const pixels = Buffer.alloc(side * side * 4);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      const at = (row * side + column) * 4;
      for (const { distance, rgb } of shapes) {
        // One pixel of soft edge.
        const cover = clamp(0.5 - distance((column + 0.5) / side, (row + 0.5) / side) * side);
        if (cover === 0) continue;
        for (let channel = 0; channel < 3; channel++) {
          blend(pixels, at + channel, rgb[2 - channel] as number, cover);
        }
        blend(pixels, at + 3, 255, cover);
      }
    }
  }
  return pixels;
}

function blend(pixels: Buffer, at: number, value: number, cover: number): void {
  pixels[at] = Math.round((pixels[at] as number) * (1 - cover) + value * cover);
}

function toSegment(
  x: number,
  y: number,
  from: { x: number; y: number },
  to: { x: number; y: number },
): number {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const along = clamp(((x - from.x) * dx + (y - from.y) * dy) / (dx * dx + dy * dy));
  return Math.hypot(x - from.x - along * dx, y - from.y - along * dy);
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
