/** Every download, as it happens and as it ended. */
import { Anchor, Button, Tooltip } from '@mantine/core';
import { IconCircleCheck, IconCircleX, IconCloudDownload, IconDownload } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useMemo, useRef, useState } from 'react';
import type { TransferView } from '../../../contract/events';
import { manifestOf } from '../../../nodes/manifests';
import { formatBytes, formatPercent, formatRate, formatSpan, remainingMs } from '../../format';
import { nameOf } from '../../graph';
import { usePanel, useRun, useStudio } from '../../studio-context';
import type { MenuPoint } from '../../ui/context-menu';
import { DockBar } from '../../ui/dock-bar';
import { EmptyState } from '../../ui/empty-state';
import { asCsv, ExportButton } from '../../ui/export-button';
import { segmentsOf, sourceIndex } from './segments';
import { isEnded, TransferButtons, TransferMenu } from './transfer-actions';
import { transferColumns } from './transfer-columns';
import css from './transfers.module.css';

export function Transfers() {
  const panel = usePanel();
  const run = useRun();
  const transfers = useStudio((state) => state.transfers);
  const specs = useStudio((state) => state.specs);
  const ids = useMemo(() => [...transfers.keys()].reverse(), [transfers]);
  const ended = useMemo(() => [...transfers.values()].filter(isEnded).length, [transfers]);
  const [menu, setMenu] = useState<{ id: string; at: MenuPoint } | null>(null);
  const menuOf = menu && transfers.get(menu.id);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 66,
    overscan: 6,
    getItemKey: (index) => ids[index] ?? index,
  });

  return (
    <>
      <DockBar>
        <Button leftSection={<IconDownload size={14} />} onClick={() => panel.open({ kind: 'download' })}>
          Download…
        </Button>
        <span>{ids.length - ended > 0 && `${ids.length - ended} active`}</span>
        <span style={{ flex: 1 }} />
        <ExportButton
          what="the transfers"
          disabled={ids.length === 0}
          formats={[asCsv('transfers', transferColumns(specs), () => [...transfers.values()])]}
        />
        {ended > 0 && <Button onClick={() => void run('transfers.clear', {})}>Clear finished</Button>}
      </DockBar>
      {ids.length === 0 ? (
        <EmptyState icon={<IconCloudDownload size={28} stroke={1.25} />} title="No downloads yet.">
          A client asks the index for a server and fetches the file from there.
        </EmptyState>
      ) : (
        <div ref={scroller} className={css.scroller}>
          <ul aria-label="Transfers" className={css.list} style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const transfer = transfers.get(ids[item.index] ?? '');
              return transfer ? (
                <li
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  className={css.item}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <TransferRow transfer={transfer} onMenu={setMenu} />
                </li>
              ) : null;
            })}
          </ul>
        </div>
      )}
      {menuOf && <TransferMenu transfer={menuOf} at={menu.at} onClose={() => setMenu(null)} />}
    </>
  );
}

const tones: Record<TransferView['phase'], string> = {
  waiting: 'idle',
  running: 'info',
  paused: 'warn',
  verifying: 'accent',
  done: 'good',
  failed: 'bad',
  cancelled: 'idle',
};

interface TransferRowProps {
  transfer: TransferView;
  onMenu: (menu: { id: string; at: MenuPoint }) => void;
}

const TransferRow = memo(function TransferRow({ transfer, onMenu }: TransferRowProps) {
  const specs = useStudio((state) => state.specs);
  const panel = usePanel();
  const { id, name, phase, priority = 'normal', bytes, size, source, marks } = transfer;
  const client = nameOf(transfer.client, specs);
  const others = new Set(transfer.segments.map((segment) => segment.source)).size - 1;
  return (
    <article
      className={css.transfer}
      aria-label={`${name}, ${phase}`}
      data-phase={phase}
      onContextMenu={(event) => {
        event.preventDefault();
        onMenu({ id, at: { x: event.clientX, y: event.clientY } });
      }}
    >
      <div className={css.line}>
        <span className={css.name} title={name}>
          {name}
        </span>
        <span className={css.muted}>
          to{' '}
          <Anchor
            component="button"
            type="button"
            inherit
            c="inherit"
            onClick={() => panel.show(transfer.client)}
          >
            {client}
          </Anchor>
          {source && (
            <>
              {' '}
              from <SourceName source={source} />
              {others > 0 && ` and ${others} more`}
              <Why transfer={transfer} />
            </>
          )}
        </span>
        <span className={css.spring} />
        <TransferButtons transfer={transfer} onMenu={(at) => onMenu({ id, at })} />
      </div>
      <Bar transfer={transfer} />
      <div className={css.line}>
        <span className={`${css.phase} tone-${tones[phase]}`}>
          {phase === 'done' && <IconCircleCheck size={14} aria-hidden="true" />}
          {phase === 'failed' && <IconCircleX size={14} aria-hidden="true" />}
          {phaseText(transfer)}
        </span>
        <span className={css.figures}>
          {size === undefined
            ? formatBytes(bytes)
            : phase === 'done'
              ? formatBytes(size)
              : `${formatBytes(bytes)} of ${formatBytes(size)}`}
        </span>
        {priority !== 'normal' && !isEnded(transfer) && (
          <span className={css.muted}>{priority} priority</span>
        )}
        <Detail transfer={transfer} />
        {marks.length > 0 && (
          <Tooltip label={marks.map((mark) => mark.text).join('; ')}>
            <span className={css.muted}>{marks.at(-1)?.text}</span>
          </Tooltip>
        )}
      </div>
    </article>
  );
});

