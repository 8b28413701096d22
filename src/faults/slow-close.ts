import { defineFault } from './fault';

export const slowClose = defineFault({
  kind: 'slow-close',
  label: 'Slow close',
  observe:
    'Connections stay open after the last byte: programs that wait for the end of a connection stand still.',
  look: 'slow',
  targets: ['tcp'],
  fields: {
    delay: {
      control: 'number',
      label: 'Delay',
      help: 'How long the end of a connection takes to arrive.',
      default: 3000,
      min: 0,
      max: 3_600_000,
      unit: 'ms',
    },
  },
  ramps: ['delay'],
  badge: ({ delay }) => `closes ${delay} ms late`,
  create: (settings) => ({
    stream: () => ({
      due: ({ item, arrived }) => (item.type === 'bytes' ? arrived : arrived + settings.params.delay),
    }),
  }),
});
