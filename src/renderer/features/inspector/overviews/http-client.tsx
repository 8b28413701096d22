import type { FetchView, HttpClientSnapshot } from '../../../../nodes/http-client/manifest';
import { formatBytes, formatTime } from '../../../format';
import type { Tone } from '../../../node-state';
import { useNodeState, useNodeView } from '../../../studio-context';
import { Fact, Facts } from '../../../ui/facts';
import { DownloadsSection } from './downloads-section';
import { NodeAtAddress } from './node-at-address';
import css from './server-list.module.css';
import { ServerStatusText } from './server-name';

const tones: Record<FetchView['phase'], Tone> = { running: 'info', done: 'good', failed: 'bad' };

export function HttpClientOverview({ node }: { node: string }) {
  const snapshot = (useNodeView(node)?.snapshot ?? {}) as Partial<HttpClientSnapshot>;
  const running = useNodeState(node) === 'running';
  return (
    <DownloadsSection
      node={node}
      counts={snapshot}
      empty={running ? 'This client has downloaded nothing yet.' : 'Not running.'}
    >
      {(snapshot.recent ?? []).map((fetch) => (
        <Fetch key={`${fetch.at} ${fetch.name}`} fetch={fetch} />
      ))}
    </DownloadsSection>
  );
}

function Fetch({ fetch }: { fetch: FetchView }) {
  const { name, phase, at, bytes, sources, replies, verified, sha256, error } = fetch;
  return (
    <li className={css.server}>
      <div className={css.line}>
        <span className={`${css.name} mono`} title={name}>
          {name}
        </span>
        <span className={css.spring} />
        <ServerStatusText status={phase} tone={tones[phase]} />
        <span className={css.muted}>{formatTime(at)}</span>
      </div>
      <ol className={css.steps} aria-label={`Replies on the way to ${name}`}>
        {replies.map((reply, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list only grows.
          <Reply key={index} reply={reply} />
        ))}
      </ol>
      <Facts>
        <Fact label="Received">
          {formatBytes(bytes)}
          {sources.length > 1 && ` from ${sources.length} servers`}
        </Fact>
        {sources.map((source) => (
          <Fact key={source.address} label="From">
            <NodeAtAddress address={source.address} />
            {sources.length > 1 && ` ${formatBytes(source.bytes)}`}
          </Fact>
        ))}
        {verified && <Fact label="Verified">{verified}</Fact>}
        {sha256 && (
          <Fact label="SHA-256">
            <span className="mono" title={sha256}>
              {sha256.slice(0, 16)}…
            </span>
          </Fact>
        )}
        {error && <Fact label="Failed">{error}</Fact>}
      </Facts>
    </li>
  );
}

/** Who answered what, where it led, and what caches on the way did. */
function Reply({ reply }: { reply: FetchView['replies'][number] }) {
  const { url, by, status, location, cacheStatus } = reply;
  return (
    <li>
      <div className={css.line}>
        <NodeAtAddress address={by} />
        <span>answered {status}</span>
        {location && <span className={css.muted}>redirected</span>}
      </div>
      <div className={`${css.muted} ${css.wrapped} mono`}>{url}</div>
      {location && <div className={`${css.muted} ${css.wrapped} mono`}>→ {location}</div>}
      {cacheStatus && (
        <div className={`${css.muted} ${css.wrapped} mono`} title="Cache-Status (RFC 9211)">
          {cacheStatus}
        </div>
      )}
    </li>
  );
}
