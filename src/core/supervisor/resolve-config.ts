/** Turns a stored configuration into what a node program receives: links to addresses, folders to paths. */
import type { Endpoint } from '../../contract/endpoint';
import type { LinkField, LinksField } from '../../contract/fields';
import type { NodeManifest } from '../../contract/manifest';
import type { NodeSpec } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import { parseSavedConfig } from '../workspace/node-config';

export interface ResolveContext {
  node(id: string): NodeSpec | undefined;
  /** Ports that the node has bound, by name; empty while it is not running. */
  boundPorts(id: string): Record<string, number>;
  /** Absolute path for a folder field of the node. */
  folder(node: NodeSpec, key: string): string;
}

/** @throws StudioError of code 'BAD_CONFIG' */
export function resolveConfig(
  node: NodeSpec,
  manifest: NodeManifest,
  context: ResolveContext,
): Record<string, unknown> {
  const config = { ...parsed(node, manifest) };
  for (const [key, field] of Object.entries(manifest.fields)) {
    const value = config[key];
    if (field.control === 'folder') config[key] = context.folder(node, key);
    if (field.control === 'link') config[key] = resolveLink(field, value, context);
    if (field.control === 'links')
      config[key] = (value as unknown[])
        .map((link) => resolveLink(field, link, context))
        .filter((endpoint) => endpoint !== null);
  }
  return config;
}

/**
 * Specs are never changed in place, so each is parsed once: every node is resolved again whenever an address
 * changes.
 */
const parsedConfigs = new WeakMap<NodeSpec, Record<string, unknown>>();

function parsed(node: NodeSpec, manifest: NodeManifest): Record<string, unknown> {
  const known = parsedConfigs.get(node);
  if (known) return known;
  const config = parseSavedConfig(manifest, node.config);
  parsedConfigs.set(node, config);
  return config;
}

/** Null for no link, for a node that is gone, and for one whose port is not known before it runs. */
function resolveLink(
  field: LinkField | LinksField,
  value: unknown,
  context: ResolveContext,
): Endpoint | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!('node' in value)) return value as Endpoint;
  const target = context.node(String(value.node));
  return target ? endpointOf(target, portNameAt(target, field), context.boundPorts(target.id)) : null;
}

/** A relay, and what a relay leads to, need not name its port as the field does: then it is the one of the transport. */
function portNameAt(target: NodeSpec, { port, transport }: LinkField | LinksField): string {
  const ports = Object.values(manifestOf(target.kind)?.fields ?? {}).filter(
    (field) => field.control === 'port',
  );
  const found =
    ports.find((field) => field.port === port) ?? ports.find((field) => field.transport === transport);
  return found?.port ?? port;
}

/** Where others reach a node's port of this name. */
export function endpointOf(node: NodeSpec, portName: string, bound: Record<string, number>): Endpoint | null {
  const port = nodePorts(node, bound).find((use) => use.name === portName)?.port;
  return port ? { host: reachableHost(node), port } : null;
}

/** Every address at which others reach a node. */
export function endpointsOf(node: NodeSpec, bound: Record<string, number>): Endpoint[] {
  return nodePorts(node, bound).map(({ port }) => ({ host: reachableHost(node), port }));
}

/** The ports of a node: those it has bound, else those its configuration names; not those left open (0). */
export function nodePorts(
  node: NodeSpec,
  bound: Record<string, number> = {},
): { key: string; name: string; transport: 'tcp' | 'udp'; port: number }[] {
  const fields = manifestOf(node.kind)?.fields ?? {};
  return Object.entries(fields).flatMap(([key, field]) => {
    if (field.control !== 'port') return [];
    const port = bound[field.port] ?? Number(node.config[key] ?? field.default);
    return port > 0 ? [{ key, name: field.port, transport: field.transport, port }] : [];
  });
}

export function listeningHost(node: NodeSpec): string {
  return typeof node.config.host === 'string' && node.config.host !== '' ? node.config.host : '127.0.0.1';
}

/** A node that listens on every address is reached over the loopback. */
function reachableHost(node: NodeSpec): string {
  const host = listeningHost(node);
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '::1';
  return host;
}
