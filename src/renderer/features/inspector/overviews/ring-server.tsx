import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { RingOperations, RingSnapshot } from '../../../../nodes/ring-server/manifest';
import { formatBytes, formatCount, formatSpan } from '../../../format';
import type { Tone } from '../../../node-state';
import { isAlive } from '../../../node-state';
import { useNodeState, useNodeView, useStudio, useStudioParts } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { ExportList } from '../../../ui/export-button';
import { Fact, Facts, Section } from '../../../ui/facts';
import { useNow } from '../../../ui/use-now';
import { ringCopyColumns, ringItemColumns, ringMemberColumns } from './exported-lists';
import { NodeAtAddress } from './node-at-address';
import { compareCopies, type ListCopy } from './ring-copies';
import css from './server-list.module.css';
import { ServerStatusText } from './server-name';

type Member = RingSnapshot['members'][number];
const tones: Record<Member['state'], Tone> = { alive: 'good', left: 'idle', dead: 'bad' };
const states: Record<RingSnapshot['state'], string> = {
  alone: 'alone: nobody has joined',
  joining: 'joining',
  member: 'in the ring',
  leaving: 'leaving',
};

export function RingServerOverview({ node }: { node: string }) {
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<RingSnapshot>;
  const running = isAlive(useNodeState(node));
  const {
    address,
    state,
    detail,
    next,
    members = [],
    travelling = [],
    roundMs = [],
    heldBack = [],
  } = snapshot;
  const now = useNow(200, running && travelling.length > 0);
  if (!running || !state || !address) return <EmptyState title="Not running." />;
  return (
    <>
      <Section title="Ring">
        <Facts>
          <Fact label="State">
            {states[state]}
            {detail ? `: ${detail}` : ''}
          </Fact>
          <Fact label="Passes on to">{next ? <NodeAtAddress address={next} /> : 'nobody'}</Fact>
          <Fact label="Last round">{roundMs.length > 0 ? `${Math.round(roundMs.at(-1) ?? 0)} ms` : '–'}</Fact>
          <Fact label="A PUT needs">
            {snapshot.quorum === 'all' ? 'all live members' : formatCount(snapshot.quorum ?? 0, 'member')}
          </Fact>
        </Facts>
        {travelling.map(({ kind, item, since, seen }) => (
          <div key={`${kind} ${item} ${since}`} className={css.line}>
            <span className={css.name}>{item ? `${kind} ${item}` : 'list of members'}</span>
            <span className={css.spring} />
            <span className={css.muted}>
              on its way for {formatSpan(Math.max(0, now - since))} · seen by {seen}
            </span>
          </div>
        ))}
      </Section>
      <Section
        title="Members"
        aside={<ExportList name="members" columns={ringMemberColumns} rows={members} />}
      >
        <ul className={css.list}>
          {members.map((member) => (
            <li key={member.address} className={css.server}>
              <div className={css.line}>
                <NodeAtAddress address={member.address} />
                <ServerStatusText status={member.state} tone={tones[member.state]} />
                <span className={css.spring} />
                <span className={css.muted}>{member.address === address ? 'this one' : member.program}</span>
              </div>
            </li>
          ))}
        </ul>
      </Section>
      <Copies />
      <Items node={node} snapshot={snapshot} />
      {heldBack.length > 0 && (
        <Section title="Not given to foreign members">
          <ul className={css.list}>
            {heldBack.map(({ item, reason }) => (
              <li key={item} className={css.server}>
                <b>{item}</b>: {reason}
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

/** Every running member's copy of the list, side by side; copies that differ from the most common one are marked. */
function Copies() {
  const copies = useStudio(
    (state) => {
      const found: ListCopy[] = [];
      for (const spec of state.specs.values()) {
        const view = state.nodes.get(spec.id);
        if (spec.kind !== 'ring-server' || !view || (view.phase !== 'running' && view.phase !== 'draining'))
          continue;
        const { list = [], contentDigest = '' } = view.snapshot as Partial<RingSnapshot>;
        found.push({ id: spec.id, name: spec.name, list, contentDigest });
      }
      return found;
    },
    (a, b) => JSON.stringify(a) === JSON.stringify(b),
  );
  const { rows, agreed } = compareCopies(copies);
  return (
    <Section
      title="Copies of the list"
      aside={
        <>
          <span className={css.muted}>{agreed ? 'all agree' : 'they disagree'}</span>
          <ExportList name="copies of the list" columns={ringCopyColumns} rows={rows} />
        </>
      }
    >
      <table className={css.candidates}>
        <caption className="unseen">The list of members as each member keeps it</caption>
        <thead>
          <tr>
            <th>Member</th>
            <th>List</th>
            <th>Content</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, name, list, listDiffers, contentDiffers }) => (
            <tr key={id}>
              <td>{name}</td>
              <td className="mono">
                {listDiffers && <IconAlertTriangle size={12} aria-label="Differs" color="var(--bad)" />}{' '}
                {list.map((address) => address.split(':').at(-1)).join(' → ')}
              </td>
              <td>
                {contentDiffers ? (
                  <>
                    <IconAlertTriangle size={12} aria-hidden color="var(--bad)" /> differs
                  </>
                ) : (
                  'same'
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

function Items({ node, snapshot }: { node: string; snapshot: Partial<RingSnapshot> }) {
  const { client } = useStudioParts();
  const { items = 0, bytes = 0, contentDigest = '' } = snapshot;
  const { data = [] } = useQuery({
    queryKey: ['ring-items', node, contentDigest],
    queryFn: async () =>
      (await client.transport.call('nodes.operate', {
        id: node,
        operation: 'items',
      })) as RingOperations['items']['output'],
    enabled: items > 0,
    placeholderData: (old) => old,
  });
  return (
    <Section
      title="Items"
      aside={
        <>
          <span className={css.muted}>
            {formatCount(items, 'item')} · {formatBytes(bytes)}
          </span>
          <ExportList name="items" columns={ringItemColumns} rows={data} />
        </>
      }
    >
      {items === 0 && (
        <EmptyState title="The ring holds nothing yet.">Drop a file on any member to PUT it.</EmptyState>
      )}
      <ul className={css.list}>
        {data.slice(0, 50).map(({ name, version, by, size }) => (
          <li key={name} className={css.server}>
            <div className={css.line}>
              <span className={css.name}>{name}</span>
              <span className={css.spring} />
              <span className={css.muted}>
                version {version} by {by.split(':').at(-1)} · {formatBytes(size)}
              </span>
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}
