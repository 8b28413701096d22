/** The order in which nodes are started: whom others link to comes first. */
import type { NodeSpec } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import { linkedNodes } from '../workspace/node-config';

export interface StartStep {
  node: NodeSpec;
  /** Nodes of this start that should be up before it. */
  after: string[];
}

/**
 * Link targets first, depth first from the lowest tier. Where links form a circle (an index and its monitor
 * know each other) the one that is met again is not waited for.
 */
export function startOrder(nodes: readonly NodeSpec[]): StartStep[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const visited = new Set<string>();
  const ordered = new Set<string>();
  const steps: StartStep[] = [];

  const visit = (node: NodeSpec): void => {
    if (visited.has(node.id)) return;
    visited.add(node.id);
    const targets = byTier(targetsOf(node).flatMap((id) => byId.get(id) ?? []));
    for (const target of targets) visit(target);
    steps.push({ node, after: targets.map(({ id }) => id).filter((id) => ordered.has(id)) });
    ordered.add(node.id);
  };
  for (const node of byTier(nodes)) visit(node);
  return steps;
}

function byTier(nodes: readonly NodeSpec[]): NodeSpec[] {
  return [...nodes].sort((a, b) => tierOf(a) - tierOf(b));
}

function tierOf(node: NodeSpec): number {
  return manifestOf(node.kind)?.tier ?? 0;
}

function targetsOf(node: NodeSpec): string[] {
  const fields = Object.entries(manifestOf(node.kind)?.fields ?? {});
  return fields.flatMap(([key, field]) => linkedNodes(field, node.config[key]));
}
