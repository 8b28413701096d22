import { defineFault } from './fault';
import { slices } from './slices';

/** A slice is sent so often: short enough to look smooth, long enough to cost little. */
const SLICE_MS = 10;
/** Time that a link may make up for, after a late timer or a short pause of the sender. */
const CATCH_UP_MS = 5;
/** Bytes in the queue in front of the slow link, at least. */
const QUEUE = 64 * 1024;

export const bandwidth = defineFault({
  kind: 'bandwidth',
  label: 'Bandwidth',
  observe:
    'Transfers slow down to the rate that is set; a queue of datagrams that grows too long loses the last.',
  look: 'slow',
  targets: ['tcp', 'udp'],
  fields: {
    rate: {
      control: 'number',
      label: 'Rate',
      help: 'For each connection, and each direction that is chosen.',
      default: 100,
      min: 0.1,
      max: 10_000_000,
      unit: 'kB/s',
    },
  },
  badge: ({ rate }) => (rate >= 1000 ? `${Number((rate / 1000).toFixed(1))} MB/s` : `${rate} kB/s`),
  create: (settings) => {
    /** Bytes in a millisecond, which is what kB/s are. */
    const rate = (): number => settings.params.rate;
    const queue = (): number => Math.max(QUEUE, rate() * SLICE_MS * 5);
    return {
      stream: () => ({
        shape: (item) => (item.type === 'bytes' ? slices(item.bytes, rate() * SLICE_MS) : [item]),
        due: ({ item, arrived }, previous) =>
          item.type === 'bytes'
            ? Math.max(arrived - CATCH_UP_MS, previous) + item.bytes.length / rate()
            : previous,
        get window() {
          return queue();
        },
      }),
      datagrams: () => ({
        pass: (bytes, now) => [{ bytes, due: (previous) => Math.max(previous, now) + bytes.length / rate() }],
        get window() {
          return queue();
        },
      }),
    };
  },
});
