/** What the inspector shows while nothing is selected: the workspace, and the way to each of its nodes. */
import { UnstyledButton } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import { manifestOf } from '../../../nodes/manifests';
import { formatCount } from '../../format';
import { useNodeSpec, useNodeState, usePanel, useStudio } from '../../studio-context';
import { EmptyState } from '../../ui/empty-state';
import { KindIcon } from '../../ui/kind-icon';
import { Status } from '../../ui/status';
import css from './inspector.module.css';

export function WorkspaceOverview() {
  const name = useStudio((state) => state.workspace.document.name);
  const specs = useStudio((state) => state.specs);
  const scroller = useRef<HTMLDivElement>(null);
  const ids = useMemo(
    () =>
      [...specs.values()]
        .sort(
          (a, b) =>
            (manifestOf(a.kind)?.tier ?? 0) - (manifestOf(b.kind)?.tier ?? 0) ||
            a.name.localeCompare(b.name, undefined, { numeric: true }),
        )
        .map((spec) => spec.id),
    [specs],
  );
  const virtual = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 34,
    overscan: 6,
  });
  return (
    <>
      <div className={css.head}>
        <div>
          <h2 className={css.heading}>{name}</h2>
          <div className={css.sub}>{formatCount(ids.length, 'node')}</div>
        </div>
      </div>
      {ids.length === 0 ? (
        <EmptyState title="Nothing here yet">
          Add a node, and select it to see its state, files, log and settings here.
        </EmptyState>
      ) : (
        <div ref={scroller} className={css.overview}>
          <ul aria-label="Nodes of the workspace" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => (
              <li key={ids[item.index]} style={{ transform: `translateY(${item.start}px)` }}>
                <NodeLine id={ids[item.index] ?? ''} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

function NodeLine({ id }: { id: string }) {
  const panel = usePanel();
  const spec = useNodeSpec(id);
  const state = useNodeState(id);
  if (!spec) return null;
  return (
    <UnstyledButton className={css.nodeLine} onClick={() => panel.show(id)}>
      <KindIcon kind={spec.kind} size={22} />
      <span className={css.listName}>{spec.name}</span>
      <Status state={state} />
    </UnstyledButton>
  );
}
