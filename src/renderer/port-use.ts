/** Which node is set to use which port. Pure. */
import type { NodeSpec } from '../contract/workspace';
import { configuredPorts, hostOf, isSameHost } from './listening';

export interface PortUse {
  node: NodeSpec;
  host: string;
  transport: 'tcp' | 'udp';
  /** Never 0, which takes any free one. */
  port: number;
}

export function portUses(specs: Iterable<NodeSpec>): PortUse[] {
  const uses: PortUse[] = [];
  for (const node of specs) {
    for (const { transport, port } of configuredPorts(node))
      if (port > 0) uses.push({ node, host: hostOf(node), transport, port });
  }
  return uses;
}

function clash(a: Omit<PortUse, 'node'>, b: Omit<PortUse, 'node'>): boolean {
  return a.port === b.port && a.transport === b.transport && isSameHost(a.host, b.host);
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
