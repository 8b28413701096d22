import { defineFault } from './fault';
import { namesField } from './names';

export const wrongContent = defineFault({
  kind: 'wrong-content',
  label: 'Wrong content',
  observe:
    'Files have their right size and other bytes: a client that compares sizes only saves a damaged file.',
  look: 'altered',
  targets: ['node'],
  fields: {
    every: {
      control: 'number',
      label: 'One wrong byte in',
      help: 'Always the same bytes of a file are wrong. 1: all of them.',
      default: 1000,
      min: 1,
      max: 1_000_000_000,
      unit: 'bytes',
    },
    names: namesField,
  },
  badge: ({ every }) => `1 wrong byte in ${every}`,
  create: (settings) => ({
    disk: {
      content: (name, bytes, position) => {
        const { every, names } = settings.params;
        if (!name.includes(names)) return;
        const first = (every - (position % every)) % every;
        for (let at = first; at < bytes.length; at += every) bytes[at] = (bytes[at] as number) ^ 0x55;
      },
    },
  }),
});
