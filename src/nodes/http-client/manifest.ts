import type { ConfigOf } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';
import type { Priority } from '../../contract/priority';
import type { DownloadProgress, DownloadResult } from '../client/manifest';

export const manifest = defineNode({
  id: 'http-client',
  command: 'get',
  family: 'http',
  label: 'HTTP client',
  namePrefix: 'Getter',
  summary: 'Downloads files over HTTP, directly, by a proxy, or from where a balancer sends it.',
  icon: 'download',
  tier: 0,
  downloads: true,
  priorities: true,
  sources: true,
  fields: {
    server: {
      control: 'link',
      to: ['http-origin', 'http-balancer', 'cache-proxy'],
      port: 'http',
      transport: 'tcp',
      role: 'request',
      defaultPort: 8000,
      label: 'Server',
      help: 'Where a name without an address is asked for: an origin, a balancer, or a cache in front of one.',
    },
    proxy: {
      control: 'links',
      to: ['cache-proxy'],
      port: 'http',
      transport: 'tcp',
      role: 'request',
      label: 'Proxy',
      help: 'A forward proxy that every request goes through; only the first counts.',
      flag: 'proxy',
    },
    mirrors: {
      control: 'links',
      to: ['http-origin', 'cache-proxy'],
      port: 'http',
      transport: 'tcp',
      role: 'transfer',
      label: 'Mirrors',
      help: 'Further servers with the same files: a file comes from all that have the very same one, in parallel.',
      flag: 'mirrors',
      byHand: true,
      advanced: true,
    },
    maxSources: {
      control: 'number',
      label: 'Servers at once',
      help: 'More than 1: the server is asked for mirrors (Link: rel=duplicate, Metalink), and they are used together.',
      default: 1,
      min: 1,
      max: 50,
      advanced: true,
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
      help: 'A server that sends nothing for so long is given up.',
      default: 10_000,
      min: 50,
      max: 600_000,
      unit: 'ms',
    },
    attempts: {
      control: 'number',
      label: 'Attempts',
      help: 'How often a download is tried, from where it broke off, before it fails.',
      default: 4,
      min: 1,
      max: 100,
      advanced: true,
    },
    verify: {
      control: 'toggle',
      label: 'Verify',
      help: 'Ask for the SHA-256 of the file and compare it.',
      default: true,
      advanced: true,
    },
  },
  dynamicLinks: [{ to: ['http-origin', 'cache-proxy'], port: 'http', transport: 'tcp', role: 'transfer' }],
});

export type HttpClientConfig = ConfigOf<(typeof manifest)['fields']>;

/** What a client shows of itself. */
export interface HttpClientSnapshot {
  active: number;
  done: number;
  failed: number;
  /** The newest 10 downloads, newest first. */
  recent: FetchView[];
}

/** A reply that a client got. */
export interface ReplyView {
  url: string;
  /** The server that answered, `host:port`: of the URL, or a proxy. */
  by: string;
  status: number;
  location?: string;
  cacheStatus?: string;
}

/** One download, as it is shown. */
export interface FetchView {
  /** Unix ms of its begin. */
  at: number;
  /** As it was asked for. */
  name: string;
  phase: 'running' | 'done' | 'failed';
  /** Every reply on the way, oldest first: redirects, what a cache says, errors. Not those of several servers at once. */
  replies: ReplyView[];
  /** Addresses that content came from. */
  sources: { address: string; bytes: number }[];
  bytes: number;
  /** Of a finished one: where it is, its SHA-256 in hex, and what was verified ("size and hash"). */
  path?: string;
  sha256?: string;
  verified?: string;
  /** Of one that failed. */
  error?: string;
}

export interface HttpClientOperations {
  /**
   * Downloads `HOST:PORT/PATH`, an http URL, or a path on the linked server into `<folder>/<name>`, over
   * `<name>.part`. An existing file is never overwritten: `name (2)`. Progress is a `DownloadProgress`.
   * `sources` is how many servers are used at once, whatever the configuration says; mirrors count among them.
   */
  download: {
    input: { name: string; folder?: string; priority?: Priority; sources?: number };
    output: DownloadResult;
  };
  /**
   * Of a server that several downloads use at once, each from several servers, those of high, normal and low priority
   * get 4 : 2 : 1. The name is that of `download`.
   */
  control: { input: { name: string; priority: Priority }; output: undefined };
}

export type { DownloadProgress, DownloadResult };
