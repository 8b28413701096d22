import type { IndexSnapshot } from '../../nodes/index-server/manifest';
import { counted } from './counted';
import type { KindView } from './kinds';

export const indexServer: KindView = {
  answered: counted('lookups', 'lookupsNotFound'),
  figures(snapshot) {
    const { servers, files = 0 } = snapshot as Partial<IndexSnapshot>;
    if (!servers) return [];
    const alive = servers.filter((server) => server.status === 'alive').length;
    return [
      { label: 'alive', value: `${alive}/${servers.length}` },
      { label: files === 1 ? 'file' : 'files', value: files.toLocaleString() },
    ];
  },
  reports(snapshot) {
    const { servers = [] } = snapshot as Partial<IndexSnapshot>;
    return servers.map((server) => ({
      host: server.host,
      port: server.tcpPort,
      name: server.serverId,
      role: 'registration',
    }));
  },
};
