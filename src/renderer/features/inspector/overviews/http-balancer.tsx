import { IconArrowRight } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type {
  BackendView,
  HttpBalancerSnapshot,
  HttpDecision,
} from '../../../../nodes/http-balancer/manifest';
import { formatCount, formatPercent, formatTime } from '../../../format';
import type { Tone } from '../../../node-state';
import { useNodeState, useNodeView, useStudioParts } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { Fact, Facts, Section } from '../../../ui/facts';
import { NodeAtAddress } from './node-at-address';
import css from './server-list.module.css';
import { ServerStatusText } from './server-name';

const tones: Record<BackendView['state'], Tone> = { up: 'good', down: 'bad', untested: 'idle' };

export function HttpBalancerOverview({ node }: { node: string }) {
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<HttpBalancerSnapshot>;
  const { backends = [], requests = 0, unserved = 0, retries = 0, lastDecision } = snapshot;
  const state = useNodeState(node);
  const running = state === 'running' || state === 'draining';
  return (
    <>
      <Section title="Servers" aside={<span className={css.muted}>{formatCount(requests, 'request')}</span>}>
        <Facts>
          {unserved > 0 && <Fact label="No server up">{formatCount(unserved, 'request')}</Fact>}
          {retries > 0 && <Fact label="Sent again">{formatCount(retries, 'request')}</Fact>}
        </Facts>
        {backends.length === 0 && (
          <EmptyState title={running ? 'It has no servers.' : 'Not running.'}>
            {running && 'Link it to origins or caches, under Config.'}
          </EmptyState>
        )}
        {backends.length > 0 && <Backends backends={backends} winner={lastDecision?.winner ?? null} />}
      </Section>
      <Decisions node={node} version={lastDecision?.at ?? 0} running={running} />
    </>
  );
}

function Backends({ backends, winner }: { backends: readonly BackendView[]; winner: string | null }) {
  return (
    <table className={`${css.candidates} ${css.dense}`}>
      <caption className="unseen">Servers, their last test and their share of the clients</caption>
      <thead>
        <tr>
          <th>Server</th>
          <th>State</th>
          <th>Test</th>
          <th>Rank</th>
          <th>Share</th>
          <th>Load</th>
          <th>Chosen</th>
        </tr>
      </thead>
      <tbody>
        {backends.map((backend) => (
          <tr key={backend.address} className={backend.address === winner ? css.winner : undefined}>
            <td>
              {backend.address === winner && <IconArrowRight size={12} aria-label="Chosen last" />}{' '}
              <NodeAtAddress address={backend.address} />
            </td>
            <td>
              <ServerStatusText status={backend.state} tone={tones[backend.state]} />
              {backend.detail && <div className={css.muted}>{backend.detail}</div>}
            </td>
            <td>{backend.testMs === undefined ? '–' : `${backend.testMs.toFixed(1)} ms`}</td>
            <td>{backend.rank ?? '–'}</td>
            <td>{backend.share === undefined ? '–' : formatPercent(backend.share, 1)}</td>
            <td>{backend.load.toFixed(1).replace('.0', '')}</td>
            <td>{backend.chosen.toLocaleString()}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** "Why this server?" for the newest clients. */
function Decisions({ node, version, running }: { node: string; version: number; running: boolean }) {
  const { client } = useStudioParts();
  const { data = [] } = useQuery({
    queryKey: ['http-decisions', node, version],
    queryFn: async () =>
      (await client.transport.call('nodes.operate', {
        id: node,
        operation: 'decisions',
        input: { limit: 12 },
      })) as HttpDecision[],
    enabled: running && version > 0,
    placeholderData: (old) => old,
  });
  return (
    <Section title="Why this server?">
      {data.length === 0 && <EmptyState title="No client has asked yet." />}
      <ul className={css.list}>
        {data.map((decision) => (
          <li key={`${decision.at} ${decision.client}`} className={css.server}>
            <div className={css.line}>
              {decision.winner ? <NodeAtAddress address={decision.winner} /> : <span>nobody</span>}
              <span className={`${css.muted} mono`}>{decision.path}</span>
              <span className={css.spring} />
              <span className={css.muted}>{formatTime(decision.at)}</span>
            </div>
            <div className={css.muted}>{decision.reason}</div>
            <div className={css.muted}>
              {decision.candidates
                .map(
                  ({ address, score, state }) =>
                    `${address}: ${score === null ? state : Number(score.toFixed(2))}`,
                )
                .join(' · ')}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}
