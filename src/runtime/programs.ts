import { StudioError } from '../contract/errors';
import type { CreateNode } from './context';

interface NodeModule {
  createNode: CreateNode<never>;
}

/** One lazily loaded chunk per kind, so that a node's process loads its own program and no other. */
const modules = import.meta.glob<NodeModule>('../nodes/*/node.ts');

/** The program of a kind. @throws StudioError UNKNOWN_KIND */
export async function loadProgram(kind: string): Promise<CreateNode<never>> {
  const load = modules[`../nodes/${kind}/node.ts`];
  if (!load) throw new StudioError('UNKNOWN_KIND', `There is no node kind "${kind}".`);
  return (await load()).createNode;
}
