import { defineFault } from './fault';

export const crashOnRequest = defineFault({
  kind: 'crash-on-request',
  label: 'Crash on the next request',
  observe: 'The node dies while somebody waits for its answer.',
  look: 'dead-end',
  targets: ['node'],
  endsWithProcess: true,
  fields: {
    requests: {
      control: 'number',
      label: 'On request',
      help: 'It answers those before.',
      default: 1,
      min: 1,
      max: 1_000_000,
    },
  },
  badge: ({ requests }) => (requests > 1 ? `crashes on request ${requests}` : 'crashes on request'),
  create: (settings, machine) => {
    let requests = 0;
    const request = (): void => {
      requests++;
      if (requests >= settings.params.requests) machine.crash();
    };
    return {
      stream: ({ role, direction }) => {
        if (role === 'dialled' || direction === 'out') return undefined;
        return {
          shape: (item) => {
            if (item.type === 'bytes') request();
            return [item];
          },
        };
      },
      datagrams: ({ direction }) => {
        if (direction === 'out') return undefined;
        return {
          pass: (bytes) => {
            request();
            return [{ bytes }];
          },
        };
      },
    };
  },
});
