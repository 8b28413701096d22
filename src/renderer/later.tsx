/** Parts of the window that its first picture does without. */
import { type ComponentType, lazy, Suspense, useState } from 'react';
import { nextIdle } from './next-idle';

const loads: (() => Promise<unknown>)[] = [];

/**
 * A component that is fetched when it is first drawn, or by `loadTheRest`, whichever comes first. Until it
 * is there nothing stands in its place: it is a moment, and something that flashes would make it longer.
 */
export function later<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  const fetch = async (): Promise<{ default: ComponentType<Props> }> => {
    loaded = await load();
    return { default: loaded };
  };
  loads.push(fetch);
  const Late = lazy(fetch);
  return function Later(props: Props) {
    // For as long as it is drawn: another type would begin it anew.
    const [Part] = useState(() => loaded ?? Late);
    return (
      <Suspense fallback={null}>
        <Part {...props} />
      </Suspense>
    );
  };
}

/** Fetches everything, part by part, whenever the page has nothing else to do: then no click waits. */
export async function loadTheRest(): Promise<void> {
  for (const load of loads) {
    await nextIdle();
    // What cannot be fetched now is tried again when it is needed, and says so there.
    await load().catch(() => undefined);
  }
}
