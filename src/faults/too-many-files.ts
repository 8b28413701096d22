import { defineFault } from './fault';

export const tooManyFiles = defineFault({
  kind: 'too-many-files',
  label: 'Too many open files',
  observe: 'The node can open no file and no connection, and drops those that arrive; open ones go on.',
  look: 'dead-end',
  targets: ['node'],
  fields: {},
  badge: () => 'EMFILE',
  create: () => ({
    connecting: () => ({ refuse: 'EMFILE' }),
    accepting: () => 'reset',
    disk: { fail: (operation) => (operation === 'open' ? 'EMFILE' : undefined) },
  }),
});
