import type { CacheSnapshot } from '../../nodes/cache-proxy/manifest';
import type { HttpBalancerSnapshot } from '../../nodes/http-balancer/manifest';
import type { HttpClientSnapshot } from '../../nodes/http-client/manifest';
import type { OriginSnapshot } from '../../nodes/http-origin/manifest';
import { formatBytes, formatCount, formatPercent } from '../format';
import type { KindView } from './kinds';
import { reportedAt } from './reported-at';

export const httpOrigin: KindView = {
  figures(snapshot) {
    const { files = 0, requests = 0, sentBytes = 0 } = snapshot as Partial<OriginSnapshot>;
    return [
      { label: '', value: formatCount(files, 'file') },
      { label: requests === 1 ? 'request' : 'requests', value: requests.toLocaleString() },
      { label: 'sent', value: formatBytes(sentBytes) },
    ];
  },
};

export const cacheProxy: KindView = {
  figures(snapshot) {
    const { hitRatio = 0, objects = 0, requests = 0 } = snapshot as Partial<CacheSnapshot>;
    return [
      { label: 'hits', value: requests === 0 ? '–' : formatPercent(hitRatio, 1) },
      { label: 'stored', value: objects.toLocaleString() },
      { label: requests === 1 ? 'request' : 'requests', value: requests.toLocaleString() },
    ];
  },
  reports(snapshot) {
    const { origins = [] } = snapshot as Partial<CacheSnapshot>;
    return origins.flatMap(({ address }) => reportedAt(address, 'origin'));
  },
};

export const httpBalancer: KindView = {
  figures(snapshot) {
    const { backends, requests = 0 } = snapshot as Partial<HttpBalancerSnapshot>;
    if (!backends) return [];
    const up = backends.filter(({ state }) => state !== 'down').length;
    return [
      { label: 'up', value: `${up}/${backends.length}` },
      { label: requests === 1 ? 'request' : 'requests', value: requests.toLocaleString() },
    ];
  },
  reports(snapshot) {
    const { backends = [] } = snapshot as Partial<HttpBalancerSnapshot>;
    return backends.flatMap(({ address }) => reportedAt(address, 'test'));
  },
};

export const httpClient: KindView = {
  figures(snapshot) {
    const { active = 0, done = 0, failed = 0 } = snapshot as Partial<HttpClientSnapshot>;
    return [
      { label: 'active', value: String(active) },
      { label: 'done', value: String(done) },
      ...(failed > 0 ? [{ label: 'failed', value: String(failed) }] : []),
    ];
  },
};
