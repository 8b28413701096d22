/** Which node listens at an address, and what a connection to it is for. */
import { networkInterfaces } from 'node:os';
import type { Endpoint } from '../../contract/endpoint';
import type { NodeSpec } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import { linksTo } from '../workspace/document';
import { listeningHost } from './resolve-config';

export interface Listening {
  node: NodeSpec;
  /** The port's name in the manifest. */
  portName: string;
}

const anyHost = '*';

/** The bound ports of all running nodes. */
export class AddressBook {
  readonly #listening = new Map<string, Listening>();
  readonly #ownHosts = new Set<string>();

  constructor(running: Iterable<{ node: NodeSpec; ports: Record<string, number> }>) {
    for (const { node, ports } of running) {
      const fields = Object.values(manifestOf(node.kind)?.fields ?? {});
      for (const [portName, port] of Object.entries(ports)) {
        const field = fields.find((each) => each.control === 'port' && each.port === portName);
        const transport = field?.control === 'port' ? field.transport : 'tcp';
        this.#listening.set(key(listeningHost(node), port, transport), { node, portName });
      }
    }
    for (const each of Object.values(networkInterfaces()).flat())
      if (each) this.#ownHosts.add(canonicalHost(each.address));
  }

  find({ host, port }: Endpoint, transport: 'tcp' | 'udp'): Listening | undefined {
    const exact = this.#listening.get(key(host, port, transport));
    if (exact) return exact;
    const any = this.#isOwn(host) ? this.#listening.get(`${transport} ${anyHost} ${port}`) : undefined;
    // A node that takes TCP connections may answer datagrams at the same number, without a port of its own for it.
    return any ?? (transport === 'udp' ? this.find({ host, port }, 'tcp') : undefined);
  }

  /** An address of this machine, at which a node that listens on every address is reached. */
  #isOwn(host: string): boolean {
    const plain = canonicalHost(host);
    return plain === anyHost || plain.startsWith('127.') || this.#ownHosts.has(plain);
  }
}

/** The manifest's word for a connection from one node to a port of another; 'other' when no link says. */
export function roleOf(from: NodeSpec, to: Listening, transport: 'tcp' | 'udp'): string {
  const manifest = manifestOf(from.kind);
  const { kind } = to.node;
  for (const field of Object.values(manifest?.fields ?? {})) {
    if (field.control !== 'link' && field.control !== 'links') continue;
    if (linksTo(field, kind) && field.port === to.portName && field.transport === transport)
      return field.role;
  }
  const dynamic = manifest?.dynamicLinks?.find(
    (link) => link.to.includes(kind) && link.port === to.portName && link.transport === transport,
  );
  return dynamic?.role ?? 'other';
}

/** The spellings of one address are the same key; the replicas of one port on 127.0.0.2, .3 … are not. */
function key(host: string, port: number, transport: string): string {
  return `${transport} ${canonicalHost(host)} ${port}`;
}

function canonicalHost(host: string): string {
  const plain = host.replace(/^::ffff:/i, '');
  if (plain === 'localhost' || plain === '::1') return '127.0.0.1';
  if (plain === '0.0.0.0' || plain === '::') return anyHost;
  return plain;
}
