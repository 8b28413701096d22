import { type ConfigOf, hostField, idleField, maxConnectionsField, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'http-origin',
  command: 'origin',
  family: 'http',
  label: 'Origin',
  namePrefix: 'Origin',
  summary: 'Serves the files of a folder over HTTP/1.1.',
  icon: 'origin',
  tier: 3,
  portStep: 100,
  filesField: 'files',
  catalogue: true,
  fields: {
    host: hostField,
    port: {
      control: 'port',
      transport: 'tcp',
      port: 'http',
      label: 'Port',
      help: 'Requests arrive here.',
      default: 8000,
      aliases: ['-p'],
    },
    files: {
      control: 'folder',
      label: 'Folder',
      help: 'The files to serve. Empty: a folder of the workspace.',
      default: '',
    },
    headers: {
      control: 'rows',
      label: 'Headers by path',
      help: 'Fields of the replies for a folder (/img/), a file (/a.css) or an ending (*.html). Of rules that set the same field, the last one counts.',
      default: [],
      live: true,
      row: 'Rule',
      maxRows: 100,
      columns: [
        {
          key: 'pattern',
          label: 'Path',
          placeholder: '/img/ or *.html',
          pattern: '[/*]\\S*',
          patternHint: 'A folder (/img/), a file (/a.css) or an ending (*.html).',
        },
        {
          key: 'name',
          label: 'Header',
          placeholder: 'Cache-Control',
          pattern: "[!#$%&'*+.^_`|~0-9A-Za-z\\-]+",
          patternHint: 'A name of letters, digits and hyphens.',
          refused: {
            values: ['content-length', 'transfer-encoding', 'connection', 'date', 'content-range'],
            hint: 'The server makes this field itself.',
          },
        },
        {
          key: 'value',
          label: 'Value',
          placeholder: 'max-age=3600',
          pattern: '[!-~\\u00a1-\\u00ff](?:[\\t -~\\u00a0-\\u00ff]*[!-~\\u00a1-\\u00ff])?',
          patternHint: 'A text without line ends, and without blanks around it.',
        },
      ],
      text: {
        separator: ' | ',
        pattern: '(?<pattern>\\S+)\\s+(?<name>[^\\s:]+):\\s*(?<value>.*)',
        form: 'PATH Name: value',
      },
    },
    listing: {
      control: 'toggle',
      label: 'List folders',
      help: 'Answer the path of a folder without index.html with a list of its files.',
      default: false,
    },
    mirrors: {
      control: 'links',
      to: ['http-origin', 'cache-proxy'],
      port: 'http',
      transport: 'tcp',
      role: 'mirror',
      label: 'Mirrors',
      help: 'Servers with the same files. Replies name them (Link: rel=duplicate), and FILE.meta4 is a Metalink of FILE, so that clients download from all at once.',
      flag: 'mirrors',
      byHand: true,
      advanced: true,
    },
    idleMs: idleField('A connection without a request is closed after this.', 15_000),
    headMs: {
      control: 'number',
      label: 'Slow head',
      help: 'A request whose head is not complete by then is answered 408.',
      default: 10_000,
      min: 100,
      max: 600_000,
      unit: 'ms',
      advanced: true,
    },
    hotBytes: {
      control: 'number',
      label: 'Hot files',
      help: 'Memory for small files that are asked for often. 0: every request reads the disk.',
      default: 32 * 2 ** 20,
      min: 0,
      max: 2 ** 40,
      unit: 'bytes',
      flag: 'hot',
      advanced: true,
    },
    maxConnections: maxConnectionsField,
    strict: strictField('Refuse request heads that end in CR LF CR, which programs of the seed send.'),
  },
});

export type OriginConfig = ConfigOf<(typeof manifest)['fields']>;

/** One request that was answered. */
export interface AnsweredRequest {
  /** Unix ms. */
  at: number;
  client: string;
  method: string;
  target: string;
  status: number;
  /** Bytes of content sent; for a reply in progress, so far. */
  bytes: number;
}

/** What an origin shows of itself. */
export interface OriginSnapshot {
  files: number;
  /** Of all files, bytes. */
  bytes: number;
  connections: number;
  requests: number;
  sentBytes: number;
  /** How many replies of each status. */
  statuses: Record<string, number>;
  hot: { files: number; bytes: number; capacity: number; hits: number };
  /** The newest 20, newest first. */
  recent: AnsweredRequest[];
}

/** Operations of a running origin. */
export interface OriginOperations {
  /** Settings that take effect at once. */
  configure: { input: Partial<Pick<OriginConfig, 'headers'>>; output: undefined };
  /** The newest requests, newest first; at most 500. */
  requests: { input: { limit?: number } | undefined; output: AnsweredRequest[] };
  /** Its files; a page at a time. */
  catalogue: {
    input: {
      search: string;
      sort: 'name' | 'size' | 'holders';
      descending: boolean;
      offset: number;
      limit: number;
    };
    output: { rows: { name: string; size: number; holders: { address: string }[] }[]; total: number };
  };
}
