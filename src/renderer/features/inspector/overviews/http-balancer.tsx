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
import { ExportList } from '../../../ui/export-button';
import { Fact, Facts, Section } from '../../../ui/facts';
import { BalancedServers, type ServerColumn } from './balanced-servers';
import { httpDecisionColumns, httpServerColumns } from './exported-lists';
import { NodeAtAddress } from './node-at-address';
import css from './server-list.module.css';

const tones: Record<BackendView['state'], Tone> = { up: 'good', down: 'bad', untested: 'idle' };

export function HttpBalancerOverview({ node }: { node: string }) {
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<HttpBalancerSnapshot>;
  const { backends = [], requests = 0, unserved = 0, retries = 0, lastDecision } = snapshot;
  const state = useNodeState(node);
  const running = state === 'running' || state === 'draining';
  return (
    <>
      <Section
        title="Servers"
        aside={
          <>
            <span className={css.muted}>{formatCount(requests, 'request')}</span>
            <ExportList name="servers" columns={httpServerColumns} rows={backends} />
          </>
        }
      >
        <Facts>
          {unserved > 0 && <Fact label="No server up">{formatCount(unserved, 'request')}</Fact>}
          {retries > 0 && <Fact label="Sent again">{formatCount(retries, 'request')}</Fact>}
        </Facts>
        {backends.length === 0 && (
          <EmptyState title={running ? 'It has no servers.' : 'Not running.'}>
            {running && 'Link it to origins or caches, under Config.'}
          </EmptyState>
        )}
        {backends.length > 0 && (
          <BalancedServers
            caption="Servers, their last test and their share of the clients"
            header="Server"
            servers={backends}
            tones={tones}
            isChosen={({ address }) => address === lastDecision?.winner}
            chosenLabel="Chosen last"
            note={({ rank, chosen }) =>
              `${rank === undefined ? '' : `rank ${rank} · `}chosen ${formatCount(chosen, 'time')}`
            }
            columns={columns}
          />
        )}
      </Section>
      <Decisions node={node} version={lastDecision?.at ?? 0} running={running} />
    </>
  );
}

const columns: readonly ServerColumn<BackendView>[] = [
  {
    header: 'Test',
    help: 'Time of the last test transfer',
    cell: ({ testMs }) => (testMs === undefined ? '–' : `${testMs.toFixed(1)} ms`),
  },
  {
    header: 'Share',
    help: 'Of the clients, by the lottery',
    cell: ({ share }) => (share === undefined ? '–' : formatPercent(share, 1)),
  },
  {
    header: 'Load',
    help: 'Requests under way, or clients sent there lately',
    cell: ({ load }) => load.toFixed(1).replace('.0', ''),
  },
];

/** "Why this server?" for the newest clients. */
function Decisions({ node, version, running }: { node: string; version: number; running: boolean }) {
  const { client } = useStudioParts();
  const decisions = async (input: { limit?: number }): Promise<HttpDecision[]> =>
    (await client.transport.call('nodes.operate', {
      id: node,
      operation: 'decisions',
      input,
    })) as HttpDecision[];
  const { data = [] } = useQuery({
    queryKey: ['http-decisions', node, version],
    queryFn: () => decisions({ limit: 12 }),
    enabled: running && version > 0,
    placeholderData: (old) => old,
  });
  return (
    <Section
      title="Why this server?"
      aside={
        <ExportList name="decisions" columns={httpDecisionColumns} rows={data} all={() => decisions({})} />
      }
    >
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
              {decision.candidates.map(({ address, score, state }, index) => (
                <span key={address}>
                  {index > 0 && ' · '}
                  <NodeAtAddress address={address} /> {score === null ? state : Number(score.toFixed(2))}
                </span>
              ))}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}
