/**
 * The registry of node kinds: one line each. The palette, the forms, the command line, the drop rules and the
 * compliance suite are made from it; the program beside each manifest (`node.ts`) is found by the kind's id.
 */
import type { NodeManifest } from '../contract/manifest';
import { manifest as cacheProxy } from './cache-proxy/manifest';
import { manifest as client } from './client/manifest';
import { manifest as contentServer } from './content-server/manifest';
import { manifest as httpBalancer } from './http-balancer/manifest';
import { manifest as httpClient } from './http-client/manifest';
import { manifest as httpOrigin } from './http-origin/manifest';
import { manifest as indexServer } from './index-server/manifest';
import { manifest as monitor } from './monitor/manifest';
import { manifest as p2pIndex } from './p2p-index/manifest';
import { manifest as p2pPeer } from './p2p-peer/manifest';
import { manifest as relay } from './relay/manifest';
import { manifest as replicaBalancer } from './replica-balancer/manifest';
import { manifest as replicaClient } from './replica-client/manifest';
import { manifest as replicaServer } from './replica-server/manifest';
import { manifest as ringClient } from './ring-client/manifest';
import { manifest as ringServer } from './ring-server/manifest';

export const manifests: readonly NodeManifest[] = [
  indexServer, //
  monitor,
  contentServer,
  client,
  relay,
  replicaBalancer,
  replicaServer,
  replicaClient,
  ringServer,
  ringClient,
  p2pIndex,
  p2pPeer,
  httpOrigin,
  cacheProxy,
  httpBalancer,
  httpClient,
];

const byId = new Map(manifests.map((manifest) => [manifest.id, manifest]));

/** Undefined when a workspace of another version names a kind that is not known here. */
export function manifestOf(kind: string): NodeManifest | undefined {
  return byId.get(kind);
}
