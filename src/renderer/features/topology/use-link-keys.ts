/** Links by keyboard: one tab stop for all of them, arrows from one to the next. */
import type { KeyboardEvent } from 'react';
import { useStudioParts } from '../../studio-context';
import { focusInspector } from './focus-inspector';
import type { MenuTarget } from './menus';

/** Links have no order on the plane that reaches each of them (two may cross in their middles): they have a list. */
const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** @returns what takes a key on a link and tells whether it did */
export function useLinkKeys(onMenu: (target: MenuTarget) => void): (event: KeyboardEvent) => boolean {
  const { panel } = useStudioParts();

  return (event) => {
    const focused = (event.target as Element).closest<SVGGElement>('[data-link]');
    const link = focused?.dataset.link;
    if (!focused || link === undefined) return false;
    const step = steps[event.key];

    if (step !== undefined) {
      const all = [...event.currentTarget.querySelectorAll<SVGGElement>('[data-link]')];
      const next = all[(all.indexOf(focused) + step + all.length) % all.length];
      panel.patch({ selection: [], selectedLink: next?.dataset.link ?? null });
      next?.focus({ preventScroll: true });
    } else if (event.key === 'Enter' || event.key === ' ') {
      panel.patch({ selection: [], selectedLink: link, inspectorOpen: true });
      if (event.key === 'Enter') focusInspector();
    } else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      const box = focused.getBoundingClientRect();
      panel.patch({ selection: [], selectedLink: link });
      onMenu({ at: { x: box.left + box.width / 2, y: box.top + box.height / 2 }, nodes: [], link });
    }
    // Keys that act on nodes do nothing here, whatever nodes are selected.
    else if (!['Delete', 'Backspace', 'F2'].includes(event.key)) return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
}
