import { type ConfigOf, hostField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

/** Kinds of which one port or another can be reached through a relay. */
const tcpTargets = [
  'index-server',
  'monitor',
  'content-server',
  'replica-balancer',
  'replica-server',
  'ring-server',
  'p2p-index',
  'p2p-peer',
  'http-origin',
  'cache-proxy',
  'http-balancer',
];

export const manifest = defineNode({
  id: 'relay',
  command: 'relay',
  family: 'micro-cdn',
  label: 'Relay',
  namePrefix: 'Relay',
  summary:
    'Passes TCP and UDP on to another address, so that faults can be put between programs that are not ours.',
  icon: 'relay',
  tier: 1,
  portStep: 10,
  standsIn: true,
  fields: {
    host: hostField,
    tcpPort: {
      control: 'port',
      transport: 'tcp',
      port: 'tcp',
      label: 'TCP port',
      help: 'Connections to this port go to the TCP target.',
      default: 9500,
    },
    udpPort: {
      control: 'port',
      transport: 'udp',
      port: 'udp',
      label: 'UDP port',
      help: 'Datagrams to this port go to the UDP target.',
      default: 9501,
    },
    tcpTarget: {
      control: 'link',
      to: tcpTargets,
      port: 'tcp',
      transport: 'tcp',
      role: 'relay',
      defaultPort: 5050,
      flags: { host: 'tcp-host', port: 'tcp-target-port' },
      label: 'TCP target',
      help: 'Where connections go: a node, or the address of any program.',
    },
    udpTarget: {
      control: 'link',
      to: ['monitor'],
      port: 'udp',
      transport: 'udp',
      role: 'relay',
      defaultPort: 6000,
      flags: { host: 'udp-host', port: 'udp-target-port' },
      label: 'UDP target',
      help: 'Where datagrams go; answers come back to whoever sent them.',
    },
    client: {
      control: 'text',
      label: 'Program in front',
      help: 'The address of the program outside that was told to use this relay. For the picture only.',
      default: '',
      maxLength: 300,
      advanced: true,
    },
    idleMs: {
      control: 'number',
      label: 'Idle time-out',
      help: 'A connection, or a sender of datagrams, that is silent for so long is forgotten.',
      default: 300_000,
      min: 100,
      max: 3_600_000,
      unit: 'ms',
      advanced: true,
    },
  },
});

export type RelayConfig = ConfigOf<(typeof manifest)['fields']>;

/** What a relay shows of itself. */
export interface RelaySnapshot {
  /** Connections that are relayed now. */
  connections: number;
  /** Senders of datagrams that are known now. */
  senders: number;
  /** Why the last connection could not be passed on; absent when it could. */
  failure?: string;
}
