import { defineFault } from './fault';

export const startDelay = defineFault({
  kind: 'start-delay',
  label: 'Slow start',
  observe: 'After each start the node needs longer before its ports open.',
  look: 'slow',
  targets: ['node'],
  fields: {
    delay: {
      control: 'number',
      label: 'Delay',
      help: 'Time before a port opens. A start that takes longer than its deadline is called late.',
      default: 3000,
      min: 0,
      max: 600_000,
      unit: 'ms',
    },
  },
  badge: ({ delay }) => `starts ${delay} ms late`,
  create: (settings) => ({ listening: () => settings.params.delay }),
});
