import { defineFault } from './fault';

export const kill = defineFault({
  kind: 'kill',
  label: 'Kill',
  observe: 'The process ends at once, as with kill -9: its connections are reset and its heartbeats stop.',
  look: 'dead-end',
  targets: ['node'],
  endsWithProcess: true,
  fields: {},
  badge: () => 'killed',
  create: (_settings, machine) => ({
    burden: () => {
      machine.crash();
      return { release: () => {} };
    },
  }),
});
