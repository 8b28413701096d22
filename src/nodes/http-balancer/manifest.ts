import { type ConfigOf, hostField, maxConnectionsField, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'http-balancer',
  command: 'http-balancer',
  family: 'http',
  label: 'HTTP balancer',
  namePrefix: 'Balancer',
  summary: 'Tests its servers, ranks them, and redirects each client to one, or passes its request on.',
  icon: 'balancer',
  tier: 1,
  portStep: 100,
  fields: {
    host: hostField,
    port: {
      control: 'port',
      transport: 'tcp',
      port: 'http',
      label: 'Port',
      help: 'Requests arrive here.',
      default: 8500,
      aliases: ['-p'],
    },
    servers: {
      control: 'links',
      to: ['http-origin', 'cache-proxy'],
      port: 'http',
      transport: 'tcp',
      role: 'test',
      label: 'Servers',
      help: 'Those among which it chooses.',
      flag: 'servers',
    },
    mode: {
      control: 'choice',
      label: 'Mode',
      help: 'What a client gets.',
      default: 'redirect',
      options: [
        { value: 'redirect', label: 'Redirect', help: 'The address of a server, as the seed does.' },
        { value: 'proxy', label: 'Reverse proxy', help: "The server's reply, passed on." },
      ],
    },
    policy: {
      control: 'choice',
      label: 'Policy',
      help: 'How a server is chosen.',
      default: 'lottery',
      options: [
        { value: 'lottery', label: 'Ranked lottery', help: "The seed's: faster in the test, more tickets." },
        { value: 'round-robin', label: 'Round robin' },
        { value: 'random', label: 'Random' },
        {
          value: 'two-choices',
          label: 'Power of two choices',
          help: 'The less loaded of two (Mitzenmacher 2001).',
        },
        { value: 'least-in-flight', label: 'Least in flight', help: 'The fewest requests under way.' },
        {
          value: 'peak-ewma',
          label: 'Peak EWMA',
          help: 'Latency times requests under way, of two the cheaper.',
        },
        {
          value: 'consistent-hash',
          label: 'Consistent hashing',
          help: 'By path, with bounded loads (SODA 2018).',
        },
        { value: 'maglev', label: 'Maglev', help: 'By path, with a table (NSDI 2016).' },
      ],
    },
    intervalMs: {
      control: 'number',
      label: 'Test every',
      help: 'How often each server is tested.',
      default: 5000,
      min: 1,
      max: 3_600_000,
      unit: 'ms',
      flag: 'interval',
    },
    status: {
      control: 'choice',
      label: 'Redirect status',
      help: 'Browsers may keep a 301 for ever: every redirect says no-store, and 302 or 307 say that it is not for ever.',
      default: '301',
      options: [
        { value: '301', label: '301 Moved Permanently', help: "The seed's." },
        { value: '302', label: '302 Found' },
        { value: '307', label: '307 Temporary Redirect', help: 'The method stays what it was.' },
      ],
    },
    mirrors: {
      control: 'toggle',
      label: 'Name mirrors',
      help: 'Redirects of clients that ask for digests name the other servers with the very same file (RFC 6249).',
      default: true,
      advanced: true,
    },
    testPath: {
      control: 'text',
      label: 'Test path',
      help: 'What is transferred to test a server. Any reply below 500 counts.',
      default: '/',
      pattern: '/[!-~]*',
      patternHint: 'A path: it begins with a slash.',
      maxLength: 1024,
      advanced: true,
    },
    timeoutMs: {
      control: 'number',
      label: 'Test time-out',
      help: 'A server that has not answered its test by then is down.',
      default: 2000,
      min: 10,
      max: 600_000,
      unit: 'ms',
      advanced: true,
    },
    attempts: {
      control: 'number',
      label: 'Attempts',
      help: 'Reverse proxy: servers that are tried, where a request may safely be sent again.',
      default: 3,
      min: 1,
      max: 100,
      advanced: true,
    },
    maxConnections: maxConnectionsField,
    strict: strictField('Refuse heads that end in CR LF CR, which programs of the seed send.'),
  },
});

export type HttpBalancerConfig = ConfigOf<(typeof manifest)['fields']>;

export interface BackendView {
  /** `host:port` */
  address: string;
  state: 'untested' | 'up' | 'down';
  /** Why it is down. */
  detail?: string;
  /** Time of the last test transfer, ms. */
  testMs?: number;
  /** Unix ms of the last test. */
  testedAt?: number;
  /** 1 is the fastest; absent while down. */
  rank?: number;
  /** Share of clients it is to get by the lottery, 0–1. */
  share?: number;
  /** Smoothed time of replies, ms. */
  latencyMs: number;
  /** Requests under way; when redirecting, clients sent there lately, fading. */
  load: number;
  /** A connection is open whose end would tell of its death at once; otherwise it is checked when clients are sent there. */
  watched: boolean;
  chosen: number;
  failures: number;
}

/** Why this server? */
export interface HttpDecision {
  /** Unix ms. */
  at: number;
  client: string;
  path: string;
  policy: HttpBalancerConfig['policy'];
  winner: string | null;
  reason: string;
  candidates: {
    address: string;
    state: BackendView['state'];
    testMs?: number;
    load: number;
    score: number | null;
  }[];
}

/** What a balancer shows of itself. */
export interface HttpBalancerSnapshot {
  mode: HttpBalancerConfig['mode'];
  policy: HttpBalancerConfig['policy'];
  backends: BackendView[];
  requests: number;
  /** Requests that no server could be found for. */
  unserved: number;
  retries: number;
  lastDecision?: HttpDecision;
}

/** Operations of a running balancer. */
export interface HttpBalancerOperations {
  /** The newest decisions, newest first; at most 100. */
  decisions: { input: { limit?: number } | undefined; output: HttpDecision[] };
}
