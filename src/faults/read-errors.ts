import { defineFault } from './fault';

export const readErrors = defineFault({
  kind: 'read-errors',
  label: 'Read errors',
  observe:
    'Reading files fails now and then, as on a dying disk: transfers break off and must go on elsewhere.',
  look: 'altered',
  targets: ['node'],
  fields: {
    percent: {
      control: 'number',
      label: 'Failing',
      help: 'Share of the reads that end with an input/output error.',
      default: 10,
      min: 0,
      max: 100,
      step: 0.1,
      unit: '%',
    },
  },
  ramps: ['percent'],
  badge: ({ percent }) => `${Number(percent.toFixed(1))} % read errors`,
  create: (settings) => ({
    disk: {
      fail: (operation) =>
        operation === 'read' && settings.random() * 100 < settings.params.percent ? 'EIO' : undefined,
    },
  }),
});
