import { type ConfigOf, hostField, idleField, maxConnectionsField, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'cache-proxy',
  command: 'cache',
  family: 'http',
  label: 'Caching proxy',
  namePrefix: 'Cache',
  summary:
    'Keeps what origins reply and answers from it while it is fresh, as a reverse and as a forward proxy.',
  icon: 'cache',
  tier: 2,
  portStep: 100,
  fields: {
    host: hostField,
    port: {
      control: 'port',
      transport: 'tcp',
      port: 'http',
      label: 'Port',
      help: 'Requests arrive here.',
      default: 9000,
      aliases: ['-p'],
    },
    origins: {
      control: 'links',
      to: ['http-origin', 'cache-proxy', 'http-balancer'],
      port: 'http',
      transport: 'tcp',
      role: 'origin',
      label: 'Origins',
      help: 'Where requests for a path go; the next one when one cannot be reached. None: a forward proxy only.',
      flag: 'origin',
    },
    mode: {
      control: 'choice',
      label: 'Rules',
      help: 'When a stored reply may be used.',
      default: 'rfc',
      options: [
        {
          value: 'rfc',
          label: 'RFC 9111',
          help: 'As the origin says, with heuristics where it says nothing.',
        },
        {
          value: 'seed',
          label: 'Seed',
          help: 'Every reply 200 is kept; younger than the expiry it is validated each time, older it is fetched again.',
        },
      ],
    },
    expiry: {
      control: 'number',
      label: 'Expiry',
      help: 'Freshness lifetime of every reply. 0: as the origin says (rules of RFC 9111), or 60 s (seed).',
      default: 0,
      min: 0,
      max: 31_536_000,
      unit: 's',
    },
    memory: {
      control: 'number',
      label: 'Memory',
      help: 'Replies kept in memory, at most.',
      default: 64 * 2 ** 20,
      min: 0,
      max: 2 ** 40,
      unit: 'bytes',
    },
    disk: {
      control: 'number',
      label: 'Disk',
      help: 'Replies kept in the store folder, at most. They survive a restart.',
      default: 2 ** 30,
      min: 0,
      max: 2 ** 50,
      unit: 'bytes',
    },
    store: {
      control: 'folder',
      label: 'Store folder',
      help: 'Replies are kept on disk below it, in the folder micro-cdn-cache. On the command line: none unless given.',
      default: '',
      optional: true,
      advanced: true,
    },
    eviction: {
      control: 'choice',
      label: 'Eviction',
      help: 'Which reply goes when there is no room.',
      default: 's3-fifo',
      options: [
        { value: 's3-fifo', label: 'S3-FIFO', help: 'Three queues (SOSP 2023): best on skewed traffic.' },
        { value: 'sieve', label: 'SIEVE', help: 'One queue and a hand (NSDI 2024).' },
        { value: 'w-tinylfu', label: 'W-TinyLFU', help: 'Window and frequency sketch (ACM TOS 2017).' },
        { value: 'lfu', label: 'LFU', help: 'The least often used.' },
        { value: 'lru', label: 'LRU', help: 'The least recently used.' },
        { value: 'clock', label: 'CLOCK', help: 'First in, first out, with a second chance.' },
        { value: 'fifo', label: 'FIFO', help: 'First in, first out.' },
      ],
    },
    heuristicPercent: {
      control: 'number',
      label: 'Heuristic',
      help: 'Without explicit lifetime, a reply is fresh for this share of the time since it was modified.',
      default: 10,
      min: 0,
      max: 100,
      unit: '%',
      advanced: true,
    },
    staleOnDisconnect: {
      control: 'number',
      label: 'Stale when disconnected',
      help: 'An origin that cannot be reached is stood in for by replies stale for up to so long, where it allows that.',
      default: 86_400,
      min: 0,
      max: 31_536_000,
      unit: 's',
      advanced: true,
    },
    upgrade: {
      control: 'choice',
      label: 'Tunnels',
      help: 'What to do with CONNECT, and with requests to upgrade to another protocol.',
      default: 'refuse',
      options: [
        {
          value: 'refuse',
          label: 'Refuse',
          help: 'CONNECT is answered 501, a wish to upgrade is not passed on.',
        },
        { value: 'tunnel', label: 'Tunnel', help: 'Connect, and pass bytes through, unseen.' },
      ],
      advanced: true,
    },
    replyMs: {
      control: 'number',
      label: 'Origin time-out',
      help: 'An origin that sends nothing for so long has failed.',
      default: 30_000,
      min: 50,
      max: 600_000,
      unit: 'ms',
      advanced: true,
    },
    idleMs: idleField('A client connection without a request is closed after this.', 15_000),
    maxConnections: maxConnectionsField,
    strict: strictField('Refuse heads that end in CR LF CR, which programs of the seed send.'),
  },
});

