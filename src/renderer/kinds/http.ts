import type { CacheSnapshot } from '../../nodes/cache-proxy/manifest';
import type { HttpBalancerSnapshot } from '../../nodes/http-balancer/manifest';
import type { HttpClientSnapshot } from '../../nodes/http-client/manifest';
import type { OriginSnapshot } from '../../nodes/http-origin/manifest';
import { formatBytes, formatCount, formatPercent } from '../format';
import { counted } from './counted';
import type { KindView } from './kinds';
import { reportedAt } from './reported-at';

export const httpOrigin: KindView = {
  answered: counted('requests'),
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
  answered: ({ snapshot }) => (snapshot as Partial<CacheSnapshot>).requests ?? 0,
  effect(snapshot) {
    const {
      requests = 0,
      hits = 0,
      revalidated = 0,
      stale = 0,
      ...rest
    } = snapshot as Partial<CacheSnapshot>;
    const { clientBytes: bytes = 0, byteHitRatio = 0 } = rest;
    return { requests, hits: hits + revalidated + stale, bytes, hitBytes: byteHitRatio * bytes };
  },
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
  answered: counted('requests'),
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
