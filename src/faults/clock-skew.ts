import { defineFault } from './fault';

export const clockSkew = defineFault({
  kind: 'clock-skew',
  label: 'Clock skew and drift',
  observe: 'The node has the wrong time of day, and its timers run fast or slow: beats come early or late.',
  look: 'altered',
  targets: ['node'],
  fields: {
    skew: {
      control: 'number',
      label: 'Skew',
      help: 'How far the time of day is ahead; below zero, behind.',
      default: 60_000,
      min: -31_536_000_000,
      max: 31_536_000_000,
      unit: 'ms',
    },
    drift: {
      control: 'number',
      label: 'Drift',
      help: 'How much faster the clock and all timers run; below zero, slower.',
      default: 0,
      min: -90,
      max: 900,
      unit: '%',
    },
  },
  ramps: ['skew', 'drift'],
  badge: ({ skew, drift }) =>
    [skew ? `clock ${signed(skew / 1000)} s` : '', drift ? `${signed(drift)} %` : '']
      .filter(Boolean)
      .join(', ') || 'clock',
  create: (settings) => ({
    clock: { skewMs: () => settings.params.skew, rate: () => 1 + settings.params.drift / 100 },
  }),
});

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Number(Math.abs(value).toFixed(3))}`;
}
