import { type ConfigOf, hostField, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'monitor',
  command: 'monitor',
  family: 'micro-cdn',
  label: 'Health monitor',
  namePrefix: 'Monitor',
  summary: 'Listens for heartbeats and tells the index which content servers are dead.',
  icon: 'monitor',
  tier: 2,
  portStep: 10,
  fields: {
    host: hostField,
    udpPort: {
      control: 'port',
      transport: 'udp',
      port: 'udp',
      label: 'UDP port',
      help: 'Heartbeats arrive here.',
      default: 6000,
    },
    tcpPort: {
      control: 'port',
      transport: 'tcp',
      port: 'tcp',
      label: 'TCP port',
      help: 'The index asks here which servers are alive.',
      default: 6001,
    },
    index: {
      control: 'link',
      to: ['index-server'],
      port: 'tcp',
      transport: 'tcp',
      role: 'health',
      defaultPort: 5050,
      flags: { host: 'index-host', port: 'index-port' },
      label: 'Index',
      help: 'The index that is told SERVER_DOWN. An index that registers itself is told as well.',
    },
    timeoutMs: {
      control: 'number',
      label: 'Dead after',
      help: 'A server whose last heartbeat is older than this is dead. The seed: 8000. Fast: 250.',
      default: 8000,
      min: 50,
      max: 600_000,
      unit: 'ms',
    },
    checkMs: {
      control: 'number',
      label: 'Check interval',
      help: 'How often ages are looked at. The seed: 1000. 0: exactly when the next server would be overdue.',
      default: 1000,
      min: 0,
      max: 60_000,
      unit: 'ms',
      advanced: true,
    },
    detector: {
      control: 'choice',
      label: 'Detector',
      help: 'How silence is judged.',
      default: 'timeout',
      options: [
        {
          value: 'timeout',
          label: 'Fixed time-out (seed)',
          help: 'Dead when the last heartbeat is older than "Dead after". With a share p lost and n beats within that time, each beat begins a false death with chance p to the nth.',
        },
        {
          value: 'accrual',
          label: 'φ accrual',
          help: 'Dead when the silence is unusual for this very server: φ = −log₁₀ of the chance that a beat comes even later, from its last 200 intervals. Patient where many beats are lost, quick where none is.',
        },
      ],
      advanced: true,
    },
    threshold: {
      control: 'number',
      label: 'φ threshold',
      help: 'For φ accrual: dead after about μ + σ·√(4.6 φ). Higher: fewer false deaths, later detection. 16 detects a second later than the seed.',
      default: 16,
      min: 0.5,
      max: 50,
      step: 0.5,
      advanced: true,
    },
    confirm: {
      control: 'number',
      label: 'Ask others',
      help: 'So many servers, and the monitor itself, ask a silent server before it is declared dead; one answer saves it. 0: silence is enough, as in the seed.',
      default: 0,
      min: 0,
      max: 16,
      advanced: true,
    },
    confirmMs: {
      control: 'number',
      label: 'Time to answer',
      help: 'How long before its death a silent server is asked. Longer: more answers get through.',
      default: 1000,
      min: 10,
      max: 60_000,
      unit: 'ms',
      advanced: true,
    },
    strict: strictField('Refuse what the seed protocol does not name: no tolerances, no extensions.'),
  },
});

export type MonitorConfig = ConfigOf<(typeof manifest)['fields']>;

/** What the monitor shows of itself. */
export interface MonitorSnapshot {
  servers: {
    serverId: string;
    host: string;
    tcpPort: number;
    load: number;
    files: number;
    status: 'alive' | 'dead';
    /** Unix ms of the last heartbeat. */
    lastHeartbeat: number;
    /** Heartbeats received since start. */
    heartbeats: number;
    /** Unix ms at which it will be declared dead if no heartbeat comes. */
    deadAt: number;
  }[];
  /** Datagrams that did not parse. */
  malformed: number;
  /** Addresses and open connections that are told SERVER_DOWN. */
  subscribers: string[];
  /** The newest deaths, newest first; at most 50. */
  detections: DetectionView[];
}

/** How a death was noticed; all moments in Unix ms. */
export interface DetectionView {
  serverId: string;
  lastHeartbeat: number;
  declaredAt: number;
  /** When SERVER_DOWN was first sent; absent: nobody could be told yet. */
  toldAt?: number;
}
