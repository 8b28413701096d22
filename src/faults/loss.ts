import { defineFault } from './fault';

export const loss = defineFault({
  kind: 'loss',
  label: 'Loss',
  observe: 'A share of the datagrams never arrives, one by one or in bursts: heartbeats are missed.',
  look: 'lossy',
  targets: ['udp'],
  fields: {
    percent: {
      control: 'number',
      label: 'Lost',
      help: 'Share of all datagrams.',
      default: 20,
      min: 0,
      max: 100,
      step: 0.1,
      unit: '%',
    },
    burst: {
      control: 'number',
      label: 'In bursts of',
      help: 'Datagrams lost in a row, on average (Gilbert model); 1: each one by itself.',
      default: 1,
      min: 1,
      max: 1000,
    },
  },
  ramps: ['percent'],
  badge: ({ percent, burst }) =>
    burst > 1 ? `${round(percent)} % loss ×${burst}` : `${round(percent)} % loss`,
  create: (settings) => ({
    datagrams: ({ random }) => {
      let losing = false;
      return {
        pass: (bytes) => {
          const share = settings.params.percent / 100;
          losing = random() < chanceOfLoss(share, settings.params.burst, losing);
          return losing ? [] : [{ bytes }];
        },
      };
    },
  }),
});

/**
 * Gilbert, "Capacity of a burst-noise channel" (1960): a burst ends with chance 1/burst after each loss, and
 * begins so often that the share comes out.
 */
function chanceOfLoss(share: number, burst: number, losing: boolean): number {
  if (burst <= 1 || share === 0 || share >= 1) return share;
  return losing ? 1 - 1 / burst : Math.min(1, share / (burst * (1 - share)));
}

function round(percent: number): number {
  return Number(percent.toFixed(1));
}
