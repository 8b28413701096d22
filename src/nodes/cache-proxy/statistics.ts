import { formatEndpoint } from '../../contract/endpoint';
import { type CacheStatus, formatCacheStatus } from '../../protocol/http/cache/cache-status';
import type { Endpoint } from '../../runtime/context';
import { RequestLog } from '../shared/http/request-log';
import type { CacheRequest } from './manifest';

const KEPT_REQUESTS = 500;

export type Outcome = CacheRequest['outcome'];

/** One answered request; texts are made of it only when somebody looks. */
export interface Answered {
  at: number;
  peer: Endpoint;
  method: string;
  url: string;
  status: number;
  outcome: Outcome;
  cache: CacheStatus;
  reason: string;
}

/** What the cache has done since start. */
export class Statistics {
  readonly #log = new RequestLog<Answered>(KEPT_REQUESTS);
  readonly counts: Record<Outcome, number> = {
    hit: 0,
    revalidated: 0,
    stale: 0,
    miss: 0,
    bypass: 0,
    error: 0,
  };
  requests = 0;
  collapsed = 0;
  /** Requests that went to an origin. */
  forwarded = 0;
  clientBytes = 0;
  /** Of those, bytes that did not come from an origin for this request. */
  storedBytes = 0;
  originBytes = 0;

  add(answered: Answered): void {
    this.requests++;
    this.counts[answered.outcome]++;
    if (answered.cache.collapsed) this.collapsed++;
    this.#log.add(answered);
  }

  newest(limit: number, cacheName: string, url?: string): CacheRequest[] {
    const all = this.#log.newest(KEPT_REQUESTS);
    return all
      .filter((answered) => url === undefined || answered.url === url)
      .slice(0, limit)
      .map(({ cache, peer, ...rest }) => ({
        ...rest,
        client: formatEndpoint(peer),
        cacheStatus: formatCacheStatus(cacheName, cache),
      }));
  }

  get hitRatio(): number {
    const { hit, revalidated, stale } = this.counts;
    return ratio(hit + revalidated + stale, this.requests);
  }

  get byteHitRatio(): number {
    return ratio(this.storedBytes, this.clientBytes);
  }

  get originOffload(): number {
    return this.requests === 0 ? 0 : Math.max(0, 1 - this.forwarded / this.requests);
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
