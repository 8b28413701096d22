import { defineFault } from './fault';
import { amount } from './limit';

export const diskFull = defineFault({
  kind: 'disk-full',
  label: 'Disk full',
  observe: 'Writing fails: downloads into this node end with "no space left"; reading goes on.',
  look: 'dead-end',
  targets: ['node'],
  fields: {
    free: {
      control: 'number',
      label: 'Still free',
      help: 'Bytes that can be written before the disk is full.',
      default: 0,
      min: 0,
      max: 1_000_000_000_000,
      unit: 'bytes',
    },
  },
  badge: ({ free }) => (free > 0 ? `disk full in ${amount(free)}` : 'disk full'),
  create: (settings) => {
    let written = 0;
    return {
      disk: {
        fail: (operation, bytes) => {
          if (operation !== 'write' || bytes === 0) return undefined;
          if (written + bytes > settings.params.free) return 'ENOSPC';
          written += bytes;
          return undefined;
        },
      },
    };
  },
});
