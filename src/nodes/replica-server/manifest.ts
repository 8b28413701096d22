import { type ConfigOf, hostField, idleField, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'replica-server',
  command: 'replica',
  family: 'replica',
  label: 'Replica',
  namePrefix: 'Replica',
  summary: 'Serves one page, stop-and-wait, to the clients that a replica balancer sends.',
  icon: 'replica',
  tier: 3,
  drainOrder: 1,
  portStep: 1,
  filesField: 'files',
  fields: {
    host: {
      ...hostField,
      help: 'The address to listen on. For foreign clients: 127.0.0.2, 127.0.0.3 … with the port of the balancer.',
    },
    port: {
      control: 'port',
      transport: 'tcp',
      port: 'tcp',
      label: 'Port',
      help: 'Clients get the page here. Foreign clients expect the port of the balancer.',
      default: 33_001,
      aliases: ['-p'],
    },
    page: {
      control: 'text',
      label: 'Page',
      help: 'What to serve: an http(s) URL, a file, or a folder with an index.html. Empty: the folder below.',
      default: '',
      flag: 'page',
      aliases: ['-w', '--webpage'],
      maxLength: 4096,
    },
    files: {
      control: 'folder',
      label: 'Folder',
      help: 'Its index.html, or its only file, is the page, or else a list of its files. Drop files here.',
      default: '',
      flag: 'folder',
      optional: true,
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
    refreshMs: {
      control: 'number',
      label: 'Fetch again every',
      help: 'How often a page from a URL is fetched again. The last good copy is served meanwhile.',
      default: 60_000,
      min: 100,
      max: 86_400_000,
      unit: 'ms',
      advanced: true,
    },
    fetchTimeoutMs: {
      control: 'number',
      label: 'Fetch time-out',
      help: 'A URL that has not answered completely by then has failed.',
      default: 10_000,
      min: 100,
      max: 600_000,
      unit: 'ms',
      advanced: true,
    },
    maxPageBytes: {
      control: 'number',
      label: 'Largest fetched page',
      help: 'A URL that sends more than this has failed. Files may be of any size.',
      default: 64 * 1024 * 1024,
      min: 1024,
      max: 1024 * 1024 * 1024,
      unit: 'bytes',
      advanced: true,
    },
    idleMs: idleField('A client that sends and takes nothing for so long is dropped.', 15_000),
    strict: strictField('Only what the seed protocol names: no probes answered, no bulk transfer.'),
  },
});

export type ReplicaConfig = ConfigOf<(typeof manifest)['fields']>;

/** What a replica shows of itself. */
export interface ReplicaSnapshot {
  page: {
    /** Where it comes from: a URL or a path. */
    source: string;
    /** Bytes; absent while there is no page yet. */
    size?: number;
    /** Unix ms of the last good copy. */
    since?: number;
    /** Why the newest attempt to read or fetch it failed. */
    error?: string;
  };
  /** Clients being served now, oldest first; at most 50 are listed. */
  clients: { address: string; bytes: number; since: number; bulk: boolean }[];
  load: number;
  /** Pages delivered in whole since start. */
  served: number;
  /** Balancers that watch it. */
  watchers: number;
  /** Unix ms since when no new clients are taken. */
  drainingSince?: number;
}
