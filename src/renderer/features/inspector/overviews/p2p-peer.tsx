import { Button, Group } from '@mantine/core';
import { IconDownload, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type {
  P2pPeerSnapshot,
  PeerDownload,
  PeerSource,
  PeerUpload,
} from '../../../../nodes/p2p-peer/manifest';
import { formatBytes, formatCount, formatPercent, formatRate } from '../../../format';
import type { Tone } from '../../../node-state';
import { useNodeState, useNodeView, usePanel, useRun } from '../../../studio-context';
import { EmptyState } from '../../../ui/empty-state';
import { ExportList } from '../../../ui/export-button';
import { Fact, Facts, Section } from '../../../ui/facts';
import { peerSourceColumns, peerUploadColumns } from './exported-lists';
import { NodeAtAddress } from './node-at-address';
import { PieceMap, SourceSwatch } from './piece-map';
import { RateLimit } from './rate-limit';
import css from './server-list.module.css';
import { ServerStatusText } from './server-name';

const indexTexts: Record<P2pPeerSnapshot['index'], string> = {
  none: 'none',
  connecting: 'connecting',
  connected: 'connected, not registered',
  registered: 'registered',
  unreachable: 'cannot be reached',
  refused: 'refuses this peer',
};
const indexTones: Record<P2pPeerSnapshot['index'], Tone> = {
  none: 'idle',
  connecting: 'info',
  connected: 'warn',
  registered: 'good',
  unreachable: 'bad',
  refused: 'bad',
};
const sourceTones: Record<PeerSource['state'], Tone> = {
  active: 'good',
  choked: 'warn',
  stalled: 'warn',
  connecting: 'info',
  reserve: 'idle',
  lost: 'bad',
  banned: 'bad',
};
const phases: Record<PeerDownload['phase'], string> = {
  waiting: 'asking for peers',
  running: 'downloading',
  paused: 'paused',
  verifying: 'verifying',
};

export function P2pPeerOverview({ node }: { node: string }) {
  const panel = usePanel();
  const run = useRun();
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<P2pPeerSnapshot>;
  const { index = 'none', indexDetail, dialect, files = 0, bytes = 0, hashing = 0 } = snapshot;
  const { heldBack = [], uploads = [], uploadLimit = 0, downloads = [] } = snapshot;
  const running = useNodeState(node) === 'running';
  const operate = (operation: string, input?: unknown): void => {
    void run('nodes.operate', { id: node, operation, input });
  };
  return (
    <>
      <Section
        title="Sharing"
        aside={
          <Group gap={6}>
            <Button
              size="compact-sm"
              variant="default"
              disabled={!running}
              onClick={() => operate(index === 'registered' ? 'unregister' : 'register')}
            >
              {index === 'registered' ? 'Unregister' : 'Register'}
            </Button>
            <Button
              size="compact-sm"
              leftSection={<IconDownload size={14} />}
              onClick={() => panel.open({ kind: 'download', client: node })}
            >
              Download…
            </Button>
          </Group>
        }
      >
        <Facts>
          <Fact label="Index">
            <ServerStatusText status={indexTexts[index]} tone={indexTones[index]} />
            {indexDetail && <div className={css.muted}>{indexDetail}</div>}
          </Fact>
          {dialect && (
            <Fact label="Dialect">
              {dialect === 'frames' ? 'our own frames' : 'the plain protocol of the seed'}
            </Fact>
          )}
          <Fact label="Files">
            {formatCount(files, 'file')}, {formatBytes(bytes)}
            {hashing > 0 && `; ${hashing} still to be hashed`}
          </Fact>
          {heldBack.length > 0 && (
            <Fact label="Held back">
              {heldBack.slice(0, 5).map(({ name, reason }) => (
                <div key={name}>
                  {name}: {reason}
                </div>
              ))}
              {heldBack.length > 5 && `and ${heldBack.length - 5} more`}
            </Fact>
          )}
        </Facts>
      </Section>
      {downloads.map((download) => (
        <Download key={download.name} download={download} operate={operate} />
      ))}
      <Uploads
        uploads={uploads}
        limit={
          <RateLimit
            label="Limit of all uploads"
            bytesPerSecond={uploadLimit}
            disabled={!running}
            onChange={(bytesPerSecond) => operate('setUploadLimit', { bytesPerSecond })}
          />
        }
      />
    </>
  );
}

function Download({
  download,
  operate,
}: {
  download: PeerDownload;
  operate: (operation: string, input: unknown) => void;
}) {
  const { name, phase, bytes, size, bytesPerSecond, wasted, limit, priority, sources, pieces } = download;
  const paused = phase === 'paused';
  return (
    <Section
      title={name}
      aside={
        pieces.count > 0 && (
          <Group gap={6} wrap="nowrap">
            <RateLimit
              label={`Limit of the download of ${name}`}
              bytesPerSecond={limit}
              onChange={(next) => operate('control', { name, limit: next })}
            />
            <Button
              size="compact-sm"
              variant="default"
              leftSection={paused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
              onClick={() => operate('control', { name, paused: !paused })}
            >
              {paused ? 'Go on' : 'Pause'}
            </Button>
            <ExportList name={`sources of ${name}`} columns={peerSourceColumns} rows={sources} />
          </Group>
        )
      }
    >
      <p className={css.muted} style={{ margin: 0 }}>
        {phases[phase]} · {formatBytes(bytes)}
        {size > 0 && ` of ${formatBytes(size)} (${formatPercent(bytes, size)})`} ·{' '}
        {formatRate(bytesPerSecond)}
        {limit > 0 && ` of at most ${formatRate(limit)}`}
        {priority !== 'normal' && ` · ${priority} priority`}
        {wasted > 0 && ` · ${formatBytes(wasted)} came twice or was wrong`}
      </p>
      {phase !== 'verifying' && bytes < size && pieces.count > 0 && (
        <p className={css.muted} style={{ margin: 0 }}>
          {availabilityText(pieces)}
        </p>
      )}
      <PieceMap pieces={pieces} sources={sources} size={size} bytes={bytes} />
      <ul className={css.list} aria-label={`Sources of ${name}`}>
        {sources.map((source, at) => (
          <li key={source.id} className={css.server}>
            <div className={css.line}>
              <SourceSwatch index={at} />
              <NodeAtAddress address={source.address} />
              <ServerStatusText status={source.state} tone={sourceTones[source.state]} />
              <span className={css.spring} />
              <span className={css.muted}>
                {formatBytes(source.bytes)} · {formatRate(source.bytesPerSecond)}
              </span>
            </div>
            <div className={css.muted}>
              {isGone(source) ? source.note : [source.why, source.note].filter(Boolean).join('; ')}
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** How far the sources that are there now can bring the download. */
function availabilityText({ from, availability }: PeerDownload['pieces']): string {
  const missing = availability.filter((_, at) => from[at] === -1);
  if (missing.length === 0) return 'Everything is there or on its way.';
  const rarest = Math.min(...missing);
  return rarest === 0
    ? 'Nobody who is there now has all that is missing.'
    : `The rarest missing piece is held by ${formatCount(rarest, 'source')}.`;
}

function isGone({ state }: PeerSource): boolean {
  return state === 'lost' || state === 'banned';
}

function Uploads({ uploads, limit }: { uploads: readonly PeerUpload[]; limit: ReactNode }) {
  return (
    <Section
      title="Uploads"
      aside={
        <Group gap={6} wrap="nowrap">
          {limit}
          <ExportList name="uploads" columns={peerUploadColumns} rows={uploads} />
        </Group>
      }
    >
      {uploads.length === 0 && <EmptyState title="Nobody downloads from this peer." />}
      <ul className={css.list}>
        {uploads.map((upload) => (
          <li key={`${upload.address} ${upload.file}`} className={css.server}>
            <div className={css.line}>
              <span className={css.file}>{upload.file}</span>
              <ServerStatusText
                status={upload.choked ? 'waits for a slot' : 'sending'}
                tone={upload.choked ? 'idle' : 'good'}
              />
              <span className={css.spring} />
              <span className={css.muted}>
                {formatBytes(upload.bytes)} · {formatRate(upload.bytesPerSecond)}
              </span>
            </div>
            <div className={css.line}>
              <span className={css.muted}>to</span>
              <NodeAtAddress address={upload.address} />
            </div>
          </li>
        ))}
      </ul>
    </Section>
  );
}
