/**
 * One canvas over the whole picture draws everything that moves. (Animated SVG edges fall to 7 frames a
 * second at a thousand links.) It runs only while something moves and the page is visible.
 */
import { type InternalNode, useStoreApi } from '@xyflow/react';
import { useEffect, useRef } from 'react';
import type { FaultSpec } from '../../../contract/fault';
import { type LinkMark, linkMarks } from '../../fault-links';
import { useStudioParts } from '../../studio-context';
import { lineBetween } from './geometry';
import { boxOf } from './link-edge';
import { type Particle, ParticleField, type Stream, streamWidth } from './particles';
import css from './traffic-overlay.module.css';

let marks: { of: readonly FaultSpec[]; byLink: ReadonlyMap<string, LinkMark> } = {
  of: [],
  byLink: new Map(),
};

/** The marks of a list of faults, worked out once for each list. */
function marksOf(faults: readonly FaultSpec[]): ReadonlyMap<string, LinkMark> {
  if (marks.of !== faults) marks = { of: faults, byLink: linkMarks(faults) };
  return marks.byLink;
}

/**
 * Heartbeats never stop, and an idle panel should cost next to nothing: while no bytes stream, at least so many
 * milliseconds lie between two frames (30 a second at most), more while another window has the keyboard. A
 * frame that is asked for after a rest may come at once, so the rest must be the whole of it.
 */
const restMs = { focused: 33, elsewhere: 100 };

export function TrafficOverlay({ moving }: { moving: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const flow = useStoreApi();
  const { store } = useStudioParts();

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context) return;
    const field = new ParticleField();
    let frame = 0;
    let rest: ReturnType<typeof setTimeout> | undefined;
    let blank = true;

    const draw = (now: number): void => {
      frame = 0;
      const { transform, nodeLookup, width, height } = flow.getState();
      const left = field.advance(now);
      resize(element, width, height);
      const ratio = devicePixelRatio;
      context.setTransform(1, 0, 0, 1, 0, 0);
      if (!blank) context.clearRect(0, 0, element.width, element.height);
      blank = !left;
      if (!left) return;
      const [x, y, zoom] = transform;
      context.setTransform(zoom * ratio, 0, 0, zoom * ratio, x * ratio, y * ratio);
      const palette = paletteOf(element);
      for (const stream of field.streams) drawStream(context, stream, nodeLookup, palette, moving ? now : 0);
      if (moving)
        for (const particle of field.particles)
          drawParticle(context, particle, nodeLookup, palette, now, zoom);
      clearCards(context, nodeLookup);
      // Without motion one picture for each change of the flows is enough.
      if (!moving) return;
      if (field.streams.length > 0) wake();
      else rest = setTimeout(wake, document.hasFocus() ? restMs.focused : restMs.elsewhere);
    };
    const wake = (): void => {
      clearTimeout(rest);
      rest = undefined;
      if (frame === 0 && !document.hidden) frame = requestAnimationFrame(draw);
    };
    const feed = (): void => {
      const state = store.get();
      if (!state) return;
      field.feed(state.flows, state.specs, performance.now(), marksOf(state.faults));
      if (rest !== undefined) return;
      if (!blank || field.particles.length > 0 || field.streams.length > 0) wake();
    };
    feed();
    const endings = [store.subscribe(feed), flow.subscribe(() => !blank && wake())];
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(rest);
      for (const end of endings) end();
    };
  }, [flow, store, moving]);

  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a canvas without tabIndex takes no focus.
  return <canvas ref={canvas} className={css.overlay} aria-hidden="true" />;
}

/** Traffic passes behind cards, though the canvas lies above them: it must lie above the links. */
function clearCards(context: CanvasRenderingContext2D, nodes: NodeLookup): void {
  for (const node of nodes.values()) {
    const { x, y, width, height } = boxOf(node);
    context.clearRect(x, y, width, height);
  }
}

function resize(element: HTMLCanvasElement, width: number, height: number): void {
  const [w, h] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
  if (element.width === w && element.height === h) return;
  element.width = w;
  element.height = h;
}

type Palette = (token: string) => string;
type NodeLookup = ReadonlyMap<string, InternalNode>;

let colours = new Map<string, string>();
let coloursFor = '';

/** Tokens resolved to colours (a canvas knows no `var()`), once for each colour scheme. */
function paletteOf(element: HTMLElement): Palette {
  const scheme = document.documentElement.dataset.mantineColorScheme ?? '';
  if (scheme !== coloursFor) {
    colours = new Map();
    coloursFor = scheme;
  }
  return (token) => {
    let colour = colours.get(token);
    if (!colour) {
      element.style.color = `var(${token})`;
      colour = getComputedStyle(element).color;
      colours.set(token, colour);
    }
    return colour;
  };
}

function lineOf(nodes: NodeLookup, fromNode: string, toNode: string) {
  const from = nodes.get(fromNode);
  const to = nodes.get(toNode);
  return from && to ? lineBetween(boxOf(from), boxOf(to)) : null;
}

function drawStream(
  context: CanvasRenderingContext2D,
  stream: Stream,
  nodes: NodeLookup,
  palette: Palette,
  now: number,
): void {
  const line = lineOf(nodes, stream.fromNode, stream.toNode);
  if (!line) return;
  const width = streamWidth(stream.bytesPerSecond);
  context.strokeStyle = palette(stream.look.token);
  context.lineCap = 'round';
  context.beginPath();
  context.moveTo(line.x1, line.y1);
  context.lineTo(line.x2, line.y2);
  context.globalAlpha = 0.22;
  context.lineWidth = width;
  context.stroke();
  context.globalAlpha = 0.95;
  context.lineWidth = Math.max(2, width * 0.6);
  context.setLineDash([width * 1.2, width * 3]);
  context.lineDashOffset = -now * 0.09;
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function drawParticle(
  context: CanvasRenderingContext2D,
  particle: Particle,
  nodes: NodeLookup,
  palette: Palette,
  now: number,
  zoom: number,
): void {
  const age = (now - particle.startedAt) / particle.travelMs;
  if (age < 0 || age >= 1) return;
  const line = lineOf(nodes, particle.fromNode, particle.toNode);
  if (!line) return;
  const share = age < 0.5 ? 2 * age * age : 1 - 2 * (1 - age) ** 2;
  const x = line.x1 + (line.x2 - line.x1) * share;
  const y = line.y1 + (line.y2 - line.y1) * share;
  // Far out, a dot of constant size on the screen is still seen.
  const size = 3.2 / Math.min(1, Math.max(zoom, 0.35));
  context.fillStyle = palette(particle.look.token);
  context.strokeStyle = context.fillStyle;
  context.globalAlpha = Math.min(1, 6 * age, 6 * (1 - age));
  context.beginPath();
  if (particle.look.shape === 'diamond') {
    context.moveTo(x, y - size * 1.4);
    context.lineTo(x + size * 1.4, y);
    context.lineTo(x, y + size * 1.4);
    context.lineTo(x - size * 1.4, y);
    context.closePath();
    context.fill();
  } else {
    context.arc(x, y, size, 0, 7);
    context.fill();
    if (particle.look.shape === 'pulse') {
      context.globalAlpha *= 0.45;
      context.lineWidth = 1.2;
      context.beginPath();
      context.arc(x, y, size * (1.4 + 1.2 * age), 0, 7);
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}
