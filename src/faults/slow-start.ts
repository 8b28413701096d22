import { defineFault } from './fault';
import { slices } from './slices';

const SLICE_BYTES = 1448; // what one Ethernet segment carries

export const slowStart = defineFault({
  kind: 'slow-start',
  label: 'Slow start of connections',
  observe:
    'Each new connection begins slowly and becomes faster, as TCP does on a long link: small files suffer most.',
  look: 'slow',
  targets: ['tcp'],
  fields: {
    from: {
      control: 'number',
      label: 'First rate',
      help: 'How fast a new connection is.',
      default: 15,
      min: 0.1,
      max: 1_000_000,
      unit: 'kB/s',
    },
    doubling: {
      control: 'number',
      label: 'Doubles every',
      help: 'A round trip, in TCP.',
      default: 100,
      min: 1,
      max: 60_000,
      unit: 'ms',
    },
  },
  badge: ({ from }) => `starts at ${from} kB/s`,
  create: (settings) => ({
    stream: ({ openedAt }) => ({
      shape: (item) => (item.type === 'bytes' ? slices(item.bytes, SLICE_BYTES) : [item]),
      due: ({ item, arrived }, previous) => {
        if (item.type !== 'bytes') return previous;
        const begins = Math.max(arrived, previous);
        const rate = settings.params.from * 2 ** ((begins - openedAt) / settings.params.doubling);
        return begins + item.bytes.length / rate;
      },
    }),
  }),
});
