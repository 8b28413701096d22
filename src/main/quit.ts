import { app, dialog } from 'electron';
import type { Core } from '../core/core';

/** After this the person is asked whether to go on waiting for nodes that do not end. */
const PATIENCE_MS = 8000;

/** Quitting waits for the nodes, then offers to force. The app ends when the core has closed. */
export function quitGracefully(core: Pick<Core, 'close' | 'closeNow'>): void {
  let closed = false;
  let closing = false;
  app.on('before-quit', (event) => {
    if (closed) return;
    event.preventDefault();
    if (closing) return;
    closing = true;
    const end = (): void => {
      closed = true;
      app.quit();
    };
    const late = setTimeout(() => void offerForce(core).then(end), PATIENCE_MS);
    core.close().then(
      () => {
        clearTimeout(late);
        end();
      },
      (error: Error) => {
        clearTimeout(late);
        dialog.showErrorBox('Not everything could be saved', error.message);
        end();
      },
    );
  });
}

async function offerForce(core: Pick<Core, 'close' | 'closeNow'>): Promise<void> {
  const { response } = await dialog.showMessageBox({
    type: 'question',
    message: 'Some nodes have not ended yet.',
    detail:
      'Their transfers are being finished. Force stop ends them now; what they were sending is cut off.',
    buttons: ['Force stop', 'Go on waiting'],
    defaultId: 1,
    cancelId: 1,
  });
  await (response === 0 ? core.closeNow() : core.close());
}
