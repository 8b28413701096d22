import { type ConfigOf, hostField, idleField, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'index-server',
  command: 'index',
  family: 'micro-cdn',
  label: 'Index server',
  namePrefix: 'Index',
  summary: 'Knows which content server holds which file, and sends each client to one of them.',
  icon: 'index',
  tier: 1,
  portStep: 1,
  catalogue: true,
  fields: {
    host: hostField,
    tcpPort: {
      control: 'port',
      transport: 'tcp',
      port: 'tcp',
      label: 'TCP port',
      help: 'Content servers register here, clients look files up here.',
      default: 5050,
      flag: 'port',
    },
    monitor: {
      control: 'link',
      to: ['monitor'],
      port: 'tcp',
      transport: 'tcp',
      role: 'health',
      defaultPort: 6001,
      flags: { host: 'monitor-host', port: 'monitor-tcp-port' },
      label: 'Monitor',
      help: 'The monitor that tells which content servers are alive. None: the index trusts registrations.',
    },
    policy: {
      control: 'choice',
      label: 'Routing policy',
      help: 'How one of several live holders of a file is chosen.',
      default: 'least-load',
      options: [
        { value: 'least-load', label: 'Least load', help: 'The lowest reported load; ties at random.' },
        { value: 'round-robin', label: 'Round robin', help: 'Each holder in turn.' },
        { value: 'random', label: 'Random', help: 'Every live holder with the same chance.' },
        {
          value: 'two-choices',
          label: 'Power of two choices',
          help: 'The less loaded of two drawn at random (Mitzenmacher 2001).',
        },
      ],
    },
    pollMs: {
      control: 'number',
      label: 'Poll interval',
      help: 'How often LIST_SERVERS is asked of the monitor; pushes arrive at once besides.',
      default: 1000,
      min: 50,
      max: 60_000,
      unit: 'ms',
      advanced: true,
    },
    idleMs: idleField('A connection that sends nothing for so long is closed.', 10_000),
    strict: strictField('Refuse what the seed protocol does not name: no tolerances, no extensions.'),
  },
});

export type IndexConfig = ConfigOf<(typeof manifest)['fields']>;

export type ServerStatus = 'alive' | 'dead' | 'draining';

/** What the index shows of itself. */
export interface IndexSnapshot {
  /** Number of distinct file names. */
  files: number;
  monitor: 'none' | 'connected' | 'unreachable';
  servers: {
    serverId: string;
    host: string;
    tcpPort: number;
    udpPort: number;
    files: number;
    /** As last reported through the monitor; -1 when never. */
    load: number;
    status: ServerStatus;
    /** Unix ms of the last change of status. */
    since: number;
  }[];
  /** The newest decision, if any. */
  lastDecision?: Decision;
}

/** "Why this server?": one lookup, its candidates and the winner. */
export interface Decision {
  /** Unix ms. */
  at: number;
  fileName: string;
  policy: IndexConfig['policy'];
  candidates: {
    serverId: string;
    address: string;
    load: number;
    alive: boolean;
    /** The policy's score, lower is better; null for a candidate that was not considered. */
    score: number | null;
    /** Why it was or was not considered, in a few words. */
    note: string;
  }[];
  /** Null: nobody alive holds the file. */
  winner: string | null;
  /** One sentence: 'CS2 has the least load (0 against 3).' */
  reason: string;
}

/** Input and output of the operations of a running index. */
export interface IndexOperations {
  /** The newest decisions, newest first; of one file when named. */
  decisions: { input: { fileName?: string; limit?: number }; output: Decision[] };
  /** Everything announced; a page at a time. */
  catalogue: {
    input: {
      search: string;
      sort: 'name' | 'size' | 'holders';
      descending: boolean;
      offset: number;
      limit: number;
    };
    output: {
      rows: {
        name: string;
        size: number;
        holders: { serverId: string; address: string; alive: boolean }[];
      }[];
      total: number;
    };
  };
}
