import { useEffect, useState } from 'react';
import type { Store } from '../../store';
import { useStudioParts } from '../../studio-context';
import type { StudioState } from '../../studio-store';
import { type Sample, sampleBetween } from './sample';

const intervalMs = 1000;
/** Ten minutes; what is older is forgotten. */
const mostSamples = 600;

interface Past {
  samples: readonly Sample[];
  /** The end of the last sample, and when that was, by `performance.now()`. */
  state: StudioState | null;
  at: number;
}

/** Outlives the component: whoever turns to another tab and back finds the charts as they were left. */
const pasts = new WeakMap<Store<StudioState | null>, Past>();

/**
 * One sample a second for as long as the component that uses it is drawn and the page is seen: nothing is worked
 * out for charts at which nobody looks. The first sample after that covers all the time in between.
 */
export function useHistory(): readonly Sample[] {
  const { store } = useStudioParts();
  const [samples, setSamples] = useState<readonly Sample[]>(() => pasts.get(store)?.samples ?? []);
  useEffect(() => {
    const takeSample = (): void => {
      const state = store.get();
      if (document.hidden || !state) return;
      const past = nextOf(pasts.get(store), state, performance.now());
      pasts.set(store, past);
      setSamples(past.samples);
    };
    takeSample();
    const timer = setInterval(takeSample, intervalMs);
    return () => clearInterval(timer);
  }, [store]);
  return samples;
}

function nextOf(past: Past | undefined, state: StudioState, at: number): Past {
  const before = past?.state;
  // Another workspace has a past of its own.
  if (!before || before.workspace.path !== state.workspace.path) return { samples: [], state, at };
  const seconds = (at - past.at) / 1000;
  // The panel was drawn twice within a moment.
  if (seconds < 0.1) return past;
  const sample = sampleBetween(before, state, seconds, Date.now());
  return { samples: [...past.samples.slice(1 - mostSamples), sample], state, at };
}
