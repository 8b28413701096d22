import { defineFault } from './fault';
import { amount } from './limit';

export const truncate = defineFault({
  kind: 'truncate',
  label: 'Truncation',
  observe:
    'Streams end early, as if complete, and datagrams are cut short: only a checked size or hash reveals it.',
  look: 'altered',
  targets: ['tcp', 'udp'],
  fields: {
    bytes: {
      control: 'number',
      label: 'Keep',
      help: 'Bytes of each connection, or of each datagram, that arrive; the rest vanishes.',
      default: 1000,
      min: 0,
      max: 1_000_000_000_000,
      unit: 'bytes',
    },
  },
  badge: ({ bytes }) => `cut at ${amount(bytes)}`,
  create: (settings) => ({
    stream: () => {
      let passed = 0;
      let ended = false;
      return {
        shape: (item) => {
          if (item.type === 'end' && ended) return [];
          if (item.type !== 'bytes') return [item];
          if (ended) return [];
          const left = Math.max(0, settings.params.bytes - passed);
          passed += item.bytes.length;
          if (item.bytes.length <= left) return [item];
          ended = true;
          const rest = { type: 'bytes', bytes: item.bytes.subarray(0, left) } as const;
          return [...(left > 0 ? [rest] : []), { type: 'end' }];
        },
      };
    },
    datagrams: () => ({ pass: (bytes) => [{ bytes: bytes.subarray(0, settings.params.bytes) }] }),
  }),
});
