import type { P2pIndexSnapshot } from '../../nodes/p2p-index/manifest';
import type { P2pPeerSnapshot } from '../../nodes/p2p-peer/manifest';
import { formatRate } from '../format';
import { counted } from './counted';
import type { KindView } from './kinds';

export const p2pIndex: KindView = {
  answered: counted('lookups'),
  figures(snapshot) {
    const { files, peers = [] } = snapshot as Partial<P2pIndexSnapshot>;
    if (files === undefined) return [];
    const registered = peers.filter(({ port }) => port > 0).length;
    return [
      { label: registered === 1 ? 'peer' : 'peers', value: String(registered) },
      { label: files === 1 ? 'file' : 'files', value: files.toLocaleString() },
    ];
  },
  reports(snapshot) {
    const { peers = [] } = snapshot as Partial<P2pIndexSnapshot>;
    return peers
      .filter(({ port }) => port > 0)
      .map(({ host, port }) => ({ host, port, name: `${host}:${port}`, role: 'registration' }));
  },
};

export const p2pPeer: KindView = {
  figures(snapshot) {
    const { files, uploads = [], downloads = [] } = snapshot as Partial<P2pPeerSnapshot>;
    if (files === undefined) return [];
    const down = downloads.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0);
    const up = uploads.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0);
    // There is room for two figures, and what moves says more than what lies there.
    const both = downloads.length > 0 && up > 0;
    return [
      ...(both ? [] : [{ label: files === 1 ? 'file' : 'files', value: files.toLocaleString() }]),
      ...(downloads.length > 0 ? [{ label: 'down', value: formatRate(down) }] : []),
      ...(up > 0 ? [{ label: 'up', value: formatRate(up) }] : []),
    ];
  },
};
