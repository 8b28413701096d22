/** Which faults concern which node and which link of the picture. Pure. */
import { type Endpoint, formatEndpoint, parseEndpoint } from '../contract/endpoint';
import type { FaultSpec } from '../contract/fault';
import type { NodeSpec } from '../contract/workspace';
import { badgeOf, narrowingOf, titleOf } from '../faults/describe';
import type { FaultLook } from '../faults/fault';
import { faultOf } from '../faults/registry';
import { manifestOf } from '../nodes/manifests';
import { dynamicRole, flowEnd, isOutside, linksOf, outsideAddress, outsideId, pairKey } from './graph';
import type { StudioState } from './studio-store';

/** What faults are set on: nodes, or the link between two (`pairKey`). */
export type FaultPlace = { nodes: readonly string[] } | { link: string };

/** One end opens the connections of a link, or sends its datagrams: there a fault can tell them by address. */
export interface Opener {
  from: string;
  to: string;
}

/** Who opens what goes over a link: by configuration, by what flows, else by what the kinds could open. */
export function openersOf(link: string, state: Pick<StudioState, 'specs' | 'flows'>): Opener[] {
  const openers = new Map<string, Opener>();
  const add = (from: string, to: string): void => {
    if (pairKey(from, to) === link && state.specs.has(from)) openers.set(from, { from, to });
  };
  for (const { from, to } of linksOf(state.specs.values())) add(from, to);
  for (const flow of state.flows.values())
    add(flowEnd(flow.from, state.specs), flowEnd(flow.to, state.specs));
  if (openers.size > 0) return [...openers.values()];
  const [a = '', b = ''] = link.split(' ');
  const { specs } = state;
  if (dynamicRole(specs.get(a), specs.get(b))) add(a, b);
  if (dynamicRole(specs.get(b), specs.get(a))) add(b, a);
  return [...openers.values()];
}

/**
 * Where a fault of a link has to be set. What a program outside opens can be broken only behind a relay, on the link
 * from there to our node; undefined when there is none.
 */
export function breakableLink(link: string, state: Pick<StudioState, 'specs' | 'flows'>): string | undefined {
  if (openersOf(link, state).length > 0) return link;
  const relay = relayOn(link, state.specs);
  const behind = relay && linksOf([relay]).find(({ to }) => state.specs.has(to));
  return behind && pairKey(behind.from, behind.to);
}

/** The relay at either end of a link. */
export function relayOn(link: string, specs: ReadonlyMap<string, NodeSpec>): NodeSpec | undefined {
  return link
    .split(' ')
    .flatMap((id) => specs.get(id) ?? [])
    .find(({ kind }) => manifestOf(kind)?.standsIn);
}

/** A link between a node of ours and a program outside on which a relay would help; undefined for any other. */
export function relayPlace(
  link: string,
  state: Pick<StudioState, 'specs' | 'flows'>,
): { node: string; outside: Endpoint } | undefined {
  const ends = link.split(' ');
  const node = ends.find((id) => state.specs.has(id));
  const outside = ends.find(isOutside);
  const endpoint = outside && parseEndpoint(outsideAddress(outside));
  if (!node || !endpoint || relayOn(link, state.specs)) return undefined;
  const isConfigured = linksOf(state.specs.values()).some(({ from, to }) => pairKey(from, to) === link);
  // A link that our node opens to an address it learned cannot be led elsewhere, and can be broken as it is.
  return isConfigured || openersOf(link, state).length === 0 ? { node, outside: endpoint } : undefined;
}

/** The other ends that a fault is narrowed to; undefined when it concerns all traffic of its node. */
export function peersOf({ scope }: FaultSpec): readonly string[] | undefined {
  if (scope.peer !== undefined) return [scope.peer];
  return scope.peers ?? scope.endpoints?.map((endpoint) => outsideId(formatEndpoint(endpoint)));
}

export function isOnLink(fault: FaultSpec, link: string): boolean {
  return peersOf(fault)?.some((peer) => pairKey(fault.node, peer) === link) ?? false;
}

export function faultsAt(place: FaultPlace, faults: readonly FaultSpec[]): FaultSpec[] {
  if ('link' in place) return faults.filter((fault) => isOnLink(fault, place.link));
  return faults.filter((fault) => place.nodes.includes(fault.node));
}

/** How a broken link is drawn. */
export interface LinkMark {
  look: FaultLook;
  /** The kind and the figure; '+2' for what else there is. */
  text: string;
  /** In full, for screen readers and tooltips. */
  title: string;
}

/** From the worst to the mildest: the worst decides how a link with several faults is drawn. */
const severity: readonly FaultLook[] = ['cut', 'dead-end', 'lossy', 'altered', 'slow'];

export function linkMarks(faults: readonly FaultSpec[]): ReadonlyMap<string, LinkMark> {
  const byLink = new Map<string, FaultSpec[]>();
  for (const fault of faults) {
    if (!fault.enabled) continue;
    for (const peer of peersOf(fault) ?? []) {
      const link = pairKey(fault.node, peer);
      byLink.set(link, [...(byLink.get(link) ?? []), fault]);
    }
  }
  return new Map([...byLink].map(([link, on]) => [link, markOf(on)]));
}

function markOf(faults: readonly FaultSpec[]): LinkMark {
  const lookOf = (fault: FaultSpec): FaultLook => faultOf(fault.kind)?.look ?? 'altered';
  const sorted = [...faults].sort((a, b) => severity.indexOf(lookOf(a)) - severity.indexOf(lookOf(b)));
  const badges = [...new Set(sorted.map(badgeOf))];
  const [worst] = sorted;
  return {
    look: worst ? lookOf(worst) : 'altered',
    text: badges.length > 1 ? `${badges[0]} +${badges.length - 1}` : (badges[0] ?? ''),
    title: faults.map((fault) => [titleOf(fault), narrowingOf(fault)].filter(Boolean).join(', ')).join('; '),
  };
}

/** What stands on a node's card: the one fault of its own by name, or how many there are. */
export function nodeBadge(id: string, faults: readonly FaultSpec[]): string {
  const own = faults.filter((fault) => fault.enabled && fault.node === id && !peersOf(fault));
  const [only] = own;
  if (!only) return '';
  return own.length === 1 ? badgeOf(only) : `${own.length} faults`;
}

/** A new fault, with the defaults of its kind, for each process in which it has to act. */
export function newFaults(
  kind: string,
  place: FaultPlace,
  state: Pick<StudioState, 'specs' | 'flows'>,
  newId: () => string,
): FaultSpec[] {
  const definition = faultOf(kind);
  const base = { kind, params: {}, enabled: true };
  if ('nodes' in place) return place.nodes.map((node) => ({ ...base, id: newId(), node, scope: {} }));
  return openersOf(place.link, state).map(({ from, to }) => ({
    ...base,
    id: newId(),
    node: from,
    scope: {
      ...(isOutside(to) ? { endpoints: outsideEndpoints(to) } : { peer: to }),
      ...(definition?.targets.length === 1 && definition.targets[0] !== 'node'
        ? { transport: definition.targets[0] }
        : {}),
    },
  }));
}

function outsideEndpoints(id: string): Endpoint[] {
  const endpoint = parseEndpoint(outsideAddress(id));
  return endpoint ? [endpoint] : [];
}
