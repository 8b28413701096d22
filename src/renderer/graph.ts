/** What is linked to what: from the nodes' configurations, from traffic, and from what the nodes report. */

import type { Endpoint } from '../contract/endpoint';
import { formatEndpoint } from '../contract/endpoint';
import type { LinkValue } from '../contract/fields';
import type { NodeSpec } from '../contract/workspace';
import { manifestOf } from '../nodes/manifests';
import { kindOf } from './kinds/kinds';
import { configuredPorts, hostOf, isSameHost } from './listening';
import type { Flow, StudioState } from './studio-store';

/** A link field that is set. */
export interface ConfiguredLink {
  from: string;
  /** A node's id, or `outside:<host>:<port>`. */
  to: string;
  role: string;
  field: string;
}

/** All traffic and configuration between two nodes, drawn as one line. */
export interface GraphLink {
  /** `pairKey` of both ends. */
  id: string;
  source: string;
  target: string;
  roles: readonly string[];
  /** No configuration names it; it exists while there is traffic. */
  transient: boolean;
}

export interface OutsideNode {
  id: string;
  address: string;
  label: string;
  /** The node that it belongs beside. */
  near: string;
}

export interface Graph {
  links: readonly GraphLink[];
  outside: readonly OutsideNode[];
  /** Equal graphs have equal signatures. */
  signature: string;
}

const outsidePrefix = 'outside:';

export function outsideId(address: string): string {
  return outsidePrefix + address;
}

export function isOutside(id: string): boolean {
  return id.startsWith(outsidePrefix);
}

export function outsideAddress(id: string): string {
  return id.slice(outsidePrefix.length);
}

/** The same for both directions. */
export function pairKey(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}

export function linksOf(specs: Iterable<NodeSpec>): ConfiguredLink[] {
  const links: ConfiguredLink[] = [];
  for (const spec of specs) {
    for (const [field, description] of Object.entries(manifestOf(spec.kind)?.fields ?? {})) {
      if (description.control !== 'link' && description.control !== 'links') continue;
      const value = spec.config[field] as LinkValue | LinkValue[] | undefined;
      for (const one of Array.isArray(value) ? value : [value]) {
        const to = one && ('node' in one ? one.node : outsideId(formatEndpoint(one)));
        if (to && to !== spec.id) links.push({ from: spec.id, to, role: description.role, field });
      }
    }
  }
  return links;
}

const linksBySpecs = new WeakMap<object, ConfiguredLink[]>();

function rememberedLinks(specs: ReadonlyMap<string, NodeSpec>): ConfiguredLink[] {
  let links = linksBySpecs.get(specs);
  if (!links) {
    links = linksOf(specs.values()).filter((link) => isOutside(link.to) || specs.has(link.to));
    linksBySpecs.set(specs, links);
  }
  return links;
}

/** An end of a flow as a node of the graph. */
export function flowEnd(end: string, specs: ReadonlyMap<string, NodeSpec>): string {
  return specs.has(end) ? end : outsideId(end);
}

type Drawn = Pick<StudioState, 'specs' | 'nodes' | 'flows' | 'faults'>;
let last: { of: Drawn; graph: Graph } | undefined;

/** Several parts of the window ask for it in each state: it is worked out once. */
export function graphOf(state: Drawn): Graph {
  const { specs, nodes, flows, faults } = state;
  const known =
    last?.of.specs === specs &&
    last.of.nodes === nodes &&
    last.of.flows === flows &&
    last.of.faults === faults;
  if (!last || !known) last = { of: { specs, nodes, flows, faults }, graph: workOut(state) };
  return last.graph;
}

function workOut(state: Drawn): Graph {
  const links = new Map<string, { link: GraphLink; roles: Set<string> }>();
  const outside = new Map<string, OutsideNode>();
  const add = (from: string, to: string, role: string, transient: boolean): void => {
    const id = pairKey(from, to);
    const known = links.get(id);
    if (known) known.roles.add(role);
    else
      links.set(id, { link: { id, source: from, target: to, roles: [], transient }, roles: new Set([role]) });
    if (isOutside(to) && !outside.has(to))
      outside.set(to, { id: to, address: outsideAddress(to), label: 'Outside', near: from });
  };
  for (const link of rememberedLinks(state.specs)) add(link.from, link.to, link.role, false);
  for (const flow of state.flows.values()) {
    const from = flowEnd(flow.from, state.specs);
    if (!isOutside(from)) add(from, flowEnd(flow.to, state.specs), flow.role, true);
  }
  addBroken(state, add);
  addReported(state, outside, add);
  const drawn = [...links.values()].map(({ link, roles }) => ({ ...link, roles: [...roles].sort() }));
  return { links: drawn, outside: [...outside.values()], signature: signatureOf(drawn, outside.values()) };
}

/** The role of connections that nodes of one kind open to nodes of another without a setting that says so. */
export function dynamicRole(from: NodeSpec | undefined, to: NodeSpec | undefined): string | undefined {
  const links = manifestOf(from?.kind ?? '')?.dynamicLinks;
  return links?.find((link) => link.to.includes(to?.kind ?? ''))?.role;
}

