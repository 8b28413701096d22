import { defineFault } from './fault';

/** What the kernel keeps for a UDP socket that nobody reads (Linux: net.core.rmem_default). */
const SOCKET_BUFFER = 212_992;

export const hang = defineFault({
  kind: 'hang',
  label: 'Hang',
  observe:
    'The node keeps its sockets and answers nothing: clients wait, heartbeats stop; healed, it goes on where it was and no byte is lost.',
  look: 'dead-end',
  targets: ['node'],
  endsWithProcess: true,
  fields: {},
  badge: () => 'hung',
  create: () => ({
    suspends: true,
    stream: () => ({ due: () => Number.POSITIVE_INFINITY, window: 0 }),
    datagrams: () => ({
      pass: (bytes) => [{ bytes, due: () => Number.POSITIVE_INFINITY }],
      window: SOCKET_BUFFER,
    }),
  }),
});
