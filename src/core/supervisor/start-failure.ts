/** Makes of a failed start something that a person can act on. */
import type { ErrorShape } from '../../contract/errors';
import type { NodeSpec } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';
import { checkPort, type PortUse } from './ports';
import { listeningHost, nodePorts } from './resolve-config';

/** A better reason, or undefined where the node's own words are the best there are. */
export async function explainStartFailure(
  reason: ErrorShape,
  node: NodeSpec,
  uses: readonly PortUse[],
): Promise<ErrorShape | undefined> {
  switch (reason.code) {
    case 'EADDRINUSE':
      return explainPortInUse(node, uses);
    case 'EACCES':
      return {
        ...reason,
        hint: 'Ports below 1024, and folders of other users, need rights that this account does not have.',
      };
    case 'EADDRNOTAVAIL':
      return { ...reason, ...missingAddress(listeningHost(node)) };
    default:
      return undefined;
  }
}

/** What to say, and to do, where a program is to listen on an address that this machine has not. */
export function missingAddress(
  host: string,
  platform: NodeJS.Platform = process.platform,
): { message: string; hint: string } {
  const isLoopback = /^127\.\d+\.\d+\.\d+$/.test(host) && host !== '127.0.0.1';
  // Linux and Windows answer on all of 127.0.0.0/8, macOS on the first address alone.
  const alias =
    isLoopback && platform === 'darwin'
      ? ` To have it until the next restart: sudo ifconfig lo0 alias ${host} up`
      : '';
  return {
    message: `This machine has no address ${host}.`,
    hint: `Use 127.0.0.1, or an address of one of its network interfaces.${alias}`,
  };
}

async function explainPortInUse(node: NodeSpec, uses: readonly PortUse[]): Promise<ErrorShape | undefined> {
  const others = uses.filter((use) => use.node !== node.id);
  for (const { key, transport, port } of nodePorts(node)) {
    const check = await checkPort(listeningHost(node), port, transport, others);
    if (check.free) continue;
    const label = manifestOf(node.kind)?.fields[key]?.label ?? `${transport.toUpperCase()} port`;
    return {
      code: 'EADDRINUSE',
      message: `${label} ${port} is in use by ${check.holder ?? 'another program'}.`,
      hint: check.nextFree
        ? `Use ${check.nextFree}, the next free one, or stop what uses it.`
        : 'Choose another port, or stop what uses it.',
    };
  }
  // Whoever held it has let go meanwhile.
  return {
    code: 'EADDRINUSE',
    message: 'A port was in use by another program when the node started; it is free now.',
    hint: 'Start it again.',
  };
}
