/** Hands a finished download to the browser, where the studio runs as a web page. */
import { notifyError } from '../../notify';
import type { StudioClient } from '../../studio-client';

export async function saveInBrowser(client: StudioClient, id: string): Promise<void> {
  try {
    const { path } = await client.transport.call('transfers.saveAs', { id });
    const link = document.createElement('a');
    link.href = path;
    link.download = '';
    link.click();
  } catch (error) {
    notifyError(error);
  }
}
