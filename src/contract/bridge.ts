/** What Electron's preload exposes to the page as `window.studio`: a narrow door, described once. */
import type { ErrorShape } from './errors';
import type { EventBatch } from './events';

/** An answer that crosses the context bridge, which keeps nothing of an Error but its message. */
export type Reply = { ok: unknown } | { error: ErrorShape };

/** What the application menu asks of the panel, which has a dialog for it. */
export type MenuEntry = 'open-workspace';

export interface StudioBridge {
  /** One call of `calls.ts`; the main process checks the name and the input. Never rejects. */
  invoke(name: string, input: unknown): Promise<Reply>;
  /** Batches of events from now on; the returned function ends it. */
  subscribe(onBatch: (batch: EventBatch) => void): () => void;
  /** Entries of the application menu that are chosen from now on; the returned function ends it. */
  onMenu(onEntry: (entry: MenuEntry) => void): () => void;
  /** Path of a dropped file on this machine; empty for one that has none. */
  pathForFile(file: unknown): string;
}

/** The channels of Electron's IPC; used in `main/ipc.ts` and `preload/index.ts` and nowhere else. */
export const channels = {
  call: 'studio:call',
  subscribe: 'studio:subscribe',
  batch: 'studio:batch',
  menu: 'studio:menu',
} as const;
