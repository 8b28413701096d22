/** The Overview tab: what the kind has to show, then what every process has. */

import { Anchor } from '@mantine/core';
import type { ComponentType } from 'react';
import { manifestOf } from '../../../nodes/manifests';
import { formatBytes, formatRate } from '../../format';
import { linksOf, nameOf } from '../../graph';
import { isAlive } from '../../node-state';
import { useNodeSpec, useNodeState, useNodeView, usePanel, useStudio } from '../../studio-context';
import { Fact, Facts, Section } from '../../ui/facts';
import { Sparkline } from '../../ui/sparkline';
import { CacheProxyOverview } from './overviews/cache-proxy';
import { ClientOverview } from './overviews/client';
import { ContentServerOverview } from './overviews/content-server';
import { HttpBalancerOverview } from './overviews/http-balancer';
import { HttpClientOverview } from './overviews/http-client';
import { HttpOriginOverview } from './overviews/http-origin';
import { IndexServerOverview } from './overviews/index-server';
import { MonitorOverview } from './overviews/monitor';
import { P2pIndexOverview } from './overviews/p2p-index';
import { P2pPeerOverview } from './overviews/p2p-peer';
import { RelayOverview } from './overviews/relay';
import { ReplicaBalancerOverview } from './overviews/replica-balancer';
import { ReplicaClientOverview } from './overviews/replica-client';
import { ReplicaServerOverview } from './overviews/replica-server';
import { RingClientOverview } from './overviews/ring-client';
import { RingServerOverview } from './overviews/ring-server';

/** One line per kind that has more to show than every kind has. */
const overviews: Record<string, ComponentType<{ node: string }>> = {
  'index-server': IndexServerOverview,
  monitor: MonitorOverview,
  'content-server': ContentServerOverview,
  client: ClientOverview,
  'replica-balancer': ReplicaBalancerOverview,
  'replica-server': ReplicaServerOverview,
  'replica-client': ReplicaClientOverview,
  'ring-server': RingServerOverview,
  'ring-client': RingClientOverview,
  'http-origin': HttpOriginOverview,
  'cache-proxy': CacheProxyOverview,
  'http-balancer': HttpBalancerOverview,
  'http-client': HttpClientOverview,
  'p2p-index': P2pIndexOverview,
  'p2p-peer': P2pPeerOverview,
  relay: RelayOverview,
};

export function Overview({ node }: { node: string }) {
  const spec = useNodeSpec(node);
  const Own = spec && overviews[spec.kind];
  return (
    <>
      {Own && <Own node={node} />}
      <Process node={node} />
      <Links node={node} />
      <Counters node={node} />
    </>
  );
}

const noActivity: readonly number[] = [];

function Process({ node }: { node: string }) {
  const spec = useNodeSpec(node);
  const view = useNodeView(node);
  const state = useNodeState(node);
  const activity = useStudio((studio) => studio.activity.get(node) ?? noActivity);
  if (!spec) return null;
  const manifest = manifestOf(spec.kind);
  const ports = Object.entries(view?.ports ?? {});
  const configured = Object.entries(manifest?.fields ?? {}).flatMap(([key, field]) =>
    field.control === 'port' ? [`${field.port} ${spec.config[key] ?? field.default}`] : [],
  );
  const alive = view?.pid !== undefined && isAlive(state);
  return (
    <Section title="Process">
      <Facts>
        <Fact label="Ports">
          {ports.length > 0
            ? ports.map(([name, port]) => `${name} ${port}`).join(', ')
            : configured.join(', ') || '–'}
        </Fact>
        <Fact label="Process id">{alive ? view.pid : '–'}</Fact>
        {view?.cpu !== undefined && alive && (
          <Fact label="CPU">{Math.round(view.cpu * 100)} % of a core</Fact>
        )}
        {view?.heapBytes !== undefined && alive && <Fact label="Heap">{formatBytes(view.heapBytes)}</Fact>}
        {activity.length > 1 && (
          <Fact label="Traffic">
            <span style={{ display: 'inline-flex', gap: 8, alignItems: 'center', color: 'var(--info)' }}>
              <Sparkline values={activity} width={90} height={16} />
              <span style={{ color: 'var(--ink)' }}>{formatRate(activity.at(-1) ?? 0)}</span>
            </span>
          </Fact>
        )}
      </Facts>
    </Section>
  );
}

function Links({ node }: { node: string }) {
  const panel = usePanel();
  const specs = useStudio((state) => state.specs);
  const links = linksOf(specs.values()).filter((link) => link.from === node || link.to === node);
  if (links.length === 0) return null;
  const shown = links.slice(0, 12);
  return (
    <Section title="Links">
      <Facts>
        {shown.map(({ from, to, role, field }) => {
          const other = from === node ? to : from;
          return (
            <Fact key={`${from} ${field} ${to}`} label={role}>
              {from === node ? 'to ' : 'from '}
              {specs.has(other) ? (
                <Anchor component="button" type="button" inherit onClick={() => panel.show(other)}>
                  {nameOf(other, specs)}
                </Anchor>
              ) : (
                nameOf(other, specs)
              )}
            </Fact>
          );
        })}
        {links.length > shown.length && <Fact label="">and {links.length - shown.length} more</Fact>}
      </Facts>
    </Section>
  );
}

function Counters({ node }: { node: string }) {
  const counters = Object.entries(useNodeView(node)?.counters ?? {});
  if (counters.length === 0) return null;
  return (
    <Section title="Counters since start">
      <Facts>
        {counters
          .sort(([a], [b]) => a.localeCompare(b))
          .map(([name, value]) => (
            <Fact key={name} label={name}>
              {/bytes/i.test(name) ? formatBytes(value) : value.toLocaleString()}
            </Fact>
          ))}
      </Facts>
    </Section>
  );
}
