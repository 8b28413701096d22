import { type ConfigOf, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';
import type { Priority } from '../../contract/priority';

export const manifest = defineNode({
  id: 'client',
  command: 'client',
  family: 'micro-cdn',
  label: 'Client',
  namePrefix: 'Client',
  summary: 'Asks the index where a file is and downloads it, from another server when one fails.',
  icon: 'client',
  tier: 0,
  downloads: true,
  priorities: true,
  sources: true,
  positional: [],
  fields: {
    index: {
      control: 'link',
      to: ['index-server'],
      port: 'tcp',
      transport: 'tcp',
      role: 'lookup',
      defaultPort: 5050,
      flags: { host: 'index-host', port: 'index-port' },
      label: 'Index',
      help: 'Where files are looked up.',
    },
    out: {
      control: 'folder',
      label: 'Save to',
      help: 'Finished files go here. Empty: the downloads folder.',
      default: '',
      flag: 'out',
    },
    timeoutMs: {
      control: 'number',
      label: 'Time-out',
      help: 'A server that sends nothing for so long is given up, and another is asked for.',
      default: 5000,
      min: 100,
      max: 600_000,
      unit: 'ms',
    },
    attempts: {
      control: 'number',
      label: 'Attempts',
      help: 'How many servers are tried, in a row and without a byte of progress, before a download fails.',
      default: 6,
      min: 1,
      max: 100,
      advanced: true,
    },
    maxSources: {
      control: 'number',
      label: 'Servers at once',
      help: 'Large files come from so many servers in parallel, where index and servers are of our kind. 1: from one after the other.',
      default: 4,
      min: 1,
      max: 50,
      advanced: true,
    },
    strict: strictField('Send only what the seed protocol names.'),
  },
  dynamicLinks: [{ to: ['content-server'], port: 'tcp', transport: 'tcp', role: 'transfer' }],
});

export type ClientConfig = ConfigOf<(typeof manifest)['fields']>;

/** What a client shows of itself. */
export interface ClientSnapshot {
  /** Downloads under way. */
  active: number;
  done: number;
  failed: number;
}

/** Input and output of the operations of a running client. */
export interface ClientOperations {
  /**
   * Downloads one file: looks it up, streams it into `<folder>/<name>.part`, checks it, renames it. Progress
   * is a `DownloadProgress`; cancelling keeps the `.part` file, so that a later download resumes.
   * An existing file of that name is never overwritten: `name (2)`. `sources` stands for `maxSources` this once.
   */
  download: {
    input: { name: string; folder?: string; keepPartial?: boolean; priority?: Priority; sources?: number };
    output: DownloadResult;
  };
  /**
   * Of a content server that several downloads use at once, each from several servers, those of high, normal and low
   * priority get 4 : 2 : 1.
   */
  control: { input: { name: string; priority: Priority }; output: undefined };
}

export interface DownloadProgress {
  phase: 'waiting' | 'running' | 'verifying';
  /** Where it comes from several servers at once. */
  priority?: Priority;
  /** Path of the unfinished file, so that whoever cancels for good can delete it. */
  partial?: string;
  bytes: number;
  size?: number;
  source?: { serverId: string; address: string };
  /** `source` is the fastest of several at once. */
  several?: boolean;
  /** Bytes by source in order of arrival; the last one grows. */
  segments: { source: string; bytes: number }[];
  /** Fail-overs, retries and resumes so far. */
  marks: { at: number; bytes: number; text: string }[];
}

export interface DownloadResult extends DownloadProgress {
  path: string;
  size: number;
  sha256: string;
  /** One of the words of `verified.ts`. */
  verified: string;
}
