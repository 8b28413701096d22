import { type ConfigOf, hostField, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'ring-server',
  command: 'ring',
  family: 'ring',
  label: 'Ring member',
  namePrefix: 'Ring',
  summary: 'One of a circle of servers that all hold all files: PUT and GET at any of them.',
  icon: 'ring',
  tier: 2,
  portStep: 1,
  filesField: 'files',
  fields: {
    host: { ...hostField, help: 'The address to listen on, and its name in the ring.' },
    port: {
      control: 'port',
      transport: 'tcp',
      port: 'tcp',
      label: 'Port',
      help: 'Clients and the other members talk to it here.',
      default: 4043,
    },
    nextFreePort: {
      control: 'toggle',
      label: 'Next free port',
      help: 'When the port is taken, take the next free one above.',
      default: false,
      advanced: true,
    },
    prev: {
      control: 'link',
      to: ['ring-server'],
      port: 'tcp',
      transport: 'tcp',
      role: 'ring',
      defaultPort: 4043,
      optional: true,
      flags: { host: 'prev-ip', port: 'prev-port' },
      label: 'Predecessor',
      help: 'A member of the ring to join; this one takes its place after it. None: begin a ring.',
    },
    files: {
      control: 'folder',
      label: 'Folder',
      help: 'The files that the ring holds. A file dropped here is PUT to all members. Empty: ring-<port> in the present folder.',
      default: '',
      optional: true,
    },
    quorum: {
      control: 'number',
      label: 'Quorum',
      help: 'A PUT is acknowledged when so many members have the file. 0: all that are alive.',
      default: 0,
      min: 0,
      max: 1024,
    },
    checkMs: {
      control: 'number',
      label: 'Check every',
      help: 'How often the next neighbour is looked at. The seed: 5000.',
      default: 500,
      min: 20,
      max: 60_000,
      unit: 'ms',
    },
    silentMs: {
      control: 'number',
      label: 'Dead after',
      help: 'A neighbour that takes connections but answers nothing for so long is removed. One that refuses is removed at once.',
      default: 1000,
      min: 50,
      max: 60_000,
      unit: 'ms',
    },
    retryDeadMs: {
      control: 'number',
      label: 'Retry the dead every',
      help: 'How often one of the removed members is tried again, so that a partition heals.',
      default: 1000,
      min: 50,
      max: 600_000,
      unit: 'ms',
      advanced: true,
    },
    hopDelayMs: {
      control: 'number',
      label: 'Slow motion',
      help: 'Wait so long before a message is passed on, to watch it go round.',
      default: 0,
      min: 0,
      max: 10_000,
      unit: 'ms',
      advanced: true,
    },
    strict: strictField('Only what the seed protocol names: every other member is treated as foreign.'),
  },
  layout: 'circle',
  dynamicLinks: [{ to: ['ring-server'], port: 'tcp', transport: 'tcp', role: 'ring' }],
});

export type RingConfig = ConfigOf<(typeof manifest)['fields']>;

/** What a member shows of itself. */
export interface RingSnapshot {
  /** Its name in the ring: `ip:port`. */
  address: string;
  state: 'alone' | 'joining' | 'member' | 'leaving';
  /** Why it cannot join, if so. */
  detail?: string;
  /** Its copy of the list, from the beginning of the circle. */
  list: string[];
  /** The neighbour that it passes messages to. */
  next?: string;
  /** All it has heard of, the live ones first and in the order of the circle; at most 200 are listed. */
  members: {
    address: string;
    state: 'alive' | 'left' | 'dead';
    /** Absent until it has shown which. */
    program?: 'ours' | 'foreign';
    incarnation: number;
  }[];
  items: number;
  /** Bytes of all items. */
  bytes: number;
  /** Equal on members that hold the same versions of the same items. */
  contentDigest: string;
  /** Messages that this member sent round and that have not returned. */
  travelling: { kind: 'update' | 'put' | 'find'; item?: string; since: number; seen: number }[];
  /** Times the last rounds took, ms, newest last; at most 20. */
  roundMs: number[];
  /** Members that a PUT needs: a number, or all. */
  quorum: number | 'all';
  /** Items that foreign members could not be given, and why; at most 20. */
  heldBack: { item: string; reason: string }[];
}

/** Operations of a running member. */
export interface RingOperations {
  /** The newest versions it holds; at most 1000. */
  items: {
    input: undefined;
    output: { name: string; version: number; by: string; size: number; sha256: string }[];
  };
}
