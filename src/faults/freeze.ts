import { defineFault } from './fault';

export const freeze = defineFault({
  kind: 'freeze',
  label: 'Freeze',
  observe:
    'The system stops the process (SIGSTOP): its sockets stay open and nothing in it runs. Not on Windows.',
  look: 'dead-end',
  targets: ['node'],
  byCore: true,
  notOn: ['win32'],
  endsWithProcess: true,
  fields: {},
  badge: () => 'frozen',
  create: () => ({}),
});
