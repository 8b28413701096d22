import type { MonitorSnapshot } from '../../../../nodes/monitor/manifest';
import { formatAgo, formatCount, formatSpan } from '../../../format';
import { useNodeState, useNodeView } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { Fact, Facts, Section } from '../../../ui/facts';
import { useNow } from '../../../ui/use-now';
import css from './server-list.module.css';
import { byName, ServerName, ServerStatusText } from './server-name';

export function MonitorOverview({ node }: { node: string }) {
  const view = useNodeView(node);
  const { servers, malformed = 0, subscribers = [] } = (view?.snapshot ?? {}) as Partial<MonitorSnapshot>;
  const running = useNodeState(node) === 'running';
  return (
    <>
      <Section title="Heartbeats">
        {servers?.length ? (
          <ul className={css.list}>
            {byName(servers).map((server) => (
              <Countdown key={server.serverId} server={server} running={running} />
            ))}
          </ul>
        ) : (
          <EmptyState title={running ? 'No heartbeat has arrived yet.' : 'Not running.'} />
        )}
      </Section>
      <Section title="Told of deaths">
        <Facts>
          <Fact label="Subscribers">{subscribers.length > 0 ? subscribers.join(', ') : 'nobody'}</Fact>
          <Fact label="Malformed">{formatCount(malformed, 'datagram')} dropped</Fact>
        </Facts>
      </Section>
    </>
  );
}

type Server = MonitorSnapshot['servers'][number];

/** How much of its time a server has left before it is declared dead; full again with each heartbeat. */
function Countdown({ server, running }: { server: Server; running: boolean }) {
  const dead = server.status === 'dead';
  const now = useNow(100, running && !dead);
  const left = Math.max(0, server.deadAt - now);
  const share = dead ? 0 : Math.min(1, left / Math.max(1, server.deadAt - server.lastHeartbeat));
  const tone = dead || share < 0.2 ? 'bad' : share < 0.5 ? 'warn' : 'good';
  return (
    <li className={css.server}>
      <div className={css.line}>
        <ServerName serverId={server.serverId} port={server.tcpPort} />
        <ServerStatusText status={server.status} tone={dead ? 'bad' : 'good'} />
        <span className={css.spring} />
        <span className={css.muted}>
          {dead ? `last heard ${formatAgo(server.lastHeartbeat, now)}` : `${formatSpan(left)} left`}
        </span>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a <meter> cannot be drawn in the tones of the rest. */}
      <div
        className={`${css.bar} tone-${tone}`}
        role="meter"
        aria-label={`Time left for ${server.serverId}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
      >
        <div className={css.fill} style={{ transform: `scaleX(${share})` }} />
      </div>
      <div className={css.line}>
        <span className={css.muted}>
          {formatCount(server.heartbeats, 'heartbeat')} · load {server.load} ·{' '}
          {formatCount(server.files, 'file')}
        </span>
      </div>
    </li>
  );
}
