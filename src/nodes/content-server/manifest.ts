import { type ConfigOf, hostField, idleField, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'content-server',
  command: 'content',
  family: 'micro-cdn',
  label: 'Content server',
  namePrefix: 'CS',
  summary: 'Serves the files of a folder, announces them to the index, and sends heartbeats to the monitor.',
  icon: 'content',
  tier: 3,
  portStep: 100,
  filesField: 'files',
  fields: {
    host: hostField,
    serverId: {
      control: 'text',
      label: 'Server id',
      help: 'The name it registers under. One word.',
      default: '',
      defaultFromName: true,
      pattern: '[^\\s\\p{C}]{0,64}',
      patternHint: 'One word of at most 64 characters.',
      maxLength: 64,
    },
    tcpPort: {
      control: 'port',
      transport: 'tcp',
      port: 'tcp',
      label: 'TCP port',
      help: 'Clients download here.',
      default: 7001,
    },
    udpPort: {
      control: 'port',
      transport: 'udp',
      port: 'udp',
      label: 'UDP port',
      help: 'Heartbeats are sent from here.',
      default: 7002,
    },
    files: {
      control: 'folder',
      label: 'Folder',
      help: 'The files to serve. Empty: a folder of the workspace. A hidden file in it keeps what they hash to.',
      default: '',
    },
    index: {
      control: 'link',
      to: ['index-server'],
      port: 'tcp',
      transport: 'tcp',
      role: 'registration',
      defaultPort: 5050,
      flags: { host: 'index-host', port: 'index-port' },
      label: 'Index',
      help: 'Where it registers and announces its files.',
    },
    monitor: {
      control: 'link',
      to: ['monitor'],
      port: 'udp',
      transport: 'udp',
      role: 'heartbeat',
      defaultPort: 6000,
      flags: { host: 'monitor-host', port: 'monitor-udp-port' },
      label: 'Monitor',
      help: 'Where heartbeats go.',
    },
    heartbeatMs: {
      control: 'number',
      label: 'Heartbeat every',
      help: 'The seed: 3000. Fast: 50.',
      default: 3000,
      min: 10,
      max: 600_000,
      unit: 'ms',
    },
    advertisedHost: {
      control: 'text',
      label: 'Advertised address',
      help: 'The address in heartbeats, where it differs from the one it listens on. Empty: the same.',
      default: '',
      advanced: true,
    },
    indexDialect: {
      control: 'choice',
      label: 'Towards the index',
      help: 'How files are announced.',
      default: 'auto',
      options: [
        {
          value: 'auto',
          label: 'Automatic',
          help: 'Extensions with our own index, the seed protocol with others.',
        },
        { value: 'seed', label: 'Seed', help: 'Only what the seed protocol names.' },
        {
          value: 'paced',
          label: 'Paced',
          help: 'Seed, one line per segment and 90 ms apart, for an index that reads one command per receive.',
        },
      ],
      advanced: true,
    },
    headerApart: {
      control: 'toggle',
      label: 'Header apart',
      help: 'Send "OK <size>" alone and the body a moment later, for clients that lose bytes which come with the header.',
      default: false,
      advanced: true,
    },
    idleMs: idleField(
      'A client that asks nothing for so long is dropped, and one that takes nothing of its file for four times as long.',
      15_000,
    ),
    strict: strictField('Refuse what the seed protocol does not name: no tolerances, no extensions.'),
  },
});

export type ContentConfig = ConfigOf<(typeof manifest)['fields']>;

/** What a content server shows of itself. */
export interface ContentSnapshot {
  serverId: string;
  /** Clients being served now. */
  load: number;
  files: number;
  bytes: number;
  index: 'none' | 'registering' | 'registered' | 'unreachable' | 'refused';
  /** What the index last said, or why it cannot be reached. */
  indexDetail?: string;
  /** Files that are not announced as they are, and why: spaces in a name towards a foreign index. */
  heldBack: { name: string; reason: string }[];
  monitor: 'none' | 'sending';
  heartbeats: number;
}
