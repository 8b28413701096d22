import { defineFault } from './fault';

export const duplicate = defineFault({
  kind: 'duplicate',
  label: 'Duplication',
  observe: 'Some datagrams arrive twice or more: counters that trust each one are wrong.',
  look: 'altered',
  targets: ['udp'],
  fields: {
    percent: {
      control: 'number',
      label: 'Duplicated',
      help: 'Share of all datagrams.',
      default: 20,
      min: 0,
      max: 100,
      step: 0.1,
      unit: '%',
    },
    copies: {
      control: 'number',
      label: 'Copies',
      help: 'How many more arrive.',
      default: 1,
      min: 1,
      max: 100,
    },
    later: {
      control: 'number',
      label: 'Later',
      help: 'Time between two copies.',
      default: 0,
      min: 0,
      max: 60_000,
      unit: 'ms',
    },
  },
  ramps: ['percent'],
  badge: ({ percent }) => `${Number(percent.toFixed(1))} % twice`,
  create: (settings) => ({
    datagrams: ({ random }) => ({
      pass: (bytes, now) => {
        const { percent, copies, later } = settings.params;
        if (random() * 100 >= percent) return [{ bytes }];
        return Array.from({ length: 1 + copies }, (_, copy) => ({ bytes, due: () => now + copy * later }));
      },
    }),
  }),
});
