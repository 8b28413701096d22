import { type ConfigOf, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'replica-client',
  command: 'replica-client',
  family: 'replica',
  label: 'Replica client',
  namePrefix: 'Reader',
  summary: 'Asks a replica balancer for a replica and gets the page from it.',
  icon: 'client',
  tier: 0,
  drainOrder: 2,
  fields: {
    balancer: {
      control: 'link',
      to: ['replica-balancer'],
      port: 'tcp',
      transport: 'tcp',
      role: 'lookup',
      defaultPort: 33_000,
      flags: { host: 'server', port: 'port' },
      label: 'Balancer',
      help: 'Where a replica is asked for.',
    },
    out: {
      control: 'folder',
      label: 'Save to',
      help: 'Pages are saved here. Empty: the downloads folder.',
      default: '',
      flag: 'folder',
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
    timeoutMs: {
      control: 'number',
      label: 'Time-out',
      help: 'A replica that sends nothing for so long is given up, and the balancer is asked again. Waiting at the balancer has no limit.',
      default: 5000,
      min: 100,
      max: 600_000,
      unit: 'ms',
    },
    attempts: {
      control: 'number',
      label: 'Attempts',
      help: 'How many replicas are tried before a fetch fails.',
      default: 6,
      min: 1,
      max: 100,
      advanced: true,
    },
    strict: strictField('Stop-and-wait to the end, also with a replica of ours.'),
  },
  dynamicLinks: [
    { to: ['replica-server'], port: 'tcp', transport: 'tcp', role: 'transfer' },
    { to: ['replica-server'], port: 'tcp', transport: 'udp', role: 'transfer' },
  ],
});

export type ReplicaClientConfig = ConfigOf<(typeof manifest)['fields']>;

/** What a client shows of itself. */
export interface ReplicaClientSnapshot {
  active: number;
  done: number;
  failed: number;
  last?: FetchResult;
  /** Unix ms. */
  drainingSince?: number;
}

export interface ReplicaClientOperations {
  /**
   * Gets the page into `<folder>/<name>` (default `page.html`); an existing file is never overwritten:
   * `page (2).html`. Progress is a `FetchProgress`.
   */
  fetch: { input: { folder?: string; name?: string } | undefined; output: FetchResult };
  /** Ends every fetch that is under way. */
  cancel: { input: undefined; output: undefined };
}

export interface FetchProgress {
  phase: 'waiting' | 'running';
  /** The balancer, which answers at once otherwise, has kept the client waiting: no replica is up. */
  noReplica: boolean;
  bytes: number;
  /** `host:port` of the replica. */
  replica?: string;
  /** True once the replica sends in one piece. */
  bulk: boolean;
  /** Replicas that failed so far, and why. */
  marks: string[];
}

export interface FetchResult extends FetchProgress {
  path: string;
  sha256: string;
  /** 'end mark', or 'size and hash' when the replica sent its own hash. */
  verified: string;
  milliseconds: number;
}
