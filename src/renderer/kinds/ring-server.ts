import type { RingSnapshot } from '../../nodes/ring-server/manifest';
import { counted } from './counted';
import type { KindView } from './kinds';
import { reportedAt } from './reported-at';

export const ringServer: KindView = {
  answered: counted('gets', 'puts'),
  figures(snapshot) {
    const { list = [], items, travelling = [] } = snapshot as Partial<RingSnapshot>;
    if (items === undefined) return [];
    return [
      { label: 'in the ring', value: String(list.length) },
      { label: items === 1 ? 'item' : 'items', value: items.toLocaleString() },
      ...(travelling.length > 0 ? [{ label: 'on the way', value: String(travelling.length) }] : []),
    ];
  },
  reports(snapshot) {
    const { members = [] } = snapshot as Partial<RingSnapshot>;
    return members
      .filter(({ state }) => state === 'alive')
      .flatMap(({ address }) => reportedAt(address, 'ring'));
  },
};
