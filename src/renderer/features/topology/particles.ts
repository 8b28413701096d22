/**
 * What moves on the lines: one particle for each message or connection, and a stream while bytes flow. Pure:
 * flows and the time go in, what is to be drawn comes out.
 */

import type { HopSample } from '../../../contract/node-port';
import type { NodeSpec } from '../../../contract/workspace';
import type { LinkMark } from '../../fault-links';
import { flowEnd, pairKey } from '../../graph';
import type { Flow } from '../../studio-store';

export type Shape = 'pulse' | 'diamond' | 'dot';

export interface RoleLook {
  shape: Shape;
  /** A token of `theme.css`. */
  token: string;
  /** What it means, for the legend. */
  label: string;
}

const looks: Record<string, RoleLook> = {
  heartbeat: { shape: 'pulse', token: '--good', label: 'Heartbeat' },
  lookup: { shape: 'diamond', token: '--accent', label: 'Lookup' },
  transfer: { shape: 'dot', token: '--info', label: 'Transfer' },
  registration: { shape: 'dot', token: '--warn', label: 'Registration' },
  health: { shape: 'dot', token: '--idle', label: 'Health query' },
};
/** A message that is passed on from node to node: round a ring. */
const passedLook: RoleLook = { shape: 'pulse', token: '--info', label: 'Passed on' };
const otherLook: RoleLook = { shape: 'dot', token: '--ink-3', label: 'Other' };

export function lookOf(role: string): RoleLook {
  return looks[role] ?? otherLook;
}

export const legend: readonly RoleLook[] = [...Object.values(looks), passedLook];

export interface Particle {
  link: string;
  /** From the source end of the line (by `pairKey` order of ids) to the other, or back. */
  fromNode: string;
  toNode: string;
  look: RoleLook;
  startedAt: number;
  /** Milliseconds from end to end: more on a link that is slow. */
  travelMs: number;
}

/** Bytes flowing at this moment, drawn as moving dashes as thick as the rate. */
export interface Stream {
  link: string;
  fromNode: string;
  toNode: string;
  look: RoleLook;
  bytesPerSecond: number;
}

export const travelMs = 900;
const slowTravelMs = 2700;
/** A step of a message that is passed on: each begins when the one before it has arrived. */
export const hopMs = 450;
/** Messages whose steps are put in order; the oldest are forgotten. */
const mostJourneys = 200;
/** A burst of a thousand lookups looks like a burst with this many. */
const burst = 4;
const mostParticles = 600;
/** Slower than this is talk, not a transfer. */
const streamRate = 16 * 1024;

export class ParticleField {
  particles: Particle[] = [];
  streams: Stream[] = [];
  #seen = new Map<string, { opened: number; passed: number }>();
  /** When the first step of each message that is passed on began. */
  readonly #journeys = new Map<string, number>();
  #flows: ReadonlyMap<string, Flow> | null = null;
  #marks: ReadonlyMap<string, LinkMark> = new Map();

  /** Takes in the flows as they are now; does nothing when they are the same object as before. */
  feed(
    flows: ReadonlyMap<string, Flow>,
    specs: ReadonlyMap<string, NodeSpec>,
    now: number,
    marks: ReadonlyMap<string, LinkMark> = new Map(),
  ): void {
    if (flows === this.#flows) return;
    const first = this.#flows === null;
    this.#flows = flows;
    this.#marks = marks;
    const seen = new Map<string, { opened: number; passed: number }>();
    this.streams = [];
    for (const flow of flows.values()) {
      const ends = { from: flowEnd(flow.from, specs), to: flowEnd(flow.to, specs) };
      const former = this.#seen.get(flow.key);
      const fresh = flow.opened - (former?.opened ?? 0);
      const passed = flow.passed - (former?.passed ?? 0);
      seen.set(flow.key, { opened: flow.opened, passed: flow.passed });
      if (!first) {
        this.#spawn(flow.role, ends, Math.min(fresh, burst), now);
        if (passed > 0) for (const hop of flow.hops.slice(-passed)) this.#hop(hop, ends, now);
      }
      this.#stream(flow, ends);
    }
    this.#seen = seen;
  }

  /** Forgets what has arrived. Returns whether anything is left to draw. */
  advance(now: number): boolean {
    this.particles = this.particles.filter((particle) => now - particle.startedAt < particle.travelMs);
    return this.particles.length > 0 || this.streams.length > 0;
  }

  #spawn(role: string, ends: { from: string; to: string }, count: number, now: number): void {
    const link = pairKey(ends.from, ends.to);
    const travel = this.#marks.get(link)?.look === 'slow' ? slowTravelMs : travelMs;
    for (let i = 0; i < count && this.particles.length < mostParticles; i++) {
      this.particles.push({
        link,
        travelMs: travel,
        fromNode: ends.from,
        toNode: ends.to,
        look: lookOf(role),
        startedAt: now + (i * travelMs) / (burst * 2),
      });
    }
  }

  /**
   * The steps of a message are over in a millisecond, and reported by each node in its own time: they are drawn one
   * after the other from the first that was heard of. Where a step really takes longer, it is drawn when it is taken.
   */
  #hop({ message, step }: HopSample, ends: { from: string; to: string }, now: number): void {
    if (this.particles.length >= mostParticles) return;
    const began = this.#journeys.get(message) ?? now;
    this.#journeys.set(message, began);
    const oldest = this.#journeys.keys().next();
    if (this.#journeys.size > mostJourneys && !oldest.done) this.#journeys.delete(oldest.value);
    this.particles.push({
      link: pairKey(ends.from, ends.to),
      travelMs: hopMs,
      fromNode: ends.from,
      toNode: ends.to,
      look: passedLook,
      startedAt: Math.max(now, began + (step - 1) * hopMs),
    });
  }

  #stream(flow: Flow, ends: { from: string; to: string }): void {
    const link = pairKey(ends.from, ends.to);
    const look = lookOf(flow.role);
    if (flow.sentRate >= streamRate)
      this.streams.push({ link, fromNode: ends.from, toNode: ends.to, look, bytesPerSecond: flow.sentRate });
    if (flow.receivedRate >= streamRate)
      this.streams.push({
        link,
        fromNode: ends.to,
        toNode: ends.from,
        look,
        bytesPerSecond: flow.receivedRate,
      });
  }
}

/** Pixels: 2 at 16 KiB/s, one more for each factor of ten, 8 at most. */
export function streamWidth(bytesPerSecond: number): number {
  return Math.max(2, Math.min(8, 2 + Math.log10(Math.max(1, bytesPerSecond / streamRate)) * 1.1));
}
