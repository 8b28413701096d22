import { app, dialog } from 'electron';
import type { Core } from '../core/core';

/** Whenever this has passed the person is asked whether to go on waiting for nodes that do not end. */
const PATIENCE_MS = 8000;

/** Quitting waits for the nodes, then offers to force. The app ends when the core has closed. */
export function quitGracefully(core: Pick<Core, 'close' | 'closeNow'>): void {
  let closed = false;
  let closing = false;
  let patience: NodeJS.Timeout;
  const wait = (): void => {
    patience = setTimeout(async () => {
      // What forcing cannot save, `close` tells.
      if (await isForceWanted()) core.closeNow().catch(() => undefined);
      if (!closed) wait();
    }, PATIENCE_MS);
  };
  app.on('before-quit', (event) => {
    if (closed) return;
    event.preventDefault();
    if (closing) return;
    closing = true;
    wait();
    core
      .close()
      .catch((error: Error) => dialog.showErrorBox('Not everything could be saved', error.message))
      .then(() => {
        closed = true;
        clearTimeout(patience);
        app.quit();
      });
  });
}

async function isForceWanted(): Promise<boolean> {
  const { response } = await dialog.showMessageBox({
    type: 'question',
    message: 'Some nodes have not ended yet.',
    detail:
      'Their transfers are being finished. Force stop ends them now; what they were sending is cut off.',
    buttons: ['Force stop', 'Go on waiting'],
    defaultId: 1,
    cancelId: 1,
  });
  return response === 0;
}
