import { usePanelState } from '../../studio-context';

export function useHasDraft(node: string): boolean {
  return usePanelState(({ drafts }) => node in drafts);
}
