import { defineFault } from './fault';

export const stall = defineFault({
  kind: 'stall',
  label: 'Event-loop stalls',
  observe:
    'The node freezes for moments, as with long garbage collections: latency has spikes, heartbeats are late.',
  look: 'slow',
  targets: ['node'],
  fields: {
    lasts: {
      control: 'number',
      label: 'Stall',
      help: 'How long the event loop stands still.',
      default: 500,
      min: 1,
      max: 30_000,
      unit: 'ms',
    },
    pause: {
      control: 'number',
      label: 'Pause',
      help: 'Time in which it runs, between two stalls.',
      default: 2000,
      min: 10,
      max: 600_000,
      unit: 'ms',
    },
  },
  badge: ({ lasts, pause }) => `stalls ${lasts} ms per ${lasts + pause} ms`,
  create: (settings, machine) => ({
    burden: () => machine.every(settings.params.pause, () => machine.stall(settings.params.lasts)),
  }),
});
