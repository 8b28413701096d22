/** A node on the canvas. Renders again only when its own state, figures or selection change. */
import { IconAlertTriangle } from '@tabler/icons-react';
import type { NodeProps } from '@xyflow/react';
import { type DragEvent, Fragment, memo, type ReactNode, useState } from 'react';
import { manifestOf } from '../../../nodes/manifests';
import { nodeBadge } from '../../fault-links';
import { formatRate } from '../../format';
import { dropRefusal } from '../../graph';
import { type Figure, kindOf } from '../../kinds/kinds';
import { useNodeCommands } from '../../node-actions';
import { isAlive, isLate, stateIn, tones } from '../../node-state';
import { sameItems } from '../../store';
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
import { useIsFar } from './far';
import css from './node-card.module.css';

const noActivity: readonly number[] = [];
const noFigures: readonly Figure[] = [];

export const NodeCard = memo(function NodeCard({ id, selected }: NodeProps) {
  const spec = useNodeSpec(id);
  const state = useNodeState(id);
  const figures = useFigures(id);
  const reason = useStudio((studio) => studio.nodes.get(id)?.reason?.message);
  const isFar = useIsFar();
  const badge = useStudio((state) => nodeBadge(id, state.faults));
  const panel = usePanel();
  const firstId = useStudio((state) => state.workspace.document.nodes[0]?.id);
  const isTabStop = usePanelState((state) => (state.selection[0] ?? firstId) === id);
  const drop = useFileDrop(id);
  if (!spec) return null;

  const manifest = manifestOf(spec.kind);
  const kindLabel = manifest?.label ?? spec.kind;

  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is no card; the group names what is in it.
    <div
      role="group"
      data-node={id}
      aria-label={`${spec.name}, ${kindLabel.toLowerCase()}, ${stateLabels[state].toLowerCase()}`}
      aria-description={describe(figures, reason)}
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
            {words(spec.name).map((word, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: words have no other identity than their place.
              <Fragment key={at}>
                {at > 0 && <wbr />}
                {word}
              </Fragment>
            ))}
          </div>
          <div className={css.kind}>{kindLabel}</div>
        </div>
        <div className={`${css.state} tone-${tones[state]}`}>
          <StatusGlyph state={state} />
          <span className={css.stateText}>{stateLabels[state]}</span>
        </div>
      </div>
      {!isFar && <Bottom id={id} figures={figures} />}
      {badge && (
        <span className={css.badge}>
          <IconAlertTriangle size={11} aria-hidden="true" /> <span className={css.badgeText}>{badge}</span>
        </span>
      )}
      {drop.verdict && <div className={css.verdict}>{drop.verdict.text}</div>}
    </div>
  );
});

/** 'RingClient1' as 'Ring' and 'Client1': where a long name may go on in a second line. */
function words(name: string): string[] {
  return name.split(/(?<=\p{Ll})(?=\p{Lu})/u);
}

/** Far out nobody sees it, and it is what changes most. */
function Bottom({ id, figures }: { id: string; figures: readonly Figure[] }) {
  const state = useNodeState(id);
  const reason = useStudio((studio) => studio.nodes.get(id)?.reason?.message);
  const isWaiting = useStudio((studio) => studio.nodes.get(id)?.waitingFor !== undefined);
  const ports = useStudio((studio) => Object.values(studio.nodes.get(id)?.ports ?? {}), sameItems);
  return (
    <div className={css.bottom}>
      {state === 'crashed' && reason ? (
        <span className={css.reason} title={reason}>
          {reason}
        </span>
      ) : isWaiting ? (
        <Waiting id={id} />
      ) : (
        <>
          {figures.map(({ label, value }) => (
            <span key={label} className={css.figure}>
              <b>{value}</b> {label}
            </span>
          ))}
          <span className={css.spring} />
          <Activity id={id}>
            {ports.length > 0 && (
              <span className={css.ports} title={ports.join(' ')}>
                {[...new Set(ports)].slice(0, 2).map((port) => (
                  <span key={port}>{port}</span>
                ))}
              </span>
            )}
          </Activity>
        </>
      )}
    </div>
  );
}

/** The last bytes through the node, or what stands there until any have passed. */
function Activity({ id, children }: { id: string; children: ReactNode }) {
  const activity = useStudio((state) => state.activity.get(id) ?? noActivity);
  const rate = activity.at(-1) ?? 0;
  if (rate === 0 && activity.length <= 1) return children;
  return (
    <span className={css.spark} title={`${formatRate(rate)} through this node`}>
      <Sparkline values={activity} width={32} height={14} />
    </span>
  );
}

/** They stay the same object while they say the same: counters change with every message. */
function useFigures(id: string): readonly Figure[] {
  return useStudio((studio) => {
    const spec = studio.specs.get(id);
    const view = studio.nodes.get(id);
    if (!spec || !view || !isAlive(stateIn(studio, id))) return noFigures;
    return figuresOf(spec.kind, view.snapshot);
  }, sameFigures);
}

const figuresBySnapshot = new WeakMap<object, readonly Figure[]>();

/** Formatting numbers takes long, and most changes of the state are those of other nodes. */
function figuresOf(kind: string, snapshot: Record<string, unknown>): readonly Figure[] {
  let figures = figuresBySnapshot.get(snapshot);
  if (!figures) {
    figures = kindOf(kind).figures?.(snapshot) ?? noFigures;
    figuresBySnapshot.set(snapshot, figures);
  }
  return figures;
}

function sameFigures(a: readonly Figure[], b: readonly Figure[]): boolean {
  return (
    a === b ||
    (a.length === b.length &&
      a.every(({ label, value }, i) => label === b[i]?.label && value === b[i]?.value))
  );
}

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

function describe(figures: readonly Figure[], reason: string | undefined): string | undefined {
  const parts = figures.map(({ label, value }) => `${value} ${label}`.trim());
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
