import type { BalancerSnapshot } from '../../nodes/replica-balancer/manifest';
import type { ReplicaSnapshot } from '../../nodes/replica-server/manifest';
import { formatBytes } from '../format';
import { counted } from './counted';
import type { KindView } from './kinds';
import { reportedAt } from './reported-at';

export const replicaServer: KindView = {
  answered: counted('served'),
  figures(snapshot) {
    const { load = 0, served = 0, page } = snapshot as Partial<ReplicaSnapshot>;
    return [
      { label: 'load', value: String(load) },
      { label: 'served', value: served.toLocaleString() },
      ...(page?.size === undefined ? [] : [{ label: '', value: formatBytes(page.size) }]),
    ];
  },
};

export const replicaBalancer: KindView = {
  answered: counted('assigned'),
  figures(snapshot) {
    const { replicas, waiting = 0, assigned = 0 } = snapshot as Partial<BalancerSnapshot>;
    if (!replicas) return [];
    const up = replicas.filter(({ state }) => state === 'up').length;
    return [
      { label: 'up', value: `${up}/${replicas.length}` },
      { label: 'sent on', value: assigned.toLocaleString() },
      ...(waiting > 0 ? [{ label: 'waiting', value: String(waiting) }] : []),
    ];
  },
  reports(snapshot) {
    const { replicas = [] } = snapshot as Partial<BalancerSnapshot>;
    return replicas.flatMap(({ address }) => reportedAt(address, 'probe'));
  },
};
