/** Makes complete nodes of what a person asked for: name, id, free ports, links, place. */
import type { Field } from '../../contract/fields';
import type { NodeManifest } from '../../contract/manifest';
import type { NodeSpec, Workspace } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import { applyEdit, knownManifest, linksByItself, linksTo } from './document';
import { checkedConfig, linkedNodes } from './node-config';
import { placeInTier, placeNear } from './placement';

export interface NodeRequest {
  kind: string;
  id?: string | undefined;
  name?: string | undefined;
  position?: NodeSpec['position'] | undefined;
  config?: Record<string, unknown> | undefined;
}

/** What planning must ask the machine. */
export interface Surroundings {
  isPortFree(host: string, port: number, transport: 'tcp' | 'udp'): Promise<boolean>;
  /** Whether a deleted node of this id left a folder: a new node must not inherit its files. */
  hasFolder(id: string): Promise<boolean>;
}

/** Completes each request, as if the earlier ones were already in the document. */
export async function planNodes(
  document: Workspace,
  requests: readonly NodeRequest[],
  surroundings: Surroundings,
): Promise<NodeSpec[]> {
  const planned: NodeSpec[] = [];
  let grown = document;
  for (const request of requests) {
    const node = await planNode(grown, request, surroundings);
    planned.push(node);
    grown = applyEdit(grown, { type: 'insert-nodes', nodes: [node] });
  }
  return planned;
}

/**
 * Copies of nodes, with names, ports and folders of their own. A link to a node that is copied too leads to
 * the copy, so that a whole network can be doubled.
 */
export async function planDuplicates(
  document: Workspace,
  ids: readonly string[],
  surroundings: Surroundings,
): Promise<NodeSpec[]> {
  const originals = document.nodes.filter((node) => ids.includes(node.id));
  const copies = await planNodes(
    document,
    originals.map((node) => duplicateRequest(node)),
    surroundings,
  );
  const copyOf = new Map(originals.map((node, i) => [node.id, copies[i]?.id ?? node.id]));
  return copies.map((copy) => relink(copy, copyOf));
}

async function planNode(
  document: Workspace,
  request: NodeRequest,
  surroundings: Surroundings,
): Promise<NodeSpec> {
  const manifest = knownManifest(request.kind);
  const name = request.name ?? freeName(document, manifest);
  const id = request.id ?? (await freeId(document, name, manifest, surroundings));
  const given = request.config ?? {};
  const config = checkedConfig(
    document,
    { kind: manifest.id, name },
    {
      ...linksFor(document, manifest),
      ...idsFromName(manifest, name),
      ...given,
    },
  );
  const ports = await freePorts(document, manifest, config, given, surroundings);
  return {
    id,
    kind: manifest.id,
    name,
    position: request.position
      ? placeNear(document.nodes, request.position)
      : placeInTier(document.nodes, manifest),
    config: { ...config, ...ports },
  };
}

function duplicateRequest(node: NodeSpec): NodeRequest {
  const fields = knownManifest(node.kind).fields;
  const own = (field: Field | undefined): boolean =>
    field?.control === 'port' ||
    field?.control === 'folder' ||
    (field?.control === 'text' && field.defaultFromName === true);
  const config = Object.entries(node.config).filter(([key]) => key in fields && !own(fields[key]));
  return {
    kind: node.kind,
    position: { x: node.position.x + 40, y: node.position.y + 40 },
    config: Object.fromEntries(config),
  };
}

function relink(node: NodeSpec, copyOf: ReadonlyMap<string, string>): NodeSpec {
  const config = { ...node.config };
  for (const [key, field] of Object.entries(manifestOf(node.kind)?.fields ?? {})) {
    if (linkedNodes(field, config[key]).length === 0) continue;
    const follow = (link: unknown): unknown =>
      typeof link === 'object' && link !== null && 'node' in link
        ? { node: copyOf.get(String(link.node)) ?? link.node }
        : link;
    const value = config[key];
    config[key] = Array.isArray(value) ? value.map(follow) : follow(value);
  }
  return { ...node, config };
}

/** 'CS' gives CS1, CS2, …: the lowest number that no node has. */
function freeName(document: Workspace, manifest: NodeManifest): string {
  const taken = new Set(document.nodes.map((node) => node.name.toLowerCase()));
  for (let n = 1; ; n++) {
    const name = `${manifest.namePrefix}${n}`;
    if (!taken.has(name.toLowerCase())) return name;
  }
}

async function freeId(
  document: Workspace,
  name: string,
  manifest: NodeManifest,
  { hasFolder }: Surroundings,
): Promise<string> {
  const slug = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '');
  const base = (slug(name) || slug(manifest.namePrefix) || 'node').slice(0, 50);
  const taken = new Set(document.nodes.map((node) => node.id));
  for (let n = 1; ; n++) {
    const id = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(id) && !(await hasFolder(id))) return id;
  }
}

/** To the first node of the right kind; within one kind (a ring) to the newest. */
function linksFor(document: Workspace, manifest: NodeManifest): Record<string, unknown> {
  const links: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(manifest.fields)) {
    const targets = document.nodes.filter((node) => linksByItself(field, node.kind));
    if (field.control === 'links') links[key] = targets.map(({ id }) => ({ node: id }));
    const target = linksTo(field, manifest.id) ? targets.at(-1) : targets[0];
    if (field.control === 'link' && target) links[key] = { node: target.id };
  }
  return links;
}

function idsFromName(manifest: NodeManifest, name: string): Record<string, unknown> {
  const fields = Object.entries(manifest.fields).filter(
    ([, field]) => field.control === 'text' && field.defaultFromName,
  );
  return Object.fromEntries(fields.map(([key]) => [key, name.replace(/\s+/g, '')]));
}

/**
 * Ports for the fields that the request leaves open: default + n × step with the smallest n for which all of
 * them are free on this machine and unused in the workspace, so that 7101 and 7102 stay together. Port 0 (any)
 * when there is no such n.
 */
async function freePorts(
  document: Workspace,
  manifest: NodeManifest,
  config: Record<string, unknown>,
  given: Record<string, unknown>,
  { isPortFree }: Surroundings,
): Promise<Record<string, number>> {
  const open = Object.entries(manifest.fields).flatMap(([key, field]) =>
    field.control === 'port' && given[key] === undefined ? [{ key, field }] : [],
  );
  const host = String(config.host ?? '127.0.0.1');
  const taken = portsOf(document);
  const step = manifest.portStep ?? 1;
  for (let n = 0; n < 1000; n++) {
    const ports = open.map(({ key, field }) => ({ key, field, port: field.default + n * step }));
    if (ports.some(({ port }) => port > 65_535)) break;
    if (ports.some(({ field, port }) => taken.has(`${field.transport} ${port}`))) continue;
    const free = await Promise.all(ports.map(({ field, port }) => isPortFree(host, port, field.transport)));
    if (free.every(Boolean)) return Object.fromEntries(ports.map(({ key, port }) => [key, port]));
  }
  return Object.fromEntries(open.map(({ key }) => [key, 0]));
}

function portsOf(document: Workspace): Set<string> {
  const ports = new Set<string>();
  for (const node of document.nodes) {
    for (const [key, field] of Object.entries(manifestOf(node.kind)?.fields ?? {}))
      if (field.control === 'port') ports.add(`${field.transport} ${String(node.config[key])}`);
  }
  return ports;
}
