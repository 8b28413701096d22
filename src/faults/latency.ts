import { delayOf, distributionOptions } from './delay';
import { defineFault } from './fault';

/** What a long, fast link holds in flight: as much as Linux lets a TCP window grow to by itself. */
const IN_FLIGHT = 4 * 1024 * 1024;

export const latency = defineFault({
  kind: 'latency',
  label: 'Latency',
  observe: 'Everything arrives later: answers take a round trip longer, a connection a round trip to open.',
  look: 'slow',
  targets: ['tcp', 'udp'],
  fields: {
    delay: {
      control: 'number',
      label: 'Delay',
      help: 'Each way that is chosen, so a round trip takes twice as long. Datagrams with jitter change places.',
      default: 200,
      min: 0,
      max: 60_000,
      unit: 'ms',
    },
    jitter: {
      control: 'number',
      label: 'Jitter',
      help: 'How far the delay varies.',
      default: 0,
      min: 0,
      max: 60_000,
      unit: 'ms',
    },
    distribution: {
      control: 'choice',
      label: 'Distribution',
      help: 'How the jitter is spread.',
      default: 'uniform',
      options: distributionOptions,
      advanced: true,
    },
  },
  ramps: ['delay', 'jitter'],
  badge: ({ delay, jitter }) => (jitter > 0 ? `${delay} ms ±${jitter}` : `${delay} ms`),
  create: (settings) => ({
    connecting: (_direction, random) => ({ delayMs: delayOf(settings.params, random()) }),
    stream: () => ({
      due: ({ arrived, dice }) => arrived + delayOf(settings.params, dice),
      window: IN_FLIGHT,
    }),
    datagrams: ({ random }) => ({
      pass: (bytes, now) => {
        const dice = random();
        return [{ bytes, due: () => now + delayOf(settings.params, dice) }];
      },
    }),
  }),
});
