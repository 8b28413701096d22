/** Nodes in real processes, quick to notice things, for tests. */
import type { NodeView } from '../../contract/events';
import type { TestCore } from './test-core';
import { waitFor } from './wait-for';

const anyPorts = { tcpPort: 0, udpPort: 0 };
const quick = {
  'index-server': { tcpPort: 0, pollMs: 50 },
  monitor: { ...anyPorts, timeoutMs: 250, checkMs: 0 },
  'content-server': { ...anyPorts, heartbeatMs: 50 },
  client: { timeoutMs: 500, attempts: 2 },
};

/** Adds a node, linked to those that are there already, and starts it. Resolves to its id. */
export async function addRunning(
  studio: TestCore,
  kind: keyof typeof quick,
  config: object = {},
): Promise<string> {
  const command = { type: 'add-node' as const, kind, config: { ...quick[kind], ...config } };
  const { ids } = await studio.call('workspace.apply', { command });
  const id = ids[0] as string;
  await run(studio, id);
  return id;
}

export async function run(studio: TestCore, id: string): Promise<NodeView> {
  await studio.call('nodes.start', { ids: [id] });
  return studio.phase(id, 'running');
}

/** Resolves when another process of the node runs. */
export async function restart(studio: TestCore, id: string): Promise<NodeView> {
  const { pid } = studio.node(id);
  await studio.call('nodes.restart', { ids: [id] });
  return runningAgain(studio, id, pid);
}

/** Resolves when a process other than `former` runs. */
export function runningAgain(studio: TestCore, id: string, former: number | undefined): Promise<NodeView> {
  return waitFor(() => {
    const view = studio.node(id);
    return view.phase === 'running' && view.pid !== former && view;
  }, `another process of ${id} to run`);
}

/** Puts a file onto a content server. */
export async function put(studio: TestCore, node: string, name: string, bytes: Buffer): Promise<void> {
  const { tickets } = await studio.call('files.prepareUpload', {
    node,
    files: [{ name, size: bytes.length }],
  });
  await studio.core.receiveUpload(
    tickets[0]?.uploadId as string,
    (async function* () {
      yield bytes;
    })(),
  );
}
