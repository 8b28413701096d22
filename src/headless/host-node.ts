import type { FaultSpec } from '../contract/fault';
import type { FromNode } from '../contract/node-port';
import { NodeHost } from '../runtime/host';
import { loadProgram } from '../runtime/programs';

/** A node that a command runs in its own process. */
export interface HostedNode {
  kind: string;
  config: Record<string, unknown>;
  seed: number;
  faults: FaultSpec[];
}

/** Makes the node's host; `start()` starts it. Nobody looks at charts, at most at its messages. */
export async function hostNode(
  { kind, config, seed, faults }: HostedNode,
  post: (message: FromNode) => void,
  messages = false,
): Promise<NodeHost> {
  const watch = { visible: false, messages };
  return new NodeHost(await loadProgram(kind), { type: 'start', kind, config, seed, faults, watch }, post);
}
