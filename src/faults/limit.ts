import { defineFault } from './fault';

export const limit = defineFault({
  kind: 'limit',
  label: 'Limit',
  observe:
    'The connection closes in the middle of a transfer, after so many bytes; a good client goes on elsewhere.',
  look: 'dead-end',
  targets: ['tcp'],
  fields: {
    bytes: {
      control: 'number',
      label: 'After',
      help: 'Bytes that pass, in each direction that is chosen, before both ends see the connection close.',
      default: 100_000,
      min: 0,
      max: 1_000_000_000_000,
      unit: 'bytes',
    },
  },
  badge: ({ bytes }) => `closes after ${amount(bytes)}`,
  create: (settings) => ({
    stream: () => {
      let passed = 0;
      return {
        shape: (item) => {
          if (item.type !== 'bytes') return [item];
          const left = Math.max(0, settings.params.bytes - passed);
          passed += item.bytes.length;
          if (item.bytes.length < left) return [item];
          const rest = { type: 'bytes', bytes: item.bytes.subarray(0, left) } as const;
          return [...(left > 0 ? [rest] : []), { type: 'break', reset: false }];
        },
      };
    },
  }),
});

/** '100 kB' */
export function amount(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Number((bytes / 1000).toFixed(1))} kB`;
  return `${Number((bytes / 1_000_000).toFixed(1))} MB`;
}
