import { defineFault } from './fault';

export const slowDisk = defineFault({
  kind: 'slow-disk',
  label: 'Slow disk',
  observe:
    'Files are read and written slowly, one after the other: transfers crawl although the network is fine.',
  look: 'slow',
  targets: ['node'],
  fields: {
    delay: {
      control: 'number',
      label: 'Seek',
      help: 'Time before each read, write, open or list.',
      default: 20,
      min: 0,
      max: 60_000,
      unit: 'ms',
    },
    rate: {
      control: 'number',
      label: 'Rate',
      help: 'Bytes read or written in a second, of all files together.',
      default: 10,
      min: 0.001,
      max: 100_000,
      unit: 'MB/s',
    },
  },
  ramps: ['delay'],
  badge: ({ delay, rate }) => `disk ${rate} MB/s +${delay} ms`,
  create: (settings) => ({
    disk: { delay: (_operation, bytes) => settings.params.delay + bytes / (settings.params.rate * 1000) },
  }),
});
