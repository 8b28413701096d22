/** The canvas by keyboard. Single letters act only while a node has the focus. */
import { useReactFlow } from '@xyflow/react';
import type { KeyboardEvent } from 'react';
import { isOutside } from '../../graph';
import { gridStep, neighbour, tierLayout } from '../../layout';
import { nodeActions, useNodeCommands } from '../../node-actions';
import { isPossible, stateIn } from '../../node-state';
import { useStudioParts } from '../../studio-context';
import { useArrange } from './canvas-controls';
import type { Fit } from './fitting';
import { focusInspector } from './focus-inspector';
import type { MenuTarget } from './menus';
import { useLinkKeys } from './use-link-keys';

const directions: Record<string, 'left' | 'right' | 'up' | 'down'> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
};

export function useCanvasKeys(
  onMenu: (target: MenuTarget) => void,
  fitView: Fit,
): (event: KeyboardEvent) => void {
  const { store, panel } = useStudioParts();
  const commands = useNodeCommands();
  const flow = useReactFlow();
  const arrange = useArrange(fitView);
  const onLinkKey = useLinkKeys(onMenu);

  return (event) => {
    const focused = (event.target as HTMLElement).closest<HTMLElement>('[data-node]');
    const state = store.get();
    // Fields and menus inside the canvas have their own keys.
    if (!state || (event.target as HTMLElement).closest('input, textarea, [role="menu"], [role="dialog"]'))
      return;
    if (onLinkKey(event)) return;
    const id = focused?.dataset.node;
    const selection = panel.get().selection;
    const ids = id && !selection.includes(id) ? [id] : selection;
    const direction = directions[event.key];
    const command = event.ctrlKey || event.metaKey;
    const letter = event.key.toLowerCase();

    if (direction && event.shiftKey) {
      const [dx, dy] = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] }[direction] as [
        number,
        number,
      ];
      const step = gridStep * (command ? 8 : 1);
      const moved = ids.flatMap((one) => {
        const position = state.specs.get(one)?.position;
        return position ? [[one, { x: position.x + dx * step, y: position.y + dy * step }] as const] : [];
      });
      if (moved.length > 0) void commands.move(Object.fromEntries(moved));
    } else if (direction) {
      // Also those outside, which are in no document.
      const cards = flow.getNodes();
      const from = cards.find((card) => card.id === (id ?? selection[0]));
      const next = from
        ? neighbour(
            from.position,
            cards.filter((card) => card !== from),
            direction,
          )
        : cards[0]?.id;
      if (next) panel.show(next);
    } else if (command && letter === 'a') panel.select(state.workspace.document.nodes.map((node) => node.id));
    else if (command && letter === 'd') void commands.duplicate(ids);
    else if (event.key === 'Delete' || event.key === 'Backspace') void commands.remove(ids);
    else if (event.key === 'F2' && ids[0] && !isOutside(ids[0]))
      panel.open({ kind: 'rename-node', node: ids[0] });
    else if (event.key === 'Escape') panel.select([]);
    else if (event.key === '+' || event.key === '=') void flow.zoomIn();
    else if (event.key === '-') void flow.zoomOut();
    else if (command || event.altKey) return;
    else if (letter === 'f') fitView();
    else if (letter === 'l') void arrange(tierLayout);
    else if (id && (event.key === 'Enter' || event.key === ' ')) {
      panel.patch({ selection: ids.length > 0 ? ids : [id], selectedLink: null, inspectorOpen: true });
      if (event.key === 'Enter') focusInspector();
    } else if (id && isOutside(id)) return;
    else if (id && (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey))) {
      const box = focused?.getBoundingClientRect();
      panel.select(ids);
      if (box) onMenu({ at: { x: box.left + 20, y: box.bottom }, nodes: ids });
    } else if (id) {
      const action = nodeActions.find(
        (one) => one.key === letter && ids.some((n) => isPossible(one.id, stateIn(state, n))),
      );
      if (!action) return;
      commands.act(action.id, ids);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
}
