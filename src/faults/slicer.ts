import { defineFault, type StreamItem } from './fault';

export const slicer = defineFault({
  kind: 'slicer',
  label: 'Small segments',
  observe: 'Data comes in tiny pieces with pauses: programs that expect a whole message in one read break.',
  look: 'altered',
  targets: ['tcp'],
  fields: {
    size: {
      control: 'number',
      label: 'Size',
      help: 'Bytes in a piece, on average.',
      default: 1,
      min: 1,
      max: 65_536,
      unit: 'bytes',
    },
    variation: {
      control: 'number',
      label: 'Variation',
      help: 'How much larger or smaller a piece may be.',
      default: 0,
      min: 0,
      max: 65_536,
      unit: 'bytes',
    },
    pause: {
      control: 'number',
      label: 'Pause',
      help: 'Time between two pieces.',
      default: 5,
      min: 0,
      max: 10_000,
      unit: 'ms',
    },
  },
  badge: ({ size, pause }) => `${size} B per ${pause} ms`,
  create: (settings) => ({
    stream: ({ random }) => ({
      shape: (item) => {
        if (item.type !== 'bytes') return [item];
        const pieces: StreamItem[] = [];
        for (let at = 0; at < item.bytes.length; ) {
          const { size, variation } = settings.params;
          const length = Math.max(1, Math.round(size + variation * (2 * random() - 1)));
          pieces.push({ type: 'bytes', bytes: item.bytes.subarray(at, at + length) });
          at += length;
        }
        return pieces;
      },
      due: ({ item, arrived }, previous) =>
        item.type === 'bytes' ? Math.max(arrived, previous + settings.params.pause) : previous,
    }),
  }),
});
