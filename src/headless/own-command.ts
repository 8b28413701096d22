/** What the command line does beyond the manifests: one line per kind whose seed has a command line of its own. */
import type { Flag } from './flags';
import type { ForegroundOptions } from './foreground';

/** Flags that every command has, and where their values are. */
export type CommonOptions = Omit<ForegroundOptions, 'config'>;

/** Resolves to the exit code. @throws UsageError */
export type OwnCommand = (
  argv: readonly string[],
  common: CommonOptions,
  commonFlags: Flag[],
) => Promise<number>;

export const ownCommands: Readonly<Record<string, () => Promise<OwnCommand>>> = {
  'http-client': async () => (await import('./get')).runGet,
  'p2p-peer': async () => (await import('./p2p-peer')).runP2pPeer,
  'replica-client': async () => (await import('./replica-client')).runReplicaClient,
  'ring-client': async () => (await import('./ring-client')).runRingClient,
  'ring-server': async () => (await import('./ring')).runRing,
};
