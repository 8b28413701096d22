import type { MonitorSnapshot } from '../../nodes/monitor/manifest';
import type { KindView } from './kinds';

export const monitor: KindView = {
  figures(snapshot) {
    const { servers, malformed = 0 } = snapshot as Partial<MonitorSnapshot>;
    if (!servers) return [];
    const alive = servers.filter((server) => server.status === 'alive').length;
    return [
      { label: 'alive', value: `${alive}/${servers.length}` },
      ...(malformed > 0 ? [{ label: 'malformed', value: malformed.toLocaleString() }] : []),
    ];
  },
  reports(snapshot) {
    const { servers = [] } = snapshot as Partial<MonitorSnapshot>;
    return servers.map(({ host, tcpPort: port, serverId: name }) => ({
      host,
      port,
      name,
      role: 'heartbeat',
    }));
  },
};
