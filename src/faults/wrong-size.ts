import { defineFault } from './fault';
import { namesField } from './names';

export const wrongSize = defineFault({
  kind: 'wrong-size',
  label: 'Wrong size announced',
  observe:
    'The index is told a size that is not the size of the file: clients notice, or wait for bytes that never come.',
  look: 'altered',
  targets: ['node'],
  fields: {
    difference: {
      control: 'number',
      label: 'Difference',
      help: 'Bytes added to the announced size; below zero, taken off.',
      default: 1000,
      min: -1_000_000_000,
      max: 1_000_000_000,
      unit: 'bytes',
    },
    names: namesField,
  },
  badge: ({ difference }) => `size ${difference < 0 ? '−' : '+'}${Math.abs(difference)} B`,
  create: (settings) => ({
    disk: {
      size: (name, size) =>
        name.includes(settings.params.names) ? Math.max(0, size + settings.params.difference) : size,
    },
  }),
});
