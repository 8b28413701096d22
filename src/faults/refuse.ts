import { defineFault } from './fault';

export const refuse = defineFault({
  kind: 'refuse',
  label: 'Refuse',
  observe: 'New connections fail at once, as when nothing listens there; open ones go on.',
  look: 'dead-end',
  targets: ['tcp'],
  bothWays: true,
  fields: {},
  badge: () => 'refused',
  create: () => ({
    connecting: () => ({ refuse: 'ECONNREFUSED' }),
    // The system has taken the connection before we hear of it: a reset is the nearest to a refusal.
    accepting: () => 'reset',
  }),
});
