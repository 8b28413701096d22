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
          const { begins, ends } = chances(settings.params.percent / 100, settings.params.burst);
          losing = random() < (losing ? 1 - ends : begins);
          return losing ? [] : [{ bytes }];
        },
      };
    },
  }),
});

/**
 * Gilbert, "Capacity of a burst-noise channel" (1960): after each loss a burst ends with one chance, after each
 * arrival one begins with another. In the long run, begins / (begins + ends) of all datagrams are lost, and a burst
 * has 1 / ends of them on average. The share that is set always comes out; where it leaves no room for bursts so
 * short (a share s needs s / (1 − s) at least), they are longer. Bursts of 1 are no bursts: each datagram is lost by
 * itself, and two in a row are as likely as chance makes them.
 *
 * @param share 0–1
 */
export function chances(share: number, burst: number): { begins: number; ends: number } {
  if (burst <= 1 || share === 0 || share >= 1) return { begins: share, ends: 1 - share };
  const ends = Math.min(1 / burst, (1 - share) / share);
  return { begins: (ends * share) / (1 - share), ends };
}

function round(percent: number): number {
  return Number(percent.toFixed(1));
}
