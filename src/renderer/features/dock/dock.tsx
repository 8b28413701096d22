/** The bottom of the window. Its panels come from the registry (`registry.tsx`); only the open one exists. */
import { ActionIcon, Tabs, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import type { ComponentType } from 'react';
import { usePanel, usePanelState } from '../../studio-context';
import { ErrorBoundary } from '../../ui/error-boundary';
import css from './dock.module.css';

export interface DockPanel {
  id: string;
  label: string;
  content: ComponentType;
  /** Shown behind the label when above 0. */
  useCount?: () => number;
  /** The count is of things that need attention. */
  alarming?: boolean;
}

export function Dock({ panels }: { panels: readonly DockPanel[] }) {
  const panel = usePanel();
  const open = usePanelState((state) => state.dockOpen);
  const height = usePanelState((state) => state.dockHeight);
  const wanted = usePanelState((state) => state.dockTab);
  const current = panels.find(({ id }) => id === wanted) ?? panels[0];
  if (!current) return null;
  const Content = current.content;
  return (
    <section
      aria-label="Dock"
      className={css.dock}
      style={{ height: open ? height : undefined }}
      data-region="dock"
      tabIndex={-1}
    >
      <Tabs
        value={open ? current.id : null}
        onChange={(tab) => tab && panel.openDock(tab)}
        className={css.tabs ?? ''}
        aria-label="Dock panels"
      >
        <div className={css.bar}>
          <Tabs.List className={css.list ?? ''}>
            {panels.map((one) => (
              <Tabs.Tab key={one.id} value={one.id} onClick={() => panel.openDock(one.id)}>
                {one.label}
                {one.useCount && <Count panel={one} />}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <Tooltip label={open ? 'Fold the dock' : 'Unfold the dock'}>
            <ActionIcon
              size={24}
              aria-label={open ? 'Fold dock' : 'Unfold dock'}
              aria-expanded={open}
              onClick={() => panel.patch({ dockOpen: !open })}
            >
              {open ? <IconChevronDown size={15} /> : <IconChevronUp size={15} />}
            </ActionIcon>
          </Tooltip>
        </div>
        {open && (
          <Tabs.Panel value={current.id} className={css.content ?? ''}>
            <ErrorBoundary part={current.label.toLowerCase()} resetKey={current.id}>
              <Content />
            </ErrorBoundary>
          </Tabs.Panel>
        )}
      </Tabs>
    </section>
  );
}

function Count({ panel }: { panel: DockPanel }) {
  const count = panel.useCount?.() ?? 0;
  if (count === 0) return null;
  return (
    <span className={css.count} data-alarming={panel.alarming || undefined}>
      {count.toLocaleString()}
    </span>
  );
}
