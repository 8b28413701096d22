/** The middle of the window: the network as a picture or as a table. */
import { SegmentedControl } from '@mantine/core';
import { IconSchema, IconTable } from '@tabler/icons-react';
import { type ReactNode, useEffect, useState } from 'react';
import { graphOf, isOutside } from '../../graph';
import { stateIn } from '../../node-state';
import { sameValues } from '../../store';
import { usePanel, usePanelState, useStudio, useStudioParts } from '../../studio-context';
import { ErrorBoundary } from '../../ui/error-boundary';
import { SearchField } from '../../ui/search-field';
import { StatusGlyph } from '../../ui/status';
import { Canvas } from './canvas';
import { type BreakItems, type MenuTarget, TopologyMenu } from './menus';
import { NodesExport, NodeTable } from './node-table';
import css from './topology.module.css';

export function Topology({
  welcome,
  guide,
  breakItems,
}: {
  /** Shown in place of an empty network. */
  welcome: ReactNode;
  /** Floats over the canvas. */
  guide: ReactNode;
  breakItems: BreakItems;
}) {
  const panel = usePanel();
  const view = usePanelState((state) => state.view);
  const isEmpty = useStudio((state) => state.workspace.document.nodes.length === 0);
  const [menu, setMenu] = useState<MenuTarget | null>(null);
  const [search, setSearch] = useState('');
  useDeselectGone();

  return (
    <section aria-label="Topology" className={css.topology} data-region="topology" tabIndex={-1}>
      <header className={css.bar}>
        <SegmentedControl
          aria-label="View of the topology"
          value={view}
          onChange={(value) => panel.patch({ view: value === 'table' ? 'table' : 'canvas' })}
          data={[
            { value: 'canvas', label: <Choice icon={<IconSchema size={14} />} text="Canvas" /> },
            { value: 'table', label: <Choice icon={<IconTable size={14} />} text="Table" /> },
          ]}
        />
        {view === 'table' && <SearchField label="Search nodes" value={search} onChange={setSearch} />}
        <span className={css.spring} />
        <Counts />
        {view === 'table' && <NodesExport search={search} />}
      </header>
      <div className={css.content}>
        <ErrorBoundary part="topology" resetKey={view}>
          {view === 'table' ? (
            <NodeTable search={search} onMenu={setMenu} />
          ) : (
            <Canvas onMenu={setMenu}>{isEmpty ? welcome : guide}</Canvas>
          )}
        </ErrorBoundary>
      </div>
      {menu && <TopologyMenu target={menu} onClose={() => setMenu(null)} breakItems={breakItems} />}
    </section>
  );
}

function Choice({ icon, text }: { icon: ReactNode; text: string }) {
  return (
    <span className={css.choice}>
      {icon}
      {text}
    </span>
  );
}

function Counts() {
  const counts = useStudio((studio) => {
    const result = { running: 0, crashed: 0, total: studio.specs.size };
    for (const id of studio.specs.keys()) {
      const state = stateIn(studio, id);
      if (state === 'running') result.running += 1;
      if (state === 'crashed') result.crashed += 1;
    }
    return result;
  }, sameValues);
  if (counts.total === 0) return null;
  return (
    <div className={css.counts} role="status">
      <StatusGlyph state={counts.running > 0 ? 'running' : 'stopped'} size={10} />
      {counts.running} of {counts.total} running
      {counts.crashed > 0 && (
        <span className={css.crashed}>
          <StatusGlyph state="crashed" size={10} /> {counts.crashed} crashed
        </span>
      )}
    </div>
  );
}

/**
 * What is there no more is not selected any more: the keyboard comes into the picture by the first selected node. A
 * node that was just made may be selected before it is heard of.
 */
function useDeselectGone(): void {
  const { store, panel } = useStudioParts();
  useEffect(() => {
    const seen = new Set<string>();
    return store.subscribe(() => {
      const state = store.get();
      const { selection } = panel.get();
      if (!state || selection.length === 0) return;
      const outside = selection.some(isOutside) ? graphOf(state).outside.map(({ id }) => id) : [];
      const left = selection.filter((id) => {
        if (!state.specs.has(id) && !outside.includes(id)) return !seen.delete(id);
        seen.add(id);
        return true;
      });
      if (left.length < selection.length) panel.select(left);
    });
  }, [store, panel]);
}
