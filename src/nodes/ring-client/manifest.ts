import { type ConfigOf, strictField } from '../../contract/fields';
import { defineNode } from '../../contract/manifest';

export const manifest = defineNode({
  id: 'ring-client',
  command: 'ring-client',
  family: 'ring',
  label: 'Ring client',
  namePrefix: 'RingClient',
  summary: 'Puts files into a ring and gets them, at any member.',
  icon: 'client',
  tier: 0,
  fields: {
    member: {
      control: 'link',
      to: ['ring-server'],
      port: 'tcp',
      transport: 'tcp',
      role: 'lookup',
      defaultPort: 4043,
      flags: { host: 'ip', port: 'port' },
      label: 'Member',
      help: 'The member of the ring that it talks to.',
    },
    out: {
      control: 'folder',
      label: 'Save to',
      help: 'Files that it gets are saved here. Empty: the downloads folder.',
      default: '',
    },
    timeoutMs: {
      control: 'number',
      label: 'Time-out',
      help: 'A member that says nothing for so long is given up.',
      default: 60_000,
      min: 100,
      max: 600_000,
      unit: 'ms',
    },
    strict: strictField(
      'Only messages that the seed protocol names: text, and as long as the member takes it.',
    ),
  },
});

export type RingClientConfig = ConfigOf<(typeof manifest)['fields']>;

/** What a client shows of itself. */
export interface RingClientSnapshot {
  active: number;
  gets: number;
  puts: number;
  failed: number;
}

export interface RingClientOperations {
  /** Gets an item into `<folder>/<name>`; an existing file is never overwritten: `name (2)`. */
  get: { input: { name: string; folder?: string }; output: { path: string; size: number; sha256: string } };
  /** Puts the file of that name in `folder` (default: where got files are saved) under `item` (default: its name). */
  put: {
    input: { name: string; folder?: string; item?: string };
    output: { item: string; size: number; status: string };
  };
  /** Ends every get and put that is under way; what a member has begun to pass on goes round all the same. */
  cancel: { input: undefined; output: undefined };
}
