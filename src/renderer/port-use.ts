/** Which node is set to use which port. Pure. */
import type { NodeSpec } from '../contract/workspace';
import { manifestOf } from '../nodes/manifests';

export interface PortUse {
  node: NodeSpec;
  host: string;
  transport: 'tcp' | 'udp';
  /** Never 0, which takes any free one. */
  port: number;
}

const everyAddress = '0.0.0.0';

export function portUses(specs: Iterable<NodeSpec>): PortUse[] {
  const uses: PortUse[] = [];
  for (const node of specs) {
    const host = String(node.config.host ?? '127.0.0.1');
    for (const [key, field] of Object.entries(manifestOf(node.kind)?.fields ?? {})) {
      if (field.control !== 'port') continue;
      const port = Number(node.config[key] ?? field.default);
      if (port > 0) uses.push({ node, host, transport: field.transport, port });
    }
  }
  return uses;
}

function clash(a: Omit<PortUse, 'node'>, b: Omit<PortUse, 'node'>): boolean {
  const sameHost = a.host === b.host || a.host === everyAddress || b.host === everyAddress;
  return a.port === b.port && a.transport === b.transport && sameHost;
}

/** Another node that is set to use this port. */
export function portUser(
  wanted: Omit<PortUse, 'node'>,
  specs: Iterable<NodeSpec>,
  self: string,
): NodeSpec | undefined {
  return portUses(specs).find((use) => use.node.id !== self && clash(use, wanted))?.node;
}

/** Pairs of nodes that cannot run at the same time. */
export function portConflicts(specs: Iterable<NodeSpec>): { first: PortUse; second: PortUse }[] {
  const byPort = new Map<string, PortUse[]>();
  const conflicts: { first: PortUse; second: PortUse }[] = [];
  for (const second of portUses(specs)) {
    const key = `${second.transport} ${second.port}`;
    const others = byPort.get(key) ?? [];
    const first = others.find((use) => use.node.id !== second.node.id && clash(use, second));
    if (first) conflicts.push({ first, second });
    byPort.set(key, [...others, second]);
  }
  return conflicts;
}
