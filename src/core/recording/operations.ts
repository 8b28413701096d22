/** Which operations of running nodes (`nodes.operate`) are part of a recording. */
import type { CacheOperations } from '../../nodes/cache-proxy/manifest';
import type { ClientOperations } from '../../nodes/client/manifest';
import type { HttpBalancerOperations } from '../../nodes/http-balancer/manifest';
import type { HttpClientOperations } from '../../nodes/http-client/manifest';
import type { OriginOperations } from '../../nodes/http-origin/manifest';
import type { IndexOperations } from '../../nodes/index-server/manifest';
import type { P2pIndexOperations } from '../../nodes/p2p-index/manifest';
import type { P2pPeerOperations } from '../../nodes/p2p-peer/manifest';
import type { BalancerOperations } from '../../nodes/replica-balancer/manifest';
import type { ReplicaClientOperations } from '../../nodes/replica-client/manifest';
import type { RingClientOperations } from '../../nodes/ring-client/manifest';
import type { RingOperations } from '../../nodes/ring-server/manifest';

type Operation =
  | keyof BalancerOperations
  | keyof CacheOperations
  | keyof ClientOperations
  | keyof HttpBalancerOperations
  | keyof HttpClientOperations
  | keyof IndexOperations
  | keyof OriginOperations
  | keyof P2pIndexOperations
  | keyof P2pPeerOperations
  | keyof ReplicaClientOperations
  | keyof RingClientOperations
  | keyof RingOperations;

const recorded: Record<Operation, boolean> = {
  cancel: true,
  configure: true,
  control: true,
  download: true,
  fetch: true,
  get: true,
  purge: true,
  put: true,
  register: true,
  removeAccount: true,
  setUploadLimit: true,
  unregister: true,

  // These ask, and the inspector asks again and again.
  catalogue: false,
  contents: false,
  decisions: false,
  items: false,
  list: false,
  requests: false,
  shared: false,

  // A file that is gone for good, and a password that would be handed on with the recording.
  delete: false,
  setAccount: false,
};

export function isRecordedOperation(operation: string): boolean {
  return Object.hasOwn(recorded, operation) && recorded[operation as Operation];
}
