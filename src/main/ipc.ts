/** Electron's half of the contract's transport: the only file that touches `ipcMain`. */
import { ipcMain, type WebContents } from 'electron';
import { channels, type Reply } from '../contract/bridge';
import type { CallName } from '../contract/calls';
import { StudioError, toErrorShape } from '../contract/errors';
import type { Core } from '../core/core';
import type { Session } from '../core/events/event-hub';
import { isTrustedSender } from './security';

/**
 * Connects pages to the core. A message from anything but our own page's main frame is refused; every input is
 * parsed by its schema in `core.call`.
 */
export function connectIpc(core: Pick<Core, 'call' | 'openSession'>): void {
  const sessions = new Map<WebContents, Session>();

  const sessionOf = (contents: WebContents): Session => {
    let session = sessions.get(contents);
    if (!session) {
      session = core.openSession({
        onBatch: (batch) => {
          if (!contents.isDestroyed()) contents.send(channels.batch, batch);
        },
      });
      sessions.set(contents, session);
      const close = (): void => {
        contents.off('destroyed', close).off('did-navigate', close).off('render-process-gone', close);
        sessions.get(contents)?.close();
        sessions.delete(contents);
      };
      contents.on('destroyed', close);
      // A reloaded page is a new panel: it subscribes again and takes a snapshot. A dead one reads nothing.
      contents.on('did-navigate', close);
      contents.on('render-process-gone', close);
    }
    return session;
  };

  ipcMain.handle(channels.call, async (event, name: unknown, input: unknown): Promise<Reply> => {
    try {
      if (!isTrustedSender(event)) throw new StudioError('FORBIDDEN', 'Only the panel itself may call.');
      return { ok: await core.call(name as CallName, input, sessionOf(event.sender)) };
    } catch (error) {
      return { error: toErrorShape(error) };
    }
  });
  ipcMain.on(channels.subscribe, (event) => {
    if (isTrustedSender(event)) sessionOf(event.sender);
  });
}
