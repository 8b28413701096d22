import type { ContentSnapshot } from '../../../../nodes/content-server/manifest';
import { formatBytes, formatCount } from '../../../format';
import type { Tone } from '../../../node-state';
import { useNodeState, useNodeView } from '../../../studio-context';
import { Fact, Facts, Section } from '../../../ui/facts';
import css from './server-list.module.css';
import { ServerStatusText } from './server-name';

const indexStates: Record<ContentSnapshot['index'], { text: string; tone: Tone }> = {
  none: { text: 'none', tone: 'idle' },
  registering: { text: 'registering', tone: 'info' },
  registered: { text: 'registered', tone: 'good' },
  unreachable: { text: 'cannot be reached', tone: 'bad' },
  refused: { text: 'refused', tone: 'bad' },
};

export function ContentServerOverview({ node }: { node: string }) {
  const view = useNodeView(node);
  const running = useNodeState(node) === 'running';
  const snapshot = (view?.snapshot ?? {}) as Partial<ContentSnapshot>;
  if (snapshot.files === undefined) return null;
  const { serverId, load = 0, files, bytes = 0, index = 'none', indexDetail, heldBack = [] } = snapshot;
  return (
    <>
      <Section title="Content">
        <Facts>
          <Fact label="Server id">{serverId}</Fact>
          <Fact label="Files">
            {formatCount(files, 'file')}, {formatBytes(bytes)}
          </Fact>
          <Fact label="Load">{formatCount(load, 'client')} now</Fact>
          <Fact label="Index">
            {running ? (
              <ServerStatusText status={indexStates[index].text} tone={indexStates[index].tone} />
            ) : (
              '–'
            )}
            {running && indexDetail && <div className={css.muted}>{indexDetail}</div>}
          </Fact>
          <Fact label="Monitor">
            {snapshot.monitor === 'sending'
              ? `${formatCount(snapshot.heartbeats ?? 0, 'heartbeat')} sent`
              : 'none'}
          </Fact>
        </Facts>
      </Section>
      {heldBack.length > 0 && (
        <Section title="Not announced as they are">
          <ul className={css.list}>
            {heldBack.slice(0, 50).map(({ name, reason }) => (
              <li key={name} className={css.server}>
                <div className={css.file}>{name}</div>
                <div className={css.muted}>{reason}</div>
              </li>
            ))}
          </ul>
          {heldBack.length > 50 && <p className={css.muted}>and {heldBack.length - 50} more</p>}
        </Section>
      )}
    </>
  );
}
