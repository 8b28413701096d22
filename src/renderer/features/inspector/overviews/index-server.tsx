import { Button } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Decision, IndexSnapshot, ServerStatus } from '../../../../nodes/index-server/manifest';
import type { CsvColumn } from '../../../export/csv';
import { formatCount, formatTime } from '../../../format';
import type { Tone } from '../../../node-state';
import type { Lookup } from '../../../panel-state';
import { useNodeState, useNodeView, usePanelState, useStudioParts } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { ExportList } from '../../../ui/export-button';
import { Fact, Facts, Section } from '../../../ui/facts';
import { decisionOf } from './decision-of';
import css from './server-list.module.css';
import { byName, ServerName, ServerStatusText } from './server-name';

const tones: Record<ServerStatus, Tone> = { alive: 'good', dead: 'bad', draining: 'warn' };

const monitorTexts: Record<IndexSnapshot['monitor'], string> = {
  none: 'none: registrations are trusted',
  connected: 'connected',
  unreachable: 'cannot be reached',
};

export function IndexServerOverview({ node }: { node: string }) {
  const view = useNodeView(node);
  const { servers, files = 0, monitor, lastDecision } = (view?.snapshot ?? {}) as Partial<IndexSnapshot>;
  const running = useNodeState(node) === 'running';
  const lookup = usePanelState((state) => (state.lookup?.index === node ? state.lookup : null));
  return (
    <>
      <Section
        title="Content servers"
        aside={<span className={css.muted}>{formatCount(files, 'file')}</span>}
      >
        {monitor && (
          <Facts>
            <Fact label="Monitor">{monitorTexts[monitor]}</Fact>
          </Facts>
        )}
        {servers?.length ? (
          <ul className={css.list}>
            {byName(servers).map((server) => (
              <li key={server.serverId} className={css.server}>
                <div className={css.line}>
                  <ServerName serverId={server.serverId} port={server.tcpPort} />
                  <ServerStatusText status={server.status} tone={tones[server.status]} />
                  <span className={css.spring} />
                  <span className={css.muted}>
                    {server.load >= 0 ? `load ${server.load} · ` : ''}
                    {formatCount(server.files, 'file')}
                  </span>
                </div>
                <div className={`${css.muted} mono`}>
                  {server.host}:{server.tcpPort}
                </div>
              </li>
            ))}
          </ul>
        ) : (
          <EmptyState title={running ? 'No content server has registered yet.' : 'Not running.'} />
        )}
      </Section>
      <Decisions
        key={lookup ? `${lookup.fileName} ${lookup.at}` : ''}
        node={node}
        version={lastDecision?.at ?? 0}
        running={running}
        lookup={lookup}
      />
    </>
  );
}

const SHOWN = 12;
/** More than an index keeps. */
const ALL = 10_000;

const csvColumns: readonly CsvColumn<Decision>[] = [
  { header: 'Time', value: ({ at }) => new Date(at) },
  { header: 'File', value: ({ fileName }) => fileName },
  { header: 'Policy', value: ({ policy }) => policy },
  { header: 'Winner', value: ({ winner }) => winner },
  { header: 'Reason', value: ({ reason }) => reason },
  {
    header: 'Candidates',
    value: ({ candidates }) =>
      candidates.map(({ serverId, score, note }) => `${serverId} ${score ?? '–'} ${note}`.trim()).join('; '),
  },
];

/** "Why this server?" for the newest lookups, or for those of the file of one download. */
function Decisions({
  node,
  version,
  running,
  lookup,
}: {
  node: string;
  version: number;
  running: boolean;
  lookup: Lookup | null;
}) {
  const { client, panel } = useStudioParts();
  /** Undefined until a person chose: then it is the one that was asked for, or the newest. */
  const [chosen, setChosen] = useState<string | null>();
  const decisions = async (input: { limit: number; fileName?: string }): Promise<Decision[]> =>
    (await client.transport.call('nodes.operate', {
      id: node,
      operation: 'decisions',
      input,
    })) as Decision[];
  const { data = [] } = useQuery({
    queryKey: ['decisions', node, version, lookup?.fileName],
    queryFn: () => decisions(lookup ? { limit: 100, fileName: lookup.fileName } : { limit: SHOWN }),
    enabled: running && version > 0,
    placeholderData: (old) => old,
  });
  const wanted = lookup ? decisionOf(lookup, data) : data[0];
  const open = chosen === undefined ? wanted && keyOf(wanted) : chosen;
  return (
    <Section
      title="Why this server?"
      aside={
        <>
          {lookup && (
            <Button size="compact-sm" onClick={() => panel.patch({ lookup: null })}>
              All lookups
            </Button>
          )}
          <ExportList
            name="decisions"
            columns={csvColumns}
            rows={data}
            all={() => decisions({ limit: ALL })}
          />
        </>
      }
    >
      {data.length === 0 && (
        <EmptyState title="No lookups yet.">
          Each download asks here; the candidates, their scores and the winner are then listed.
        </EmptyState>
      )}
      {data.map((decision) => (
        <div key={keyOf(decision)} className={css.decision}>
          <button
            type="button"
            className={css.summary}
            aria-expanded={open === keyOf(decision)}
            onClick={() => setChosen(open === keyOf(decision) ? null : keyOf(decision))}
          >
            <span className={css.file}>{decision.fileName}</span>
            <span className={css.muted}>{formatTime(decision.at)}</span>
            <span className={css.reason}>{decision.reason}</span>
          </button>
          {open === keyOf(decision) && <Candidates decision={decision} />}
        </div>
      ))}
    </Section>
  );
}

function keyOf({ at, fileName, reason }: Decision): string {
  return `${at} ${fileName} ${reason}`;
}

function Candidates({ decision }: { decision: Decision }) {
  return (
    <table className={css.candidates}>
      <caption className="unseen">Candidates for {decision.fileName}</caption>
      <thead>
        <tr>
          <th>Server</th>
          <th>Load</th>
          <th>Score</th>
          <th>Note</th>
        </tr>
      </thead>
      <tbody>
        {decision.candidates.map((candidate) => {
          const won = candidate.serverId === decision.winner;
          return (
            <tr
              key={candidate.serverId}
              className={won ? css.winner : candidate.score === null ? css.out : undefined}
            >
              <td>
                {won && <IconCheck size={12} aria-label="Chosen" />} {candidate.serverId}
              </td>
              <td>{candidate.load < 0 ? '–' : candidate.load}</td>
              <td>{candidate.score === null ? '–' : Number(candidate.score.toFixed(3))}</td>
              <td>{candidate.note}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
