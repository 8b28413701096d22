/** The door between the page and the main process. It lets the contract through, and no Electron object. */
import { contextBridge, type IpcRendererEvent, ipcRenderer, webUtils } from 'electron';
import { channels, type MenuEntry, type Reply, type StudioBridge } from '../contract/bridge';
import type { EventBatch } from '../contract/events';

const bridge: StudioBridge = {
  async invoke(name, input) {
    try {
      return (await ipcRenderer.invoke(channels.call, name, input)) as Reply;
    } catch (error) {
      // The main process answers every call; only a broken channel comes here.
      return { error: { code: 'DISCONNECTED', message: `The studio did not answer: ${String(error)}` } };
    }
  },
  subscribe(onBatch) {
    const listener = (_event: IpcRendererEvent, batch: EventBatch): void => onBatch(batch);
    ipcRenderer.on(channels.batch, listener);
    ipcRenderer.send(channels.subscribe);
    return () => void ipcRenderer.off(channels.batch, listener);
  },
  onMenu(onEntry) {
    const listener = (_event: IpcRendererEvent, entry: MenuEntry): void => onEntry(entry);
    ipcRenderer.on(channels.menu, listener);
    return () => void ipcRenderer.off(channels.menu, listener);
  },
  pathForFile: (file) => webUtils.getPathForFile(file as File),
};

contextBridge.exposeInMainWorld('studio', bridge);
