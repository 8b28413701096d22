/** Finds, starts or adds a node that can download a file. */
import { fromErrorShape, StudioError } from '../../contract/errors';
import type { NodeManifest } from '../../contract/manifest';
import type { NodeSpec } from '../../contract/workspace';
import { manifestOf, manifests } from '../../nodes/manifests';
import type { Supervisor } from '../supervisor/supervisor';
import { linkedNodes } from '../workspace/node-config';
import type { OpenWorkspace } from '../workspace/open-workspace';
import type { Catalogue, Known } from './catalogue';

interface Parts {
  workspace: OpenWorkspace;
  supervisor: Supervisor;
  catalogue: Catalogue;
}

/**
 * The wanted client, else the best there is: one that is linked to an index that knows the file, does not hold
 * it itself, and runs already. Where none is linked so, a new one is added. It runs when this resolves.
 * Once `signal` has fired, none is added or started.
 *
 * @throws StudioError 'NO_INDEX' where there is nothing to look a file up in, or why the client did not start
 */
export async function ensureClient(
  parts: Parts,
  name: string,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const { supervisor } = parts;
  const id = wanted ?? (await chooseClient(parts, name, signal));
  signal.throwIfAborted();
  if (supervisor.view(id).phase !== 'running') await supervisor.start([id]);
  const { phase, reason } = supervisor.view(id);
  if (phase === 'running') return id;
  const client = supervisor.spec(id).name;
  if (reason)
    throw fromErrorShape({ ...reason, message: `${client} could not be started: ${reason.message}` });
  throw new StudioError('NODE_NOT_RUNNING', `${client} could not be started.`, 'See its log.');
}

async function chooseClient(
  { workspace, supervisor, catalogue }: Parts,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const known = await catalogue.whoKnows(name, signal);
  const nodes = workspace.document.nodes.filter((node) => manifestOf(node.kind)?.downloads);
  const candidates = nodes.filter((node) => canReach(node, known, workspace.document.nodes));
  const score = (node: NodeSpec): number =>
    (known.some(({ holders }) => holders.includes(node.id)) ? 0 : 2) +
    (supervisor.view(node.id).phase === 'running' ? 1 : 0);
  const [best] = candidates.sort((a, b) => score(b) - score(a));
  return best?.id ?? addClient(workspace, known);
}

/**
 * Whether it is linked to an index that knows the file, directly or over nodes in between (a balancer, a cache);
 * or, when none does, to any node at all.
 */
function canReach(node: NodeSpec, known: readonly Known[], nodes: readonly NodeSpec[]): boolean {
  const fields = Object.entries(manifestOf(node.kind)?.fields ?? {});
  const links = fields.filter(([, { control }]) => control === 'link');
  if (known.length === 0)
    return links.length === 0 || links.some(([key]) => (node.config[key] ?? null) !== null);
  const first = links.flatMap(([key, field]) => linkedNodes(field, node.config[key]));
  return [...reachedFrom(first, nodes)].some((id) => known.some(({ index }) => index === id));
}

/** These nodes, and those that they pass requests on to: an index answers itself. */
function reachedFrom(ids: readonly string[], nodes: readonly NodeSpec[]): Set<string> {
  const reached = new Set(ids);
  for (const id of reached) {
    const node = nodes.find((each) => each.id === id);
    const manifest = node && manifestOf(node.kind);
    if (!manifest || manifest.catalogue) continue;
    for (const [key, field] of Object.entries(manifest.fields))
      for (const target of linkedNodes(field, node.config[key])) reached.add(target);
  }
  return reached;
}

async function addClient(workspace: OpenWorkspace, known: readonly Known[]): Promise<string> {
  const { nodes } = workspace.document;
  const index = nodes.find((node) => known.some((each) => each.index === node.id));
  const kinds = new Set(index ? [index.kind] : nodes.map(({ kind }) => kind));
  const manifest = manifests.find((each) => each.downloads && linkTo(each, kinds) !== undefined);
  if (!manifest)
    throw new StudioError(
      'NO_INDEX',
      'There is no index server in this workspace to look the file up in.',
      'Add one, with a content server that holds the file.',
    );
  const link = linkTo(manifest, kinds);
  const config = index && link ? { [link]: { node: index.id } } : {};
  const [id] = await workspace.apply({ type: 'add-node', kind: manifest.id, config });
  return id as string;
}

/** The field by which nodes of this kind are linked to one of `kinds`. */
function linkTo(manifest: NodeManifest, kinds: ReadonlySet<string>): string | undefined {
  const found = Object.entries(manifest.fields).find(
    ([, field]) => field.control === 'link' && field.to.some((kind) => kinds.has(kind)),
  );
  return found?.[0];
}
