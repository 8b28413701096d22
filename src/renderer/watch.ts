/** What the person looks at, so that the core sends nothing else. Pure. */
import type { PanelState } from './panel-state';

export interface Watch {
  visible: boolean;
  logs: string[];
  messages: string[];
}

/** What the open parts of the panel look at: nothing else is sent by the core. */
export function watchOf(panel: PanelState, nodes: readonly string[], visible: boolean): Watch {
  const { inspectorOpen, inspectorTab, selection, dockOpen, dockTab, messageNodes } = panel;
  const inspected =
    inspectorOpen && selection.length === 1 ? selection.filter((id) => nodes.includes(id)) : [];
  const messages = new Set(inspectorTab === 'messages' ? inspected : []);
  if (dockOpen && dockTab === 'messages')
    for (const id of messageNodes.length > 0 ? messageNodes : nodes) messages.add(id);
  return {
    visible,
    logs: visible && inspectorTab === 'logs' ? inspected : [],
    messages: visible ? [...messages] : [],
  };
}
