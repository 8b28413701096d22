/** A node on the canvas. Renders again only when its own state, figures or selection change. */
import { IconAlertTriangle } from '@tabler/icons-react';
import type { NodeProps } from '@xyflow/react';
import { type DragEvent, memo, useState } from 'react';
import { manifestOf } from '../../../nodes/manifests';
import { nodeBadge } from '../../fault-links';
import { formatRate } from '../../format';
import { dropRefusal } from '../../graph';
import { kindOf } from '../../kinds/kinds';
import { useNodeCommands } from '../../node-actions';
import { isLate, tones } from '../../node-state';
import {
  useNodeSpec,
  useNodeState,
  useNodeView,
  usePanel,
  usePanelState,
  useStudio,
  useStudioParts,
} from '../../studio-context';
import { KindIcon } from '../../ui/kind-icon';
import { Sparkline } from '../../ui/sparkline';
import { StatusGlyph, stateLabels } from '../../ui/status';
import { useNow } from '../../ui/use-now';
import { carriedCount, carriesFiles } from '../../uploads/dropped';
import { Anchors } from './anchors';
import css from './node-card.module.css';

const noActivity: readonly number[] = [];

export const NodeCard = memo(function NodeCard({ id, selected }: NodeProps) {
  const spec = useNodeSpec(id);
  const view = useNodeView(id);
  const state = useNodeState(id);
  const activity = useStudio((state) => state.activity.get(id) ?? noActivity);
  const badge = useStudio((state) => nodeBadge(id, state.faults));
  const panel = usePanel();
  const firstId = useStudio((state) => state.workspace.document.nodes[0]?.id);
  const isTabStop = usePanelState((state) => (state.selection[0] ?? firstId) === id);
  const drop = useFileDrop(id);
  if (!spec) return null;

  const manifest = manifestOf(spec.kind);
  const kindLabel = manifest?.label ?? spec.kind;
  const figures =
    state === 'stopped' || state === 'crashed'
      ? []
      : (kindOf(spec.kind).figures?.(view?.snapshot ?? {}) ?? []);
  const ports = Object.values(view?.ports ?? {});
  const rate = activity.at(-1) ?? 0;

  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is no card; the group names what is in it.
    <div
      role="group"
      data-node={id}
      aria-label={`${spec.name}, ${kindLabel.toLowerCase()}, ${stateLabels[state].toLowerCase()}`}
      aria-description={describe(figures, rate, view?.reason?.message)}
      aria-current={selected || undefined}
      tabIndex={isTabStop ? 0 : -1}
      className={css.card}
      data-state={state}
      data-selected={selected || undefined}
      data-drop={drop.verdict?.kind}
      onFocus={(event) => {
        const { target } = event;
        if (target.matches(':focus-visible') && !panel.get().selection.includes(id)) panel.select([id]);
      }}
      {...drop.handlers}
    >
      <Anchors />
      <div className={css.top}>
        <KindIcon kind={spec.kind} size={30} />
        <div className={css.names}>
          <div className={css.name} title={spec.name}>
            {spec.name}
          </div>
          <div className={css.kind}>{kindLabel}</div>
        </div>
        <div className={`${css.state} tone-${tones[state]}`}>
          <StatusGlyph state={state} />
          <span className={css.stateText}>{stateLabels[state]}</span>
        </div>
      </div>
      <div className={css.bottom}>
        {state === 'crashed' && view?.reason ? (
          <span className={css.reason} title={view.reason.message}>
            {view.reason.message}
          </span>
        ) : view?.waitingFor !== undefined ? (
          <Waiting id={id} />
        ) : (
          <>
            {figures.map(({ label, value }) => (
              <span key={label} className={css.figure}>
                <b>{value}</b> {label}
              </span>
            ))}
            <span className={css.spring} />
            {rate > 0 || activity.length > 1 ? (
              <span className={css.spark} title={`${formatRate(rate)} through this node`}>
                <Sparkline values={activity} width={32} height={14} />
              </span>
            ) : (
              ports.length > 0 && <span className={css.ports}>{ports.slice(0, 2).join(' ')}</span>
            )}
          </>
        )}
      </div>
      {badge && (
        <span className={css.badge}>
          <IconAlertTriangle size={11} aria-hidden="true" /> <span className={css.badgeText}>{badge}</span>
        </span>
      )}
      {drop.verdict && <div className={css.verdict}>{drop.verdict.text}</div>}
    </div>
  );
});

/** What a start, drain or stop waits for, or a node whose turn to be drained has not come; once it is late, the way out. */
function Waiting({ id }: { id: string }) {
  const view = useNodeView(id);
  const state = useNodeState(id);
  const now = useNow(500);
  const commands = useNodeCommands();
  const late = isLate(view, now);
  return (
    <>
      <span className={css.reason} title={view?.waitingFor}>
        {view?.waitingFor ? `Waiting for ${view.waitingFor}` : `${stateLabels[state]}…`}
      </span>
      {late && (
        <button type="button" className={`${css.force} nodrag`} onClick={() => commands.act('kill', [id])}>
          Force stop
        </button>
      )}
    </>
  );
}

function describe(
  figures: readonly { label: string; value: string }[],
  rate: number,
  reason: string | undefined,
): string | undefined {
  const parts = figures.map(({ label, value }) => `${value} ${label}`.trim());
  if (rate > 0) parts.push(formatRate(rate));
  if (reason) parts.push(reason);
  return parts.length > 0 ? parts.join(', ') : undefined;
}

interface Verdict {
  kind: 'accept' | 'refuse';
  text: string;
}

/** Lights up while files hover over the card, and says why when they are not wanted. */
function useFileDrop(id: string) {
  const { store, uploads } = useStudioParts();
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const judge = (transfer: DataTransfer): Verdict => {
    const spec = store.get()?.specs.get(id);
    const refusal = dropRefusal(spec);
    if (refusal) return { kind: 'refuse', text: refusal };
    const count = carriedCount(transfer);
    return { kind: 'accept', text: `Add ${count > 1 ? `${count} items` : 'it'} to ${spec?.name}` };
  };
  return {
    verdict,
    handlers: {
      onDragOver(event: DragEvent) {
        if (!carriesFiles(event.dataTransfer)) return;
        event.preventDefault();
        event.stopPropagation();
        const next = judge(event.dataTransfer);
        event.dataTransfer.dropEffect = next.kind === 'accept' ? 'copy' : 'none';
        if (next.text !== verdict?.text) setVerdict(next);
      },
      onDragLeave(event: DragEvent) {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setVerdict(null);
      },
      onDrop(event: DragEvent) {
        if (!carriesFiles(event.dataTransfer)) return;
        event.preventDefault();
        event.stopPropagation();
        const { kind } = judge(event.dataTransfer);
        setVerdict(null);
        if (kind === 'accept') void uploads.take(event.dataTransfer, id);
      },
    },
  };
}
