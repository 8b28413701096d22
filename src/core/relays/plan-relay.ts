/** What a relay on a link has to be, and who has to be told of it. Pure. */
import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import type { LinkValue } from '../../contract/fields';
import type { NodeSpec, Workspace } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import { linksTo, nodeOf } from '../workspace/document';
import type { NodeRequest } from '../workspace/planning';

/** A link between a node of ours and a program outside. */
export interface RelayLink {
  node: string;
  outside: Endpoint;
  /** Where it goes on the canvas. */
  position?: NodeSpec['position'] | undefined;
}

export interface RelayPlan {
  relay: NodeRequest;
  /** The fields of our node that lead to the outside program; with none, the program is the one that connects. */
  fields: readonly string[];
}

const RELAY = 'relay';

/** @throws StudioError of code 'UNKNOWN_NODE' or 'NO_RELAY' */
export function planRelay(document: Workspace, { node: id, outside, position }: RelayLink): RelayPlan {
  const node = nodeOf(document, id);
  const fields = fieldsTo(node, outside);
  const transports = fields.map((key) => transportOf(node, key));
  const config =
    fields.length > 0
      ? {
          tcpTarget: transports.includes('tcp') ? outside : null,
          udpTarget: transports.includes('udp') ? outside : null,
        }
      : { ...targetsAt(node), client: formatEndpoint(outside) };
  return { relay: { kind: RELAY, position, config }, fields };
}

/** The configuration of our node once the relay is there. */
export function reroute(
  node: NodeSpec,
  { fields, outside, relay }: { fields: readonly string[]; outside: Endpoint; relay: string },
): Record<string, unknown> {
  const over = (link: LinkValue): LinkValue => (leadsTo(link, outside) ? { node: relay } : link);
  return Object.fromEntries(
    fields.map((key) => {
      const value = node.config[key] as LinkValue | LinkValue[];
      return [key, Array.isArray(value) ? value.map(over) : over(value)];
    }),
  );
}

function fieldsTo(node: NodeSpec, outside: Endpoint): string[] {
  return Object.keys(manifestOf(node.kind)?.fields ?? {}).filter((key) => {
    if (transportOf(node, key) === undefined) return false;
    const value = node.config[key] as LinkValue | LinkValue[] | undefined;
    return (Array.isArray(value) ? value : [value ?? null]).some((link) => leadsTo(link, outside));
  });
}

function leadsTo(link: LinkValue, { host, port }: Endpoint): boolean {
  return link !== null && 'host' in link && link.host === host && link.port === port;
}

/** Of a field that is a link. */
function transportOf(node: NodeSpec, key: string): 'tcp' | 'udp' | undefined {
  const field = manifestOf(node.kind)?.fields[key];
  return field?.control === 'link' || field?.control === 'links' ? field.transport : undefined;
}

/** Both transports of a node that takes both: whichever the program outside uses, it passes. */
function targetsAt(node: NodeSpec): Record<string, LinkValue> {
  const fields = manifestOf(RELAY)?.fields ?? {};
  const targets = Object.entries(fields)
    .filter(([, field]) => field.control === 'link')
    .map(([key, field]): [string, LinkValue] => [key, linksTo(field, node.kind) ? { node: node.id } : null]);
  if (targets.every(([, target]) => target === null)) {
    const hint = 'Faults can be set on the link as it is: this node opens the connections.';
    throw new StudioError('NO_RELAY', `Nothing connects to ${node.name} from outside.`, hint);
  }
  return Object.fromEntries(targets);
}
