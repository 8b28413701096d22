import { defineFault } from './fault';

export const reorder = defineFault({
  kind: 'reorder',
  label: 'Reordering',
  observe: 'Some datagrams are overtaken by later ones: an old heartbeat may contradict a newer one.',
  look: 'altered',
  targets: ['udp'],
  fields: {
    percent: {
      control: 'number',
      label: 'Overtaken',
      help: 'Share of all datagrams.',
      default: 20,
      min: 0,
      max: 100,
      step: 0.1,
      unit: '%',
    },
    by: {
      control: 'number',
      label: 'By',
      help: 'How many later datagrams pass first.',
      default: 1,
      min: 1,
      max: 1000,
    },
    within: {
      control: 'number',
      label: 'At most',
      help: 'A datagram that nothing overtakes goes on after this time.',
      default: 10_000,
      min: 0,
      max: 600_000,
      unit: 'ms',
    },
  },
  ramps: ['percent'],
  badge: ({ percent }) => `${Number(percent.toFixed(1))} % reordered`,
  create: (settings) => ({
    datagrams: ({ random }) => ({
      pass: (bytes, now) => {
        const { percent, by, within } = settings.params;
        if (random() * 100 >= percent) return [{ bytes }];
        return [{ bytes, due: () => now + within, afterOthers: by }];
      },
    }),
  }),
});
