import { defineFault } from './fault';

export const loseMessages = defineFault({
  kind: 'lose-messages',
  label: 'Lose messages',
  observe:
    'Messages of the chosen types vanish from a connection and the rest passes: one side waits for what never comes.',
  look: 'lossy',
  targets: ['tcp'],
  fields: {},
  badge: () => 'messages lost',
  create: () => ({
    stream: () => ({ shape: (item) => (item.type === 'bytes' ? [] : [item]) }),
  }),
});
