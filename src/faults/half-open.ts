import { defineFault } from './fault';

export const halfOpen = defineFault({
  kind: 'half-open',
  label: 'Half-open',
  observe:
    'The far end loses the connection and the near end is not told: it waits, or sends into the void, until healed.',
  look: 'dead-end',
  targets: ['tcp'],
  bothWays: true,
  fields: {
    after: {
      control: 'number',
      label: 'After',
      help: 'Age at which the far end loses a connection.',
      default: 0,
      min: 0,
      max: 3_600_000,
      unit: 'ms',
    },
  },
  badge: () => 'half-open',
  create: (settings, machine) => ({
    stream: ({ direction, openedAt }) => {
      if (direction === 'out') return undefined; // what is sent to a lost connection vanishes by itself
      const lostAt = (): number => openedAt + settings.params.after;
      const lost = connectionReset();
      return {
        breaks: () => ({ at: lostAt(), reset: true, farOnly: true }),
        shape: (item) =>
          item.type === 'close' && machine.now() >= lostAt()
            ? [{ type: 'close', reset: true, error: lost }]
            : [item],
        due: ({ item, arrived }, previous) =>
          item.type === 'close' && item.error === lost
            ? Number.POSITIVE_INFINITY
            : Math.max(arrived, previous),
      };
    },
  }),
});

function connectionReset(): Error {
  return Object.assign(new Error('The connection was reset.'), { code: 'ECONNRESET' });
}