export type CacheConfig = ConfigOf<(typeof manifest)['fields']>;

/** How one request was answered. */
export interface CacheRequest {
  /** Unix ms. */
  at: number;
  client: string;
  method: string;
  url: string;
  status: number;
  outcome: 'hit' | 'revalidated' | 'stale' | 'miss' | 'bypass' | 'error';
  /** The Cache-Status member that was sent (RFC 9211). */
  cacheStatus: string;
  /** Why, for a person: 'stale by 12 s, revalidated, 304'. */
  reason: string;
}

/** One stored reply. */
export interface StoredView {
  key: string;
  /** Request fields and values that select it among the replies of its key; empty when there is but one. */
  variant: string;
  status: number;
  /** Bytes of content; of a partial reply, those that are there. */
  size: number;
  partial: boolean;
  tier: 'memory' | 'disk' | 'both' | 'arriving';
  ageSeconds: number;
  /** Freshness left, seconds; negative: stale for so long. */
  freshSeconds: number;
  lifetimeSource: string;
  hits: number;
  /** Unix ms; absent when never used. */
  lastUsed?: number;
  validator: 'etag' | 'last-modified' | 'none';
  tags: string[];
  /** Why it is still there: 'fresh for 20 s more', 'stale, can be revalidated'. */
  why: string;
}

export interface EvictedView {
  at: number;
  key: string;
  size: number;
  tier: 'memory' | 'disk';
  why: string;
}

export interface PurgeView {
  at: number;
  by: 'url' | 'prefix' | 'tag';
  value: string;
  removed: number;
}

/** What a caching proxy shows of itself. */
export interface CacheSnapshot {
  mode: CacheConfig['mode'];
  eviction: CacheConfig['eviction'];
  origins: { address: string; reachable: boolean }[];
  connections: number;
  objects: number;
  memory: { used: number; capacity: number; objects: number };
  disk: { used: number; capacity: number; objects: number };
  requests: number;
  hits: number;
  revalidated: number;
  stale: number;
  misses: number;
  bypassed: number;
  errors: number;
  collapsed: number;
  /** Shares 0–1 since start; hits and revalidated replies count as hits. */
  hitRatio: number;
  byteHitRatio: number;
  /** Share of requests that the origin did not see. */
  originOffload: number;
  clientBytes: number;
  originBytes: number;
  evictions: number;
  /** The newest 20, newest first. */
  recent: CacheRequest[];
  evicted: EvictedView[];
  purges: PurgeView[];
}

/** Operations of a running cache. */
export interface CacheOperations {
  /** What is stored, a page at a time. */
  contents: {
    input: {
      search?: string;
      sort?: 'key' | 'size' | 'age' | 'fresh' | 'hits';
      descending?: boolean;
      offset?: number;
      limit?: number;
    };
    output: { rows: StoredView[]; total: number };
  };
  /** The newest requests, newest first; at most 500. */
  requests: { input: { limit?: number; url?: string } | undefined; output: CacheRequest[] };
  /** Removes what is stored under a URL, under all URLs that begin so, or with a Cache-Tag. */
  purge: { input: { by: 'url' | 'prefix' | 'tag'; value: string }; output: { removed: number } };
}
