import { type Burden, defineFault } from './fault';

const MEGABYTE = 1_000_000;
const STEP_MS = 100;

export const memory = defineFault({
  kind: 'memory',
  label: 'Memory pressure',
  observe:
    'The node grows, as with a leak, up to the limit: the machine may begin to swap. Healed, the memory is given back.',
  look: 'slow',
  targets: ['node'],
  fields: {
    limit: {
      control: 'number',
      label: 'Up to',
      help: 'What it holds in the end.',
      default: 200,
      min: 1,
      max: 4096,
      unit: 'MB',
    },
    rate: {
      control: 'number',
      label: 'Growth',
      help: 'How fast it grows.',
      default: 50,
      min: 1,
      max: 10_000,
      unit: 'MB/s',
    },
  },
  badge: ({ limit }) => `leaks ${limit} MB`,
  create: (settings, machine) => ({
    burden: () => {
      const began = machine.now();
      const held: Burden[] = [];
      let megabytes = 0;
      const growth = machine.every(STEP_MS, () => {
        const { limit, rate } = settings.params;
        const wanted = Math.min(limit, Math.floor(((machine.now() - began) / 1000) * rate));
        if (wanted <= megabytes) return;
        held.push(machine.allocate((wanted - megabytes) * MEGABYTE));
        megabytes = wanted;
      });
      return {
        release: () => {
          growth.release();
          for (const part of held) part.release();
        },
      };
    },
  }),
});