function SourceName({ source }: { source: NonNullable<TransferView['source']> }) {
  const panel = usePanel();
  const { node } = source;
  // A peer has no name but its address; the node that it is has one.
  const name = useStudio((state) =>
    node && source.serverId === source.address ? nameOf(node, state.specs) : source.serverId,
  );
  return node ? (
    <Anchor component="button" type="button" inherit c="inherit" onClick={() => panel.show(node)}>
      {name}
    </Anchor>
  ) : (
    <span title={source.address}>{name}</span>
  );
}

/** Leads to who decided: the index that was asked for a server, or the client, where that chooses itself. */
function Why({ transfer }: { transfer: TransferView }) {
  const panel = usePanel();
  const decider = useStudio((state) => {
    const spec = state.specs.get(transfer.client);
    const field = spec && manifestOf(spec.kind)?.fields.index;
    if (field?.control !== 'link') return undefined;
    if (field.role !== 'lookup') return transfer.client;
    const link = spec?.config.index;
    return link && typeof link === 'object' && 'node' in link ? String(link.node) : undefined;
  });
  if (!decider) return null;
  return (
    <Anchor
      component="button"
      type="button"
      inherit
      className={css.why ?? ''}
      aria-label={`Why this server? ${transfer.name}`}
      onClick={() => {
        const { name: fileName, startedAt: at, source } = transfer;
        panel.show(decider);
        panel.openInspector('overview');
        panel.patch({
          lookup: { index: decider, fileName, at, ...(source && { serverId: source.serverId }) },
        });
      }}
    >
      why?
    </Anchor>
  );
}

function phaseText(transfer: TransferView): string {
  const { phase, bytes, size } = transfer;
  switch (phase) {
    case 'waiting':
      return 'Asking the index';
    case 'running':
      return size === undefined ? 'Downloading' : formatPercent(bytes, size);
    case 'paused':
      return 'Paused';
    case 'verifying':
      return 'Verifying';
    case 'done':
      return transfer.verified ? `Done, ${transfer.verified} verified` : 'Done';
    case 'failed':
      return 'Failed';
    case 'cancelled':
      return 'Cancelled';
  }
}

function Detail({ transfer }: { transfer: TransferView }) {
  const { phase, bytes, size, bytesPerSecond, startedAt, endedAt, savedTo, error } = transfer;
  if (phase === 'running') {
    const left = remainingMs(bytes, size, bytesPerSecond);
    return (
      <span className={css.figures}>
        {formatRate(bytesPerSecond)}
        {left !== undefined && ` · ${formatSpan(left)} left`}
      </span>
    );
  }
  if (phase === 'done')
    return (
      <span className={css.saved} title={savedTo}>
        {endedAt !== undefined && `in ${formatSpan(endedAt - startedAt)}`}
        {savedTo && ` · saved to ${savedTo}`}
      </span>
    );
  if (error)
    return (
      <span className={css.error} title={error.hint}>
        {error.message} {error.hint}
      </span>
    );
  return null;
}

/** The bytes by the source they came from, with a mark wherever something went otherwise. */
function Bar({ transfer }: { transfer: TransferView }) {
  const { bytes, size, phase, marks, name } = transfer;
  const total = size ?? 0;
  const segments = segmentsOf(transfer);
  const sources = sourceIndex(transfer.segments);
  const percent = total > 0 ? (bytes / total) * 100 : phase === 'done' ? 100 : 0;
  return (
    <div
      className={css.bar}
      role="progressbar"
      aria-label={`Progress of ${name}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(percent)}
      aria-valuetext={phaseText(transfer)}
      data-phase={phase}
    >
      <div className={css.track}>
        {segments.map(({ source, share, at }) => (
          <Tooltip key={at} label={`${source}: ${formatBytes(share * total)}`}>
            <div
              className={css.segment}
              style={{ width: `${share * 100}%`, background: `var(--source-${sources.get(source) ?? 0})` }}
            />
          </Tooltip>
        ))}
      </div>
      {total > 0 &&
        marks.map((mark) => (
          <Tooltip key={`${mark.at} ${mark.text}`} label={mark.text}>
            <span className={css.mark} style={{ left: `${(mark.bytes / total) * 100}%` }} />
          </Tooltip>
        ))}
    </div>
  );
}

export function useActiveTransfers(): number {
  return useStudio((state) => {
    let active = 0;
    for (const transfer of state.transfers.values()) if (!isEnded(transfer)) active += 1;
    return active;
  });
}
