import { Button, Select, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type {
  CacheOperations,
  CacheRequest,
  CacheSnapshot,
  StoredView,
} from '../../../../nodes/cache-proxy/manifest';
import { allRows } from '../../../export/all-rows';
import type { CsvColumn } from '../../../export/csv';
import { formatBytes, formatCount, formatPercent, formatSpan, formatTime } from '../../../format';
import { useNodeState, useNodeView, useStudioParts } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { asCsv, ExportButton } from '../../../ui/export-button';
import { Fact, Facts, Section } from '../../../ui/facts';
import { NodeAtAddress } from './node-at-address';
import css from './server-list.module.css';
import { ServerStatusText } from './server-name';

/** How often the list of what is stored is asked for while it is looked at: ages and freshness move. */
const REFRESH_MS = 1000;
const SHOWN = 50;

export function CacheProxyOverview({ node }: { node: string }) {
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<CacheSnapshot>;
  const state = useNodeState(node);
  const running = state === 'running' || state === 'draining';
  return (
    <>
      <Effect snapshot={snapshot} />
      <Contents node={node} running={running} />
      <Purge node={node} snapshot={snapshot} running={running} />
      <Requests requests={snapshot.recent ?? []} running={running} />
      <Evicted evicted={snapshot.evicted ?? []} />
    </>
  );
}

function Effect({ snapshot }: { snapshot: Partial<CacheSnapshot> }) {
  const { requests = 0, origins = [], memory, disk } = snapshot;
  const share = (value: number | undefined): string => (requests === 0 ? '–' : formatPercent(value ?? 0, 1));
  return (
    <Section title="Effect" aside={<span className={css.muted}>{formatCount(requests, 'request')}</span>}>
      <Facts>
        <Fact label="Hit ratio">{share(snapshot.hitRatio)}</Fact>
        <Fact label="Byte-hit ratio">{share(snapshot.byteHitRatio)}</Fact>
        <Fact label="Origin offload">{share(snapshot.originOffload)}</Fact>
        <Fact label="Hits">
          {snapshot.hits ?? 0} fresh, {snapshot.revalidated ?? 0} revalidated, {snapshot.stale ?? 0} stale
        </Fact>
        <Fact label="Others">
          {snapshot.misses ?? 0} missed, {snapshot.bypassed ?? 0} passed by, {snapshot.errors ?? 0} failed
        </Fact>
        {(snapshot.collapsed ?? 0) > 0 && (
          <Fact label="Collapsed">
            {formatCount(snapshot.collapsed ?? 0, 'request')} waited for another's reply
          </Fact>
        )}
        {memory && <Tier label="Memory" tier={memory} />}
        {disk && disk.capacity > 0 && <Tier label="Disk" tier={disk} />}
        {origins.map(({ address, reachable }) => (
          <Fact key={address} label="Origin">
            <span className={css.line}>
              <NodeAtAddress address={address} />
              <ServerStatusText
                status={reachable ? 'reachable' : 'not reachable'}
                tone={reachable ? 'good' : 'bad'}
              />
            </span>
          </Fact>
        ))}
      </Facts>
    </Section>
  );
}

function Tier({ label, tier }: { label: string; tier: CacheSnapshot['memory'] }) {
  return (
    <Fact label={label}>
      {formatCount(tier.objects, 'reply', 'replies')}, {formatBytes(tier.used)} of{' '}
      {formatBytes(tier.capacity)}
      <div className={`${css.bar} tone-info`} aria-hidden="true">
        <div
          className={css.fill}
          style={{ transform: `scaleX(${Math.min(1, tier.used / Math.max(1, tier.capacity))})` }}
        />
      </div>
    </Fact>
  );
}

const csvColumns: readonly CsvColumn<StoredView>[] = [
  { header: 'URL', value: ({ key }) => key },
  { header: 'Variant', value: ({ variant }) => variant.replaceAll('\0absent', '(none)') },
  { header: 'Bytes', value: ({ size }) => size },
  { header: 'Tier', value: ({ tier }) => tier },
  { header: 'Hits', value: ({ hits }) => hits },
  { header: 'Age, s', value: ({ ageSeconds }) => ageSeconds },
  { header: 'Fresh for, s', value: ({ freshSeconds }) => freshSeconds },
  { header: 'Why', value: ({ why }) => why },
];

/** What is stored, live. */
function Contents({ node, running }: { node: string; running: boolean }) {
  const { client } = useStudioParts();
  const [search, setSearch] = useState('');
  const fetchContents = async (page: { offset?: number; limit: number }) =>
    (await client.transport.call('nodes.operate', {
      id: node,
      operation: 'contents',
      input: { search, sort: 'hits', descending: true, ...page },
    })) as CacheOperations['contents']['output'];
  const { data } = useQuery({
    queryKey: ['cache-contents', node, search],
    queryFn: () => fetchContents({ limit: SHOWN }),
    enabled: running,
    refetchInterval: running ? REFRESH_MS : false,
    placeholderData: (old) => old,
  });
  const { rows = [], total = 0 } = data ?? {};
  return (
    <Section
      title="Stored"
      aside={
        <span className={css.line}>
          <span className={css.muted}>{formatCount(total, 'reply', 'replies')}</span>
          <ExportButton
            compact
            what="what is stored"
            disabled={total === 0}
            formats={[
              asCsv('cache contents', csvColumns, () =>
                allRows((offset, limit) => fetchContents({ offset, limit })),
              ),
            ]}
          />
        </span>
      }
    >
      <TextInput
        size="xs"
        placeholder="Search by address"
        aria-label="Search what is stored"
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
      />
      {rows.length === 0 && <EmptyState title={running ? 'Nothing is stored.' : 'Not running.'} />}
      <ul className={css.list}>
        {rows.map((row) => (
          <Stored key={`${row.key} ${row.variant}`} row={row} />
        ))}
      </ul>
      {total > rows.length && <div className={css.muted}>and {total - rows.length} more</div>}
    </Section>
  );
}

function Stored({ row }: { row: StoredView }) {
  const fresh = row.freshSeconds > 0;
  return (
    <li className={css.server}>
      <div className={css.line}>
        <span className={`${css.name} mono`} title={row.key}>
          {row.key}
        </span>
        <span className={css.spring} />
        <ServerStatusText status={fresh ? 'fresh' : 'stale'} tone={fresh ? 'good' : 'warn'} />
      </div>
      <div className={css.muted}>
        {formatBytes(row.size)}
        {row.partial && ' (parts)'} in {row.tier === 'both' ? 'memory and on disk' : row.tier} ·{' '}
        {formatCount(row.hits, 'hit')} · age {formatSpan(row.ageSeconds * 1000)} · {row.why}
        {row.variant !== '' &&
          ` · for ${row.variant.replaceAll('\n', ', ').replaceAll('\0absent', '(none)')}`}
      </div>
    </li>
  );
}

const ways = [
  { value: 'url', label: 'URL' },
  { value: 'prefix', label: 'Prefix' },
  { value: 'tag', label: 'Tag' },
];

function Purge({
  node,
  snapshot,
  running,
}: {
  node: string;
  snapshot: Partial<CacheSnapshot>;
  running: boolean;
}) {
  const { client } = useStudioParts();
  const [by, setBy] = useState('url');
  const [value, setValue] = useState('');
  const [outcome, setOutcome] = useState('');
  const purge = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    try {
      const input = { by, value };
      const result = await client.transport.call('nodes.operate', { id: node, operation: 'purge', input });
      const { removed } = result as CacheOperations['purge']['output'];
      setOutcome(`${formatCount(removed, 'reply', 'replies')} removed.`);
    } catch (error) {
      setOutcome((error as Error).message);
    }
  };
  const purges = snapshot.purges ?? [];
  return (
    <Section title="Purge">
      <form className={css.line} onSubmit={(event) => void purge(event)}>
        <Select
          size="xs"
          w={90}
          aria-label="Purge by"
          data={ways}
          value={by}
          allowDeselect={false}
          onChange={(way) => setBy(way ?? 'url')}
        />
        <TextInput
          size="xs"
          style={{ flex: 1 }}
          aria-label="What to purge"
          placeholder={by === 'tag' ? 'tag' : 'http://host:port/path'}
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
        />
        <Button size="xs" type="submit" disabled={!running || value === ''}>
          Purge
        </Button>
      </form>
      <div className={css.muted} role="status">
        {outcome}
      </div>
      <ul className={css.list}>
        {purges.slice(0, 8).map((done) => (
          <li key={`${done.at} ${done.value}`} className={`${css.server} ${css.muted}`}>
            {formatTime(done.at)} · {done.by} {done.value}: {done.removed} removed
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Requests({ requests, running }: { requests: readonly CacheRequest[]; running: boolean }) {
  return (
    <Section title="Newest requests">
      {requests.length === 0 && (
        <EmptyState title={running ? 'Nobody has asked for anything yet.' : 'Not running.'} />
      )}
      <ul className={css.list}>
        {requests.map((request) => (
          <li key={`${request.at} ${request.client} ${request.url}`} className={css.server}>
            <div className={css.line}>
              <span className={`${css.name} mono`} title={request.url}>
                {request.method} {request.url}
              </span>
              <span className={css.spring} />
              <span>{request.status}</span>
              <span className={css.muted}>{formatTime(request.at)}</span>
            </div>
            <div className={css.muted}>{request.reason}</div>
            <div className={`${css.muted} mono`}>{request.cacheStatus}</div>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Evicted({ evicted }: { evicted: CacheSnapshot['evicted'] }) {
  if (evicted.length === 0) return null;
  return (
    <Section title="Evicted">
      <ul className={css.list}>
        {evicted.slice(0, 10).map((victim) => (
          <li key={`${victim.at} ${victim.key} ${victim.tier}`} className={css.server}>
            <div className={`${css.name} mono`} title={victim.key}>
              {victim.key}
            </div>
            <div className={css.muted}>
              {formatTime(victim.at)} · {formatBytes(victim.size)} from {victim.tier} · {victim.why}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}
