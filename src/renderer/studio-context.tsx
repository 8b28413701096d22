/** How components reach the studio: its state by selectors, its calls with errors shown as toasts. */
import { createContext, useContext, useMemo } from 'react';
import type { CallInput, CallName, CallOutput } from '../contract/calls';
import type { NodeView } from '../contract/events';
import type { NodeSpec } from '../contract/workspace';
import { type NodeState, stateIn } from './node-state';
import { notifyError } from './notify';
import type { PanelState, PanelStore } from './panel-state';
import { type Store, useSelected } from './store';
import type { StudioClient } from './studio-client';
import type { StudioState } from './studio-store';
import type { Uploads } from './uploads/uploads';

export interface Studio {
  client: StudioClient;
  store: Store<StudioState | null>;
  panel: PanelStore;
  uploads: Uploads;
}

const StudioContext = createContext<Studio | null>(null);
export const StudioProvider = StudioContext.Provider;

export function useStudioParts(): Studio {
  const studio = useContext(StudioContext);
  if (!studio) throw new Error('A component of the panel is used outside its provider.');
  return studio;
}

/** A part of the studio's state. Only used below the point where the first snapshot has arrived. */
export function useStudio<Value>(
  select: (state: StudioState) => Value,
  equal?: (a: Value, b: Value) => boolean,
): Value {
  const { store } = useStudioParts();
  return useSelected(store as Store<StudioState>, select, equal);
}

export function usePanel(): PanelStore {
  return useStudioParts().panel;
}

export function usePanelState<Value>(
  select: (state: PanelState) => Value,
  equal?: (a: Value, b: Value) => boolean,
): Value {
  return useSelected(usePanel(), select, equal);
}

export function useNodeView(id: string): NodeView | undefined {
  return useStudio((state) => state.nodes.get(id));
}

export function useNodeState(id: string): NodeState {
  return useStudio((state) => stateIn(state, id));
}

export function useNodeSpec(id: string): NodeSpec | undefined {
  return useStudio((state) => state.specs.get(id));
}

/** A call whose failure is shown as a toast; then it resolves to undefined. */
export type Run = <N extends CallName>(name: N, input: CallInput<N>) => Promise<CallOutput<N> | undefined>;

export function useRun(): Run {
  const { client } = useStudioParts();
  return useMemo(() => runWith(client), [client]);
}

export function runWith(client: StudioClient): Run {
  return async (name, input) => {
    try {
      return await client.transport.call(name, input);
    } catch (error) {
      notifyError(error);
      return undefined;
    }
  };
}
