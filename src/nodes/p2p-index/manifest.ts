import { type ConfigOf, hostField, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'p2p-index',
  command: 'p2p-index',
  family: 'p2p',
  label: 'P2P index',
  namePrefix: 'Tracker',
  summary: 'Knows which peer has which file, and tells peers whom to download from.',
  icon: 'p2p-index',
  tier: 1,
  catalogue: true,
  portStep: 1,
  positional: ['host', 'tcpPort'],
  fields: {
    host: hostField,
    tcpPort: {
      control: 'port',
      transport: 'tcp',
      port: 'tcp',
      label: 'TCP port',
      help: 'Peers register here. Our own peers also ask at the UDP port of the same number.',
      default: 9000,
      flag: 'port',
    },
    login: {
      control: 'toggle',
      label: 'Login required',
      help: 'Only peers that prove who they are may register and ask who has what. Peers of the seed have no login and are refused. Peers ask each other for no proof: who knows the address of one and the name of a file can have it.',
      default: false,
    },
    accounts: {
      control: 'text',
      label: 'Accounts',
      help: 'name:password, separated by commas: added at each start. Kept as written here; accounts added while it runs are kept salted in the data folder.',
      default: '',
      maxLength: 4000,
      pattern: '(?:[^\\s,:\\p{C}]{1,64}:[^,\\p{C}]{1,255}(?:,|$))*',
      patternHint: 'Write name:password, separated by commas.',
      advanced: true,
    },
    data: {
      control: 'folder',
      label: 'Data folder',
      help: 'Accounts are kept here, salted and hashed. Empty: a folder of the workspace.',
      default: '',
      advanced: true,
    },
    idleMs: {
      control: 'number',
      label: 'Idle time-out',
      help: 'A connection that registers nothing for so long is closed. Registered peers of the seed may be silent as long as they like.',
      default: 540_000,
      min: 1000,
      max: 3_600_000,
      unit: 'ms',
      advanced: true,
    },
    strict: strictField('Speak only what the seed protocol names: no frames, no login.'),
  },
});

export type P2pIndexConfig = ConfigOf<(typeof manifest)['fields']>;

/** What a P2P index shows of itself. */
export interface P2pIndexSnapshot {
  /** Number of distinct file names. */
  files: number;
  login: boolean;
  accounts: string[];
  /** Accounts and addresses that are locked out for guessing, and for how many more milliseconds. */
  lockedOut: { key: string; forMs: number }[];
  peers: {
    id: string;
    /** Where it serves; port 0: connected but not registered. */
    host: string;
    port: number;
    user: string;
    /** 'frames': one of ours; 'seed': it speaks the plain protocol. */
    dialect: 'frames' | 'seed';
    files: number;
    bytes: number;
    uploads: number;
    slots: number;
    /** Unix ms. */
    since: number;
  }[];
}

/** Input and output of the operations of a running P2P index. */
export interface P2pIndexOperations {
  /** Everything registered; a page at a time. */
  catalogue: {
    input: {
      search: string;
      sort: 'name' | 'size' | 'holders';
      descending: boolean;
      offset: number;
      limit: number;
    };
    output: {
      rows: { name: string; size: number; holders: { peer: string; address: string; complete: boolean }[] }[];
      total: number;
    };
  };
  /** Adds an account, or gives it a new password. */
  setAccount: { input: { user: string; password: string }; output: undefined };
  removeAccount: { input: { user: string }; output: undefined };
}
