/** What is drawn of a card depends on how far out the picture is. */
import { useStore } from '@xyflow/react';

/** Below this zoom, cards show their name and state only, in a size that can be read. */
const farBelow = 0.5;
/** Signs that are drawn so much larger show the name alone. */
const veryFarScale = 3;

/**
 * How much larger than the rest the signs of faults are drawn, so that they are seen at any zoom; in few steps, since
 * each is a new style. Undefined close up.
 */
function farScaleOf(zoom: number): number | undefined {
  return zoom < farBelow ? Math.min(4.5, Math.round(2 / zoom) / 2) : undefined;
}

export function useFar(): { scale: number | undefined; level: 'far' | 'very far' | undefined } {
  const scale = useStore((state) => farScaleOf(state.transform[2]));
  return { scale, level: scale === undefined ? undefined : scale < veryFarScale ? 'far' : 'very far' };
}

export function useIsFar(): boolean {
  return useStore((state) => state.transform[2] < farBelow);
}
