import type { AnsweredRequest, OriginSnapshot } from '../../../../nodes/http-origin/manifest';
import { formatBytes, formatCount, formatTime } from '../../../format';
import { useNodeState, useNodeView } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { Fact, Facts, Section } from '../../../ui/facts';
import css from './server-list.module.css';

export function HttpOriginOverview({ node }: { node: string }) {
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<OriginSnapshot>;
  const { files = 0, bytes = 0, connections = 0, sentBytes = 0, statuses = {}, hot, recent = [] } = snapshot;
  const running = useNodeState(node) === 'running';
  return (
    <>
      <Section title="Site">
        <Facts>
          <Fact label="Files">
            {formatCount(files, 'file')}, {formatBytes(bytes)}
          </Fact>
          <Fact label="Clients">{formatCount(connections, 'connection')}</Fact>
          <Fact label="Sent">{formatBytes(sentBytes)}</Fact>
          {hot && (
            <Fact label="In memory">
              {formatCount(hot.files, 'file')}, {formatBytes(hot.bytes)} of {formatBytes(hot.capacity)}
            </Fact>
          )}
          {Object.entries(statuses).map(([status, count]) => (
            <Fact key={status} label={status}>
              {count.toLocaleString()}
            </Fact>
          ))}
        </Facts>
      </Section>
      <Section title="Newest requests">
        {recent.length === 0 && (
          <EmptyState title={running ? 'Nobody has asked for anything yet.' : 'Not running.'} />
        )}
        <ul className={css.list}>
          {recent.map((request) => (
            <Request key={`${request.at} ${request.client} ${request.target}`} request={request} />
          ))}
        </ul>
      </Section>
    </>
  );
}

function Request({ request }: { request: AnsweredRequest }) {
  return (
    <li className={css.server}>
      <div className={css.line}>
        <span className={`${css.name} mono`} title={request.target}>
          {request.method} {request.target}
        </span>
        <span className={css.spring} />
        <span>{request.status}</span>
        <span className={css.muted}>{formatTime(request.at)}</span>
      </div>
      <div className={css.muted}>
        {formatBytes(request.bytes)} to {request.client}
      </div>
    </li>
  );
}
