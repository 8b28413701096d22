import { defineFault } from './fault';

export const blackHole = defineFault({
  kind: 'black-hole',
  label: 'Black hole',
  observe:
    'Connections open, and then nothing is ever heard: only a time-out helps. Healed, everything arrives.',
  look: 'dead-end',
  targets: ['tcp'],
  fields: {},
  badge: () => 'black hole',
  create: () => ({
    stream: () => ({ due: () => Number.POSITIVE_INFINITY }),
  }),
});
