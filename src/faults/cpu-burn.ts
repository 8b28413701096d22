import { defineFault } from './fault';

export const cpuBurn = defineFault({
  kind: 'cpu-burn',
  label: 'CPU burn',
  observe:
    'Threads of the node keep cores busy: everything on this machine gets slower, the node most of all.',
  look: 'slow',
  targets: ['node'],
  fields: {
    cores: {
      control: 'number',
      label: 'Cores',
      help: 'How many are kept busy.',
      default: 1,
      min: 1,
      max: 16,
    },
    percent: {
      control: 'number',
      label: 'Busy',
      help: 'Share of the time.',
      default: 100,
      min: 1,
      max: 100,
      unit: '%',
    },
  },
  badge: ({ cores, percent }) => `CPU ${cores} × ${percent} %`,
  create: (settings, machine) => ({
    burden: () => machine.burn(settings.params.cores, settings.params.percent / 100),
  }),
});
