/** Finds, starts or adds a node that can download. */
import { fromErrorShape, StudioError } from '../../contract/errors';
import type { NodeManifest } from '../../contract/manifest';
import type { NodeSpec } from '../../contract/workspace';
import { manifestOf, manifests } from '../../nodes/manifests';
import type { Supervisor } from '../supervisor/supervisor';
import type { OpenWorkspace } from '../workspace/open-workspace';

interface Parts {
  workspace: OpenWorkspace;
  supervisor: Supervisor;
}

/**
 * The named client, else one that runs, else one that is stopped, else a new one; running when this resolves.
 * @throws StudioError 'NO_INDEX' where there is nothing to look a file up in, or why the client did not start
 */
export async function ensureClient({ workspace, supervisor }: Parts, wanted?: string): Promise<string> {
  const id = wanted ?? findClient(workspace, supervisor) ?? (await addClient(workspace));
  if (supervisor.view(id).phase !== 'running') await supervisor.start([id]);
  const { phase, reason } = supervisor.view(id);
  if (phase === 'running') return id;
  const name = supervisor.spec(id).name;
  if (reason) throw fromErrorShape({ ...reason, message: `${name} could not be started: ${reason.message}` });
  throw new StudioError('NODE_NOT_RUNNING', `${name} could not be started.`, 'See its log.');
}

function findClient(workspace: OpenWorkspace, supervisor: Supervisor): string | undefined {
  const clients = workspace.document.nodes.filter(
    (node) => manifestOf(node.kind)?.downloads && isLinked(node),
  );
  const running = clients.find((node) => supervisor.view(node.id).phase === 'running');
  return (running ?? clients[0])?.id;
}

async function addClient(workspace: OpenWorkspace): Promise<string> {
  const kinds = new Set(workspace.document.nodes.map(({ kind }) => kind));
  const manifest = manifests.find(
    (each) => each.downloads && targetsOf(each).some((kind) => kinds.has(kind)),
  );
  const [id] = manifest ? await workspace.apply({ type: 'add-node', kind: manifest.id }) : [];
  if (id !== undefined) return id;
  throw new StudioError(
    'NO_INDEX',
    'There is no index server in this workspace to look the file up in.',
    'Add one, with a content server that holds the file.',
  );
}

/** Whether it knows somebody to ask. */
function isLinked(node: NodeSpec): boolean {
  const links = Object.entries(manifestOf(node.kind)?.fields ?? {}).filter(
    ([, { control }]) => control === 'link',
  );
  return links.length === 0 || links.some(([key]) => (node.config[key] ?? null) !== null);
}

function targetsOf(manifest: NodeManifest): string[] {
  return Object.values(manifest.fields).flatMap((field) => (field.control === 'link' ? field.to : []));
}
