/** Putting relays on links, and taking them away: menus and the Faults tab use these. */
import { useMemo } from 'react';
import { relayPlace } from './fault-links';
import type { Point } from './layout';
import { runWith, useStudioParts } from './studio-context';

export interface RelayCommands {
  /** Puts a relay on a link to or from a program outside, and shows it. */
  insert(link: string, position?: Point): Promise<void>;
  remove(id: string): void;
}

export function useRelayCommands(): RelayCommands {
  const { client, store, panel } = useStudioParts();
  return useMemo(() => {
    const run = runWith(client);
    return {
      async insert(link, position) {
        const state = store.get();
        const place = state && relayPlace(link, state);
        if (!place) return;
        const added = await run('relays.insert', { ...place, ...(position ? { position } : {}) });
        if (!added) return;
        panel.show(added.id);
        panel.openInspector('overview');
      },
      remove: (id) => {
        panel.select([]);
        void run('relays.remove', { id });
      },
    };
  }, [client, store, panel]);
}
