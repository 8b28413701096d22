/** What happened between two moments of the studio, in figures. Pure. */
import type { LatencyCounts } from '../../../contract/latency';
import { type CacheEffect, kindOf } from '../../kinds/kinds';
import { type Flow, limits, type StudioState } from '../../studio-store';

export interface NodeSample {
  /** Bytes per second, in and out; null: not known. */
  bytes: number | null;
  /** Lookups, requests or files answered, per second. */
  answers: number;
  /** Answers of the sample by how long they took. */
  latencies?: LatencyCounts;
  cache?: CacheEffect;
}

export interface Sample {
  /** Unix ms of its end. */
  at: number;
  /** Nodes of which nothing was heard are absent. */
  nodes: ReadonlyMap<string, NodeSample>;
  /** Bytes per second on all links: what goes from node to node counts once. Null: not known. */
  bytes: number | null;
}

/** A flow that ended is forgotten after a while: over a longer time its bytes would be missing. */
const bytesKnownFor = limits.flowMs / 1000;

/** @param seconds that lie between the two states */
export function sampleBetween(before: StudioState, after: StudioState, seconds: number, at: number): Sample {
  const traffic = new Map<string, number>();
  let all = 0;
  for (const flow of after.flows.values()) {
    const bytes = rise(bytesOf(before.flows.get(flow.key)), bytesOf(flow));
    if (bytes === 0) continue;
    all += bytes;
    for (const id of [flow.from, flow.to]) traffic.set(id, (traffic.get(id) ?? 0) + bytes);
  }
  const perSecond = (bytes: number): number | null => (seconds > bytesKnownFor ? null : bytes / seconds);
  const nodes = new Map<string, NodeSample>();
  for (const id of after.specs.keys()) {
    const sample = sampleOf(id, before, after);
    const bytes = traffic.get(id) ?? 0;
    if (bytes === 0 && sample.answers === 0 && !sample.latencies && !sample.cache) continue;
    nodes.set(id, { ...sample, bytes: perSecond(bytes), answers: sample.answers / seconds });
  }
  return { at, nodes, bytes: perSecond(all) };
}

function bytesOf(flow: Flow | undefined): number {
  return flow ? flow.sentBytes + flow.receivedBytes : 0;
}

function sampleOf(id: string, before: StudioState, after: StudioState): Omit<NodeSample, 'bytes'> {
  const old = before.nodes.get(id);
  const now = after.nodes.get(id);
  if (!now || old === now) return { answers: 0 };
  const { answered, effect } = kindOf(after.specs.get(id)?.kind ?? '');
  const latencies = now.latencies?.map((count, i) => rise(old?.latencies?.[i] ?? 0, count));
  const cache = effect && effectSince(old && effect(old.snapshot), effect(now.snapshot));
  return {
    answers: answered ? rise(old ? answered(old) : 0, answered(now)) : 0,
    ...(latencies?.some((count) => count > 0) ? { latencies } : {}),
    ...(cache && cache.requests > 0 ? { cache } : {}),
  };
}

function effectSince(old: CacheEffect | undefined, now: CacheEffect): CacheEffect {
  return {
    requests: rise(old?.requests ?? 0, now.requests),
    hits: rise(old?.hits ?? 0, now.hits),
    bytes: rise(old?.bytes ?? 0, now.bytes),
    hitBytes: rise(old?.hitBytes ?? 0, now.hitBytes),
  };
}

/** Of a total that begins again at 0 when its node is restarted. */
function rise(before: number, now: number): number {
  return now >= before ? now - before : now;
}
