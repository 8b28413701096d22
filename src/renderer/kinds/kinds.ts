/**
 * What the panel knows of a kind beyond its manifest: the figures on its card and the foreign programs that
 * it reports. One file per kind and one line here; a kind without a line is drawn without figures.
 */
import type { Endpoint } from '../../contract/endpoint';
import type { NodeView } from '../../contract/events';
import { client } from './client';
import { contentServer } from './content-server';
import { cacheProxy, httpBalancer, httpClient, httpOrigin } from './http';
import { indexServer } from './index-server';
import { monitor } from './monitor';
import { p2pIndex, p2pPeer } from './p2p';
import { relay } from './relay';
import { replicaBalancer, replicaServer } from './replica';
import { ringServer } from './ring-server';

export interface Figure {
  label: string;
  value: string;
}

export interface Reported extends Endpoint {
  name: string;
  role: string;
}

export interface KindView {
  /** At most three, most important first. The snapshot may be empty before the node has told anything. */
  figures?: (snapshot: Record<string, unknown>) => Figure[];
  /** Programs outside this workspace that are known to the node, and what they do with it. */
  reports?: (snapshot: Record<string, unknown>) => Reported[];
  /** Lookups, requests or files that it has answered since start. */
  answered?: (view: Pick<NodeView, 'counters' | 'snapshot'>) => number;
  /** What a cache has saved since start. */
  effect?: (snapshot: Record<string, unknown>) => CacheEffect;
}

/** Totals of a cache: `hits` of `requests`, and `hitBytes` of `bytes`, needed no reply of an origin. */
export interface CacheEffect {
  requests: number;
  hits: number;
  bytes: number;
  hitBytes: number;
}

const kinds: Record<string, KindView> = {
  'index-server': indexServer,
  monitor,
  'content-server': contentServer,
  client,
  'replica-balancer': replicaBalancer,
  'replica-server': replicaServer,
  'ring-server': ringServer,
  'http-origin': httpOrigin,
  'cache-proxy': cacheProxy,
  'http-balancer': httpBalancer,
  'http-client': httpClient,
  'p2p-index': p2pIndex,
  'p2p-peer': p2pPeer,
  relay,
};

const plain: KindView = {};

export function kindOf(kind: string): KindView {
  return kinds[kind] ?? plain;
}
