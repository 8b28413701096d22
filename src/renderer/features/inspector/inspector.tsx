/** The right side: all about what is selected. Its tabs come from the registry (`registry.tsx`). */
import { ActionIcon, Button, Tabs, Tooltip } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { type ComponentType, useState } from 'react';
import type { NodeManifest } from '../../../contract/manifest';
import { manifestOf } from '../../../nodes/manifests';
import { formatAgo, formatCount, formatSpan } from '../../format';
import { isOutside, outsideAddress } from '../../graph';
import { nodeActions, useNodeCommands } from '../../node-actions';
import { isLate, isPossible, sinceIn, stateIn } from '../../node-state';
import { sameItems } from '../../store';
import {
  useNodeSpec,
  useNodeState,
  useNodeView,
  usePanel,
  usePanelState,
  useStudio,
} from '../../studio-context';
import { EmptyState } from '../../ui/empty-state';
import { ErrorBoundary } from '../../ui/error-boundary';
import { KindIcon } from '../../ui/kind-icon';
import { Status, stateLabels } from '../../ui/status';
import { useNow } from '../../ui/use-now';
import css from './inspector.module.css';
import { LinkInspector } from './link-inspector';
import { WorkspaceOverview } from './workspace-overview';

export interface InspectorTab {
  id: string;
  label: string;
  content: ComponentType<{ node: string }>;
  /** Default: every kind. */
  appliesTo?: (manifest: NodeManifest) => boolean;
  /** Shown behind the label when above 0. */
  useCount?: (node: string) => number;
  /** Marked while it holds edits that were not applied. */
  useHasDraft?: (node: string) => boolean;
}

export interface InspectorProps {
  tabs: readonly InspectorTab[];
  /** Beside what the inspector itself says of a link … */
  linkParts: ComponentType<{ link: string }>;
  /** … and of several nodes. */
  selectionParts: ComponentType<{ nodes: readonly string[] }>;
}

export function Inspector({ tabs, linkParts: LinkParts, selectionParts }: InspectorProps) {
  const panel = usePanel();
  const selection = usePanelState((state) => state.selection);
  const link = usePanelState((state) => state.selectedLink);
  const width = usePanelState((state) => state.inspectorWidth);
  const specs = useStudio((state) => state.specs);
  const nodes = selection.filter((id) => specs.has(id));
  const outside = selection.find(isOutside);
  const [only] = nodes;
  return (
    <aside
      aria-label="Inspector"
      className={css.inspector}
      style={{ width }}
      data-region="inspector"
      tabIndex={-1}
    >
      <Tooltip label="Hide the inspector" position="left">
        <ActionIcon
          className={css.close ?? ''}
          size={24}
          aria-label="Hide inspector"
          onClick={() => panel.patch({ inspectorOpen: false })}
        >
          <IconX size={14} />
        </ActionIcon>
      </Tooltip>
      {link ? (
        <LinkInspector key={link} link={link}>
          <LinkParts link={link} />
        </LinkInspector>
      ) : nodes.length > 1 ? (
        <SeveralNodes ids={nodes} parts={selectionParts} />
      ) : only ? (
        <OneNode key={only} id={only} tabs={tabs} />
      ) : outside ? (
        <EmptyState title={outsideAddress(outside)}>
          A program outside this workspace. It is drawn because a node talks with it or knows of it; it is not
          started, stopped or watched from here.
        </EmptyState>
      ) : (
        <WorkspaceOverview />
      )}
    </aside>
  );
}

