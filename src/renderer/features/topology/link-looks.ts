/** How a broken link is drawn, on the canvas and in an exported picture: told apart by more than colour. Pure. */
import type { FaultLook } from '../../../faults/fault';

export interface LinkLook {
  tone: 'warn' | 'bad';
  width: number;
  opacity?: number;
  /** As `stroke-dasharray`. */
  dash?: string;
  /** A path, twelve by twelve. */
  sign: string;
}

export const transientDash = '4 4';

export const linkLooks: Record<FaultLook, LinkLook> = {
  slow: {
    tone: 'warn',
    width: 4,
    opacity: 0.45,
    sign: 'M6 1a5 5 0 1 1 0 10a5 5 0 1 1 0-10M6 3.2V6L8 7.4',
  },
  lossy: { tone: 'warn', width: 2, dash: '7 5 2 5', sign: 'M0.5 6H3M4.7 6H5.3M7 6H9.2M11 6H11.5' },
  altered: {
    tone: 'warn',
    width: 3,
    dash: '1.5 3',
    sign: 'M0.5 6C2 2.5 3.2 2.5 4.5 6S7 9.5 8.2 6S10.2 2.5 11.5 6',
  },
  cut: { tone: 'bad', width: 2, dash: '2 8', sign: 'M0.5 6H4M8 6H11.5M4.2 9.5L7.8 2.5' },
  'dead-end': { tone: 'bad', width: 2, dash: '2 8', sign: 'M2 2L10 10M10 2L2 10' },
};