/** What is broken is drawn, also while nothing flows there. */
function addBroken(
  { specs, faults }: Drawn,
  add: (from: string, to: string, role: string, transient: boolean) => void,
): void {
  for (const { node, scope } of faults) {
    if (scope.peer === undefined) continue;
    for (const [from, to] of [
      [node, scope.peer],
      [scope.peer, node],
    ] as const) {
      const role = dynamicRole(specs.get(from), specs.get(to));
      if (role) add(from, to, role, true);
    }
  }
}

/** Servers that a node reports (an index its registrations) and that are none of ours. */
function addReported(
  state: Drawn,
  outside: Map<string, OutsideNode>,
  add: (from: string, to: string, role: string, transient: boolean) => void,
): void {
  let own: ((endpoint: Endpoint, name: string) => boolean) | null = null;
  for (const view of state.nodes.values()) {
    const spec = state.specs.get(view.id);
    const reported = spec && kindOf(spec.kind).reports?.(view.snapshot);
    if (!reported?.length) continue;
    own ??= ownServers(state);
    for (const server of reported) {
      if (own(server, server.name)) continue;
      const id = outsideId(formatEndpoint(server));
      const relay = relayBefore(view.id, formatEndpoint(server), state);
      if (relay) add(id, relay.id, server.role, true);
      if (!relay?.used) add(id, view.id, server.role, true);
      outside.set(id, { id, address: formatEndpoint(server), label: server.name, near: view.id });
    }
  }
}

/** The relay that a program outside was told to use towards a node, and whether anybody has used it. */
function relayBefore(
  node: string,
  address: string,
  { specs, nodes }: Pick<StudioState, 'specs' | 'nodes'>,
): { id: string; used: boolean } | undefined {
  const links = rememberedLinks(specs);
  for (const spec of specs.values()) {
    if (!manifestOf(spec.kind)?.standsIn || spec.config.client !== address) continue;
    if (!links.some(({ from, to }) => from === spec.id && to === node)) continue;
    const view = nodes.get(spec.id);
    const used = (view?.counters.connections ?? 0) + Number(view?.snapshot.senders ?? 0) > 0;
    return { id: spec.id, used };
  }
  return undefined;
}

function ownServers({ specs, nodes }: Pick<StudioState, 'specs' | 'nodes'>) {
  const hosts = new Map<number, Set<string>>();
  const names = new Set<string>();
  for (const spec of specs.values()) {
    const bound = Object.values(nodes.get(spec.id)?.ports ?? {});
    for (const port of [...bound, ...configuredPorts(spec).map((one) => one.port)])
      hosts.set(port, (hosts.get(port) ?? new Set()).add(hostOf(spec)));
    names.add(spec.name);
    if (typeof spec.config.serverId === 'string') names.add(spec.config.serverId);
  }
  const isAt = ({ host, port }: Endpoint): boolean =>
    [...(hosts.get(port) ?? [])].some((own) => isSameHost(own, host));
  return (endpoint: Endpoint, name: string): boolean => isAt(endpoint) || names.has(name);
}

function signatureOf(links: readonly GraphLink[], outside: Iterable<OutsideNode>): string {
  const parts = links.map((link) => `${link.id}:${link.roles.join('+')}${link.transient ? '~' : ''}`);
  for (const node of outside) parts.push(`${node.id}=${node.label}`);
  return parts.join('|');
}

export function sameGraph(a: Graph, b: Graph): boolean {
  return a.signature === b.signature;
}

/** The flows on one drawn line. */
export function flowsOn(linkId: string, flows: Iterable<Flow>, specs: ReadonlyMap<string, NodeSpec>): Flow[] {
  return [...flows].filter((flow) => pairKey(flowEnd(flow.from, specs), flowEnd(flow.to, specs)) === linkId);
}

/** The name of a node, an outside address as it is. */
export function nameOf(id: string, specs: ReadonlyMap<string, NodeSpec>): string {
  return specs.get(id)?.name ?? (isOutside(id) ? outsideAddress(id) : id);
}

/** A link in words: `registration, CS1 to Index1`, `lookup, Client1 to Outside 127.0.0.1:5000`. */
export function linkTitle(
  { roles, source, target }: GraphLink,
  { outside }: Pick<Graph, 'outside'>,
  specs: ReadonlyMap<string, NodeSpec>,
): string {
  const named = (id: string): string => {
    const foreign = outside.find((node) => node.id === id);
    return foreign ? [...new Set([foreign.label, foreign.address])].join(' ') : nameOf(id, specs);
  };
  return `${roles.join(', ')}, ${named(source)} to ${named(target)}`;
}

/** Whether files may be dropped on a node; a reason when not. */
export function dropRefusal(spec: NodeSpec | undefined): string | null {
  const manifest = spec && manifestOf(spec.kind);
  if (!manifest) return 'This node is of a kind that is not known here.';
  return manifest.filesField ? null : `${manifest.label}s hold no files: drop on a content server.`;
}

/** Nodes that files can be put into. */
export function fileHolders(specs: Iterable<NodeSpec>): NodeSpec[] {
  return [...specs].filter((spec) => dropRefusal(spec) === null);
}
