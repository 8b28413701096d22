/** Which node is set to use which port. Pure. */
import type { NodeSpec } from '../contract/workspace';
import { configuredPorts, hostOf, isSameHost } from './listening';

/** A port that a node is set to use, whether or not it runs. */
export interface PortClaim {
  node: NodeSpec;
  host: string;
  transport: 'tcp' | 'udp';
  /** Never 0, which takes any free one. */
  port: number;
}

export function portClaims(specs: Iterable<NodeSpec>): PortClaim[] {
  const claims: PortClaim[] = [];
  for (const node of specs) {
    for (const { transport, port } of configuredPorts(node))
      if (port > 0) claims.push({ node, host: hostOf(node), transport, port });
  }
  return claims;
}

function clash(a: Omit<PortClaim, 'node'>, b: Omit<PortClaim, 'node'>): boolean {
  return a.port === b.port && a.transport === b.transport && isSameHost(a.host, b.host);
}

/** Another node that is set to use this port. */
export function portUser(
  wanted: Omit<PortClaim, 'node'>,
  specs: Iterable<NodeSpec>,
  self: string,
): NodeSpec | undefined {
  return portClaims(specs).find((claim) => claim.node.id !== self && clash(claim, wanted))?.node;
}

/** Pairs of nodes that cannot run at the same time. */
export function portConflicts(specs: Iterable<NodeSpec>): { first: PortClaim; second: PortClaim }[] {
  const byPort = new Map<string, PortClaim[]>();
  const conflicts: { first: PortClaim; second: PortClaim }[] = [];
  for (const second of portClaims(specs)) {
    const key = `${second.transport} ${second.port}`;
    const others = byPort.get(key) ?? [];
    const first = others.find((claim) => claim.node.id !== second.node.id && clash(claim, second));
    if (first) conflicts.push({ first, second });
    byPort.set(key, [...others, second]);
  }
  return conflicts;
}
