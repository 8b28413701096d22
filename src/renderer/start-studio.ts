/** Ties client, store and panel state together, for the life of the page. */
import { createPanelStore } from './panel-state';
import { Store } from './store';
import type { StudioClient } from './studio-client';
import type { Studio } from './studio-context';
import type { StudioState } from './studio-store';
import { StudioSync } from './studio-sync';
import { Uploads } from './uploads/uploads';

/** While the page is hidden there are no frames; events are then applied this often. */
const hiddenMs = 1000;

export function startStudio(client: StudioClient): Studio {
  const store = new Store<StudioState | null>(null);
  const panel = createPanelStore(localStorage);
  const sync = new StudioSync(client.transport, store, {
    now: Date.now,
    schedule: (apply) => (document.hidden ? setTimeout(apply, hiddenMs) : requestAnimationFrame(apply)),
    later: (ms, run) => setTimeout(run, ms),
  });
  sync.start();
  setInterval(() => {
    if (!document.hidden) sync.dispatch({ type: 'tick', now: Date.now() });
  }, 1000);
  return { client, store, panel, uploads: new Uploads(client, store, panel) };
}