function OneNode({ id, tabs }: { id: string; tabs: readonly InspectorTab[] }) {
  const panel = usePanel();
  const spec = useNodeSpec(id);
  const manifest = spec && manifestOf(spec.kind);
  const wanted = usePanelState((state) => state.inspectorTab);
  if (!spec) return null;
  const offered = tabs.filter((tab) => !tab.appliesTo || (manifest && tab.appliesTo(manifest)));
  const current = offered.find((tab) => tab.id === wanted) ?? offered[0];
  if (!current) return null;
  const Content = current.content;
  return (
    <>
      <NodeHead id={id} />
      <Tabs
        value={current.id}
        onChange={(tab) => tab && panel.patch({ inspectorTab: tab })}
        className={css.tabs ?? ''}
        aria-label={`Parts of ${spec.name}`}
      >
        <Tabs.List className={css.tabList ?? ''}>
          {offered.map((tab) => (
            <Tabs.Tab key={tab.id} value={tab.id}>
              {tab.label}
              {tab.useCount && <TabCount useCount={tab.useCount} node={id} />}
              {tab.useHasDraft && <DraftMark useHasDraft={tab.useHasDraft} node={id} />}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={current.id} className={css.content ?? ''}>
          <ErrorBoundary part={current.label.toLowerCase()} resetKey={`${id} ${current.id}`}>
            <Content node={id} />
          </ErrorBoundary>
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function TabCount({ useCount, node }: { useCount: (node: string) => number; node: string }) {
  const count = useCount(node);
  return count > 0 ? <span className={css.count}>{count.toLocaleString()}</span> : null;
}

function DraftMark({ useHasDraft, node }: { useHasDraft: (node: string) => boolean; node: string }) {
  return useHasDraft(node) ? (
    <span className={css.draft} role="img" aria-label="not applied" title="Edited, not applied yet" />
  ) : null;
}

function NodeHead({ id }: { id: string }) {
  const spec = useNodeSpec(id);
  const since = useStudio((studio) => sinceIn(studio, id));
  const state = useNodeState(id);
  const now = useNow(1000);
  if (!spec) return null;
  const manifest = manifestOf(spec.kind);
  const span = since > 0 && state !== 'stopped' ? ` for ${formatSpan(now - since)}` : '';
  return (
    <div className={css.head}>
      <div className={css.title}>
        <KindIcon kind={spec.kind} size={34} />
        <div className={css.names}>
          <NameField id={id} name={spec.name} />
          <div className={css.sub}>
            {manifest?.label ?? spec.kind} <span aria-hidden="true">·</span>{' '}
            <Status state={state} detail={`${stateLabels[state]}${span}`} />
          </div>
        </div>
      </div>
      <Trouble id={id} />
      <Actions ids={[id]} />
    </div>
  );
}

function NameField({ id, name }: { id: string; name: string }) {
  const commands = useNodeCommands();
  const [draft, setDraft] = useState<string | null>(null);
  const commit = (): void => {
    const wanted = draft?.trim();
    setDraft(null);
    if (wanted) void commands.rename(id, wanted);
  };
  return (
    <input
      className={css.name}
      aria-label="Name"
      value={draft ?? name}
      maxLength={64}
      spellCheck={false}
      onChange={(event) => setDraft(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.currentTarget.blur();
        if (event.key === 'Escape') {
          setDraft(null);
          event.stopPropagation();
        }
      }}
    />
  );
}

/** A wait is told of from here on, ms: over sooner, it would only push what is below away from the pointer, and back. */
const BRIEF_WAIT_MS = 1000;

/** Why a node is not as it should be, and the next step. */
function Trouble({ id }: { id: string }) {
  const view = useNodeView(id);
  const state = useNodeState(id);
  const waiting = view?.waitingFor !== undefined;
  const now = useNow(500, waiting);
  const commands = useNodeCommands();
  if (waiting && view) {
    if (now - view.since < BRIEF_WAIT_MS) return null;
    const late = isLate(view, now);
    return (
      <div className={`${css.trouble} ${late ? 'tone-bad' : 'tone-info'}`} role="status">
        <p>
          {`Waiting for ${view.waitingFor}. `}
          {view.deadline !== undefined &&
            (late
              ? `That was to be done ${formatAgo(view.deadline, now)}.`
              : `Up to ${formatSpan(view.deadline - now)} more.`)}
        </p>
        {late && (
          <Button size="compact-sm" color="red" variant="filled" onClick={() => commands.act('kill', [id])}>
            Force stop
          </Button>
        )}
      </div>
    );
  }
  if (state === 'hung')
    return (
      <div className={`${css.trouble} tone-warn`} role="status">
        <p>It keeps its sockets open and answers nothing, until you resume it.</p>
      </div>
    );
  if (!view?.reason || state !== 'crashed') return null;
  return (
    <div className={`${css.trouble} tone-bad`} role="status">
      <p>
        <strong>{view.reason.message}</strong>
        {view.reason.hint && <> {view.reason.hint}</>}
      </p>
      <PortHelp id={id} />
    </div>
  );
}

/** A port that was in use: one click to the form, which names the next free one. */
function PortHelp({ id }: { id: string }) {
  const view = useNodeView(id);
  const panel = usePanel();
  if (view?.reason?.code !== 'EADDRINUSE') return null;
  return (
    <Button size="compact-sm" onClick={() => panel.openInspector('config')}>
      Choose another port
    </Button>
  );
}

function Actions({ ids }: { ids: readonly string[] }) {
  const commands = useNodeCommands();
  const states = useStudio((studio) => ids.map((id) => stateIn(studio, id)), sameItems);
  const offered = nodeActions.filter((action) => states.some((state) => isPossible(action.id, state)));
  return (
    <div className={css.actions} role="toolbar" aria-label="Node actions">
      {offered.map(({ id, label, help, key, icon: Icon, dangerous }, i) => (
        <Tooltip key={id} label={`${help} (${key.toUpperCase()})`}>
          <Button
            size="compact-sm"
            variant={id === 'start' ? 'filled' : 'default'}
            leftSection={<Icon size={14} stroke={1.75} />}
            {...(dangerous ? { c: 'var(--bad)' } : {})}
            className={i > 0 && dangerous ? (css.dangerous ?? '') : ''}
            onClick={() => commands.act(id, ids)}
          >
            {label}
          </Button>
        </Tooltip>
      ))}
    </div>
  );
}

function LiveStatus({ id }: { id: string }) {
  return <Status state={useNodeState(id)} />;
}

function SeveralNodes({
  ids,
  parts: Parts,
}: {
  ids: readonly string[];
  parts: InspectorProps['selectionParts'];
}) {
  const commands = useNodeCommands();
  const specs = useStudio((state) => state.specs);
  return (
    <div className={css.several}>
      <h2 className={css.heading}>{formatCount(ids.length, 'node')} selected</h2>
      <Actions ids={ids} />
      <div className={css.actions}>
        <Button size="compact-sm" onClick={() => void commands.duplicate(ids)}>
          Duplicate
        </Button>
        <Button size="compact-sm" onClick={() => void commands.remove(ids)}>
          Delete
        </Button>
      </div>
      <ul className={css.list}>
        {ids.map((id) => {
          const spec = specs.get(id);
          return spec ? (
            <li key={id}>
              <KindIcon kind={spec.kind} size={20} />
              <span className={css.listName}>{spec.name}</span>
              <LiveStatus id={id} />
            </li>
          ) : null;
        })}
      </ul>
      <Parts nodes={ids} />
    </div>
  );
}
