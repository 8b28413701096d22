import type { RelaySnapshot } from '../../nodes/relay/manifest';
import type { KindView } from './kinds';

export const relay: KindView = {
  figures(snapshot) {
    const { connections, senders = 0 } = snapshot as Partial<RelaySnapshot>;
    if (connections === undefined) return [];
    return [
      { label: connections === 1 ? 'connection' : 'connections', value: connections.toLocaleString() },
      { label: senders === 1 ? 'sender' : 'senders', value: senders.toLocaleString() },
    ];
  },
};
