import { delayOf } from './delay';
import { defineFault } from './fault';

export const slowAnswers = defineFault({
  kind: 'slow-answers',
  label: 'Slow answers',
  observe: 'Every request takes longer, while heartbeats go on: the node looks healthy and is not.',
  look: 'slow',
  targets: ['node'],
  fields: {
    delay: {
      control: 'number',
      label: 'Delay',
      help: 'Time before a request is looked at.',
      default: 1000,
      min: 0,
      max: 600_000,
      unit: 'ms',
    },
    jitter: {
      control: 'number',
      label: 'Jitter',
      help: 'How far the delay varies, evenly.',
      default: 0,
      min: 0,
      max: 600_000,
      unit: 'ms',
    },
  },
  ramps: ['delay', 'jitter'],
  badge: ({ delay }) => `answers +${delay} ms`,
  create: (settings) => ({
    stream: ({ role, direction }) => {
      if (role === 'dialled' || direction === 'out') return undefined;
      return {
        due: ({ item, arrived, dice }) =>
          item.type === 'bytes'
            ? arrived + delayOf({ ...settings.params, distribution: 'uniform' }, dice)
            : arrived,
      };
    },
  }),
});
