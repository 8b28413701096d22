import type { ReplicaSnapshot } from '../../../../nodes/replica-server/manifest';
import { formatAgo, formatBytes, formatCount, formatPercent, formatSpan } from '../../../format';
import { useNodeState, useNodeView } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { Fact, Facts, Section } from '../../../ui/facts';
import { useNow } from '../../../ui/use-now';
import css from './server-list.module.css';

export function ReplicaServerOverview({ node }: { node: string }) {
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<ReplicaSnapshot>;
  const { page, clients = [], load = 0, served = 0, watchers = 0, drainingSince } = snapshot;
  const state = useNodeState(node);
  const now = useNow(1000, state === 'running' || state === 'draining');
  if (!page) return <EmptyState title="Not running." />;
  return (
    <>
      <Section title="Page">
        <Facts>
          <Fact label="Source">{page.source || '–'}</Fact>
          {page.size !== undefined && <Fact label="Size">{formatBytes(page.size)}</Fact>}
          {page.since !== undefined && <Fact label="This copy">since {formatAgo(page.since, now)}</Fact>}
          {page.error && <Fact label="Trouble">{page.error}</Fact>}
        </Facts>
      </Section>
      <Section
        title="Clients"
        aside={<span className={css.muted}>{formatCount(served, 'page')} served</span>}
      >
        <Facts>
          <Fact label="Watched by">{formatCount(watchers, 'balancer')}</Fact>
          {drainingSince !== undefined && (
            <Fact label="Draining">
              for {formatSpan(now - drainingSince)}; {formatCount(load, 'client')} left
            </Fact>
          )}
        </Facts>
        {clients.length === 0 && <EmptyState title="Nobody is being served at the moment." />}
        <ul className={css.list}>
          {clients.map(({ address, bytes, since, bulk }) => (
            <li key={`${address} ${since}`} className={css.server}>
              <div className={css.line}>
                <span className={`${css.name} mono`}>{address}</span>
                <span className={css.spring} />
                <span className={css.muted}>
                  {bulk ? 'in one piece' : 'packet by packet'} · {formatBytes(bytes)}
                  {page.size ? ` · ${formatPercent(bytes, page.size)}` : ''} · {formatSpan(now - since)}
                </span>
              </div>
            </li>
          ))}
        </ul>
      </Section>
    </>
  );
}
