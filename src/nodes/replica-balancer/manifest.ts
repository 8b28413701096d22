import { type ConfigOf, hostField, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'replica-balancer',
  command: 'replica-balancer',
  family: 'replica',
  label: 'Replica balancer',
  namePrefix: 'Balancer',
  summary: 'Measures its replicas and tells each client the address of the best one.',
  icon: 'balancer',
  tier: 1,
  drainOrder: 0,
  portStep: 100,
  fields: {
    host: hostField,
    port: {
      control: 'port',
      transport: 'tcp',
      port: 'tcp',
      label: 'Port',
      help: 'Clients are told here which replica to use.',
      default: 33_000,
      aliases: ['-p'],
    },
    replicas: {
      control: 'links',
      to: ['replica-server'],
      port: 'tcp',
      transport: 'tcp',
      role: 'probe',
      label: 'Replicas',
      help: 'Where the page can be had.',
      flag: 'replicas',
    },
    serversFile: {
      control: 'text',
      label: 'Servers file',
      help: 'Further replicas, one "address" or "address:port" a line. Changes count at once.',
      default: '',
      flag: 'servers',
      aliases: ['-s'],
      maxLength: 4096,
    },
    logFile: {
      control: 'text',
      label: 'Log file',
      help: 'One line per event, rotated at 1 MiB. Empty: none.',
      default: '',
      flag: 'log',
      aliases: ['-l'],
      maxLength: 4096,
      advanced: true,
    },
    probeMs: {
      control: 'number',
      label: 'Probe every',
      help: 'How often a replica of ours is measured; a foreign one, by a connection, four times less often.',
      default: 500,
      min: 20,
      max: 600_000,
      unit: 'ms',
    },
    probeTimeoutMs: {
      control: 'number',
      label: 'Down after',
      help: 'A replica that answers no probe for so long is down. One that refuses a connection is down at once.',
      default: 1500,
      min: 50,
      max: 600_000,
      unit: 'ms',
    },
    waitMs: {
      control: 'number',
      label: 'Longest wait',
      help: 'A client that has waited for a replica for so long is sent away. Clients of ours ask again.',
      default: 600_000,
      min: 1000,
      max: 86_400_000,
      unit: 'ms',
      advanced: true,
    },
    strict: strictField('Measure replicas by connections alone, as if all of them were foreign.'),
  },
  dynamicLinks: [
    { to: ['replica-server'], port: 'tcp', transport: 'tcp', role: 'probe' },
    { to: ['replica-server'], port: 'tcp', transport: 'udp', role: 'probe' },
  ],
});

export type BalancerConfig = ConfigOf<(typeof manifest)['fields']>;

export interface ReplicaScore {
  /** `host:port` */
  address: string;
  state: 'up' | 'down' | 'draining' | 'unknown';
  /** Why it is down: 'refuses connections', 'does not answer'. */
  detail?: string;
  /** Known to speak our extensions; undefined until it has answered. */
  ours: boolean;
  /** Smoothed, milliseconds. */
  rttMs?: number;
  /** Smoothed share of lost probes, 0–1. */
  loss: number;
  /** Clients it serves, as far as is known. */
  load: number;
  /** Lower is better; only for those that are up. */
  cost?: number;
  /** Clients sent to it since start. */
  assigned: number;
  /** Where the next client goes. */
  chosen: boolean;
  /** False when foreign clients cannot be sent there: the protocol has no room for another port. */
  forForeignClients: boolean;
}

/** What the balancer shows of itself. */
export interface BalancerSnapshot {
  replicas: ReplicaScore[];
  /** Clients that wait because no replica is up. */
  waiting: number;
  /** Those that wait, or whose answer is on its way, longest here first; at most 50 are listed. */
  clients: { address: string; since: number }[];
  assigned: number;
  /** Why the servers file cannot be used, if so. */
  serversFileError?: string;
  /** Unix ms. */
  drainingSince?: number;
}

/** One answer to a client, for "why this replica?". */
export interface BalancerDecision {
  /** Unix ms. */
  at: number;
  client: string;
  address: string;
  reason: string;
  /** How long the client had waited, ms. */
  waitedMs: number;
  ranking: { address: string; cost: number }[];
}

/** Operations of a running balancer. */
export interface BalancerOperations {
  /** The newest decisions, newest first; at most 100. */
  decisions: { input: undefined; output: BalancerDecision[] };
}
