/** Ties client, store and panel state together, for the life of the page. */
import { atNextFrame } from './next-frame';
import { createPanelStore } from './panel-state';
import { Store } from './store';
import type { StudioClient } from './studio-client';
import type { Studio } from './studio-context';
import type { StudioState } from './studio-store';
import { StudioSync } from './studio-sync';
import { Uploads } from './uploads/uploads';

export function startStudio(client: StudioClient): Studio {
  const store = new Store<StudioState | null>(null);
  const panel = createPanelStore(localStorage);
  const sync = new StudioSync(client.transport, store, {
    now: Date.now,
    schedule: atNextFrame,
    later: (ms, run) => setTimeout(run, ms),
  });
  sync.start();
  client.onMenu?.((entry) => panel.open({ kind: entry }));
  setInterval(() => {
    if (!document.hidden) sync.dispatch({ type: 'tick', now: Date.now() });
  }, 1000);
  return { client, store, panel, uploads: new Uploads(client, store, panel) };
}
