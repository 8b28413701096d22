import { defineFault } from './fault';

export const partition = defineFault({
  kind: 'partition',
  label: 'Partition',
  observe:
    'Nothing passes, in neither direction: connections time out, datagrams are lost; healed, open connections go on.',
  look: 'cut',
  targets: ['tcp', 'udp'],
  bothWays: true,
  fields: {},
  badge: () => 'cut',
  create: () => ({
    connecting: () => ({ unanswered: true }),
    accepting: () => 'hold',
    // TCP sends again what was lost, so in the end a cut only delays what was under way.
    stream: () => ({ due: () => Number.POSITIVE_INFINITY }),
    datagrams: () => ({ pass: () => [] }),
  }),
});
