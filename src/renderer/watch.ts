/** What the person looks at, so that the core sends nothing else. */
import type { StudioTransport } from '../contract/calls';
import type { PanelState } from './panel-state';

export interface Watch {
  visible: boolean;
  logs: string[];
  messages: string[];
}

/**
 * Tells the core what is looked at, now and whenever it is connected again: a new session watches nothing, however
 * short the interruption was.
 * @returns what ends it
 */
export function tellWatch(transport: StudioTransport, watch: Watch): () => void {
  return transport.onConnection((state) => {
    if (state === 'connected') transport.call('studio.watch', watch).catch(() => undefined);
  });
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
