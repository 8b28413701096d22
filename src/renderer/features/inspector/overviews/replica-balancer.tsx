import { useQuery } from '@tanstack/react-query';
import type {
  BalancerDecision,
  BalancerSnapshot,
  ReplicaScore,
} from '../../../../nodes/replica-balancer/manifest';
import { formatCount, formatPercent, formatSpan, formatTime } from '../../../format';
import type { Tone } from '../../../node-state';
import { useNodeState, useNodeView, useStudioParts } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { ExportList } from '../../../ui/export-button';
import { Fact, Facts, Section } from '../../../ui/facts';
import { useNow } from '../../../ui/use-now';
import { BalancedServers, type ServerColumn } from './balanced-servers';
import { replicaColumns, replicaDecisionColumns } from './exported-lists';
import { NodeAtAddress } from './node-at-address';
import css from './server-list.module.css';

const tones: Record<ReplicaScore['state'], Tone> = {
  up: 'good',
  down: 'bad',
  draining: 'warn',
  unknown: 'idle',
};

export function ReplicaBalancerOverview({ node }: { node: string }) {
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<BalancerSnapshot>;
  const {
    replicas = [],
    waiting = 0,
    clients = [],
    assigned = 0,
    serversFileError,
    drainingSince,
  } = snapshot;
  const state = useNodeState(node);
  const running = state === 'running' || state === 'draining';
  const now = useNow(1000, running && clients.length > 0);
  return (
    <>
      <Section
        title="Replicas"
        aside={
          <>
            <span className={css.muted}>{formatCount(assigned, 'client')} sent on</span>
            <ExportList name="replicas" columns={replicaColumns} rows={replicas} />
          </>
        }
      >
        <Facts>
          {waiting > 0 && (
            <Fact label="Waiting">{formatCount(waiting, 'client')}, until a replica is up</Fact>
          )}
          {state === 'draining' && drainingSince !== undefined && (
            <Fact label="Draining">
              for {formatSpan(Math.max(0, now - drainingSince))}; {formatCount(clients.length, 'client')} left
            </Fact>
          )}
          {serversFileError && <Fact label="Servers file">{serversFileError}</Fact>}
        </Facts>
        {replicas.length === 0 && (
          <EmptyState title={running ? 'It has no replicas.' : 'Not running.'}>
            {running && 'Link it to replicas, or name a servers file, under Config.'}
          </EmptyState>
        )}
        {replicas.length > 0 && (
          <BalancedServers
            caption="Replicas and their scores; the lowest cost is the best"
            header="Replica"
            servers={replicas}
            tones={tones}
            isChosen={({ chosen }) => chosen}
            chosenLabel="The next client goes here"
            note={({ ours, forForeignClients }) =>
              `${ours ? 'ours' : 'foreign'}${forForeignClients ? '' : ', not for foreign clients (another port)'}`
            }
            columns={columns}
          />
        )}
      </Section>
      {running && clients.length > 0 && (
        <Section title="Clients being served">
          <ul className={css.list}>
            {clients.map(({ address, since }) => (
              <li key={`${address} ${since}`} className={css.server}>
                <div className={css.line}>
                  <span className={`${css.name} mono`}>{address}</span>
                  <span className={css.spring} />
                  <span className={css.muted}>for {formatSpan(Math.max(0, now - since))}</span>
                </div>
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Decisions node={node} version={assigned} running={running} />
    </>
  );
}

const columns: readonly ServerColumn<ReplicaScore>[] = [
  {
    header: 'Round trip',
    cell: ({ rttMs }) => (rttMs === undefined ? '–' : `${rttMs.toFixed(2)} ms`),
  },
  { header: 'Loss', help: 'Of probes', cell: ({ loss }) => formatPercent(loss, 1) },
  { header: 'Load', help: 'Clients that it serves', cell: ({ load }) => load },
  {
    header: 'Cost',
    help: 'The lowest is the best',
    cell: ({ cost }) => (cost === undefined ? '–' : cost.toFixed(2)),
  },
];

/** "Why this replica?" for the newest clients. */
function Decisions({ node, version, running }: { node: string; version: number; running: boolean }) {
  const { client } = useStudioParts();
  const { data = [] } = useQuery({
    queryKey: ['replica-decisions', node, version],
    queryFn: async () =>
      (await client.transport.call('nodes.operate', {
        id: node,
        operation: 'decisions',
      })) as BalancerDecision[],
    enabled: running && version > 0,
    placeholderData: (old) => old,
  });
  return (
    <Section
      title="Why this replica?"
      aside={<ExportList name="decisions" columns={replicaDecisionColumns} rows={data} />}
    >
      {data.length === 0 && <EmptyState title="No client has asked yet." />}
      <ul className={css.list}>
        {data.slice(0, 12).map((decision) => (
          <li key={`${decision.at} ${decision.client}`} className={css.server}>
            <div className={css.line}>
              <NodeAtAddress address={decision.address} />
              <span className={css.spring} />
              <span className={css.muted}>{formatTime(decision.at)}</span>
            </div>
            <div className={css.muted}>
              {decision.reason}
              {decision.waitedMs > 0 && `, after ${formatSpan(decision.waitedMs)} of waiting`}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}
