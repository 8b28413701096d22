import { defineFault } from './fault';

export const reset = defineFault({
  kind: 'reset',
  label: 'Reset',
  observe: 'Connections are torn down with a TCP reset, those that are open as well as new ones.',
  look: 'dead-end',
  targets: ['tcp'],
  bothWays: true,
  fields: {
    after: {
      control: 'number',
      label: 'After',
      help: 'Age at which a connection is reset; older ones are reset at once.',
      default: 0,
      min: 0,
      max: 3_600_000,
      unit: 'ms',
    },
  },
  badge: ({ after }) => (after > 0 ? `reset after ${after} ms` : 'reset'),
  create: (settings) => ({
    stream: ({ openedAt }) => {
      const at = (): number => openedAt + settings.params.after;
      return {
        breaks: () => ({ at: at(), reset: true }),
        // A question and its answer are quicker than any timer: what comes too late does not pass.
        shape: (item, now) =>
          item.type === 'bytes' && now >= at() ? [{ type: 'break', reset: true }] : [item],
      };
    },
  }),
});
