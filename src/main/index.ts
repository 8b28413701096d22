/** The Electron shell, in order: what must stand before the app is ready, the core, its doors, the window last. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { app, BrowserWindow, dialog, session, shell } from 'electron';
import { version } from '../../package.json';
import { channels, type MenuEntry } from '../contract/bridge';
import { createCore } from '../core/core';
import { defaultDataFolder } from '../core/data-folder';
import { connectIpc } from './ipc';
import { utilityProcessLauncher } from './launcher';
import { setMenu } from './menu';
import { quitGracefully } from './quit';
import { denyPermissions, lockNavigation, registerScheme, serveRenderer } from './security';
import { followStudio } from './status';
import { createTray } from './tray';
import { openWindow } from './window';

const built = import.meta.dirname;
// The same as that of `micro-cdn panel`: it is the same studio.
const dataFolder = resolve(defaultDataFolder());

// Chromium's own files keep apart from the person's, and there is one studio for each data folder: the lock is there.
const profile = join(dataFolder, 'electron');
mkdirSync(profile, { recursive: true });
app.setPath('userData', profile);
registerScheme();
lockNavigation();
app.enableSandbox();
if (app.requestSingleInstanceLock()) {
  app.whenReady().then(open, fail).catch(fail);
} else {
  // The studio that runs already shows itself instead; see 'second-instance'.
  app.quit();
}

async function open(): Promise<void> {
  denyPermissions(session.defaultSession);
  const core = await createCore({
    dataFolder,
    resourcesFolder: join(app.getAppPath(), 'resources'),
    launcher: utilityProcessLauncher(join(built, 'node.js')),
    shell: { kind: 'electron', version, platform: process.platform, paths: true, dataFolder },
    shellActions: {
      reveal: async (path) => shell.showItemInFolder(path),
      choose: async (what, title) => {
        const { canceled, filePaths } = await dialog.showOpenDialog({
          title,
          properties:
            what === 'folder'
              ? ['openDirectory']
              : what === 'files'
                ? ['openFile', 'multiSelections']
                : ['openFile'],
          ...(what === 'workspace' ? { filters: [{ name: 'Workspaces', extensions: ['json'] }] } : {}),
        });
        return canceled ? null : filePaths;
      },
    },
  });
  serveRenderer(join(built, '../renderer'), core);
  connectIpc(core);
  const studio = followStudio(core);
  setMenu({
    call: studio.call,
    nodeIds: studio.nodeIds,
    openWorkspace: () => askPanel('open-workspace'),
    dataFolder,
  });
  const tray = createTray({
    show: showWindow,
    stopAll: () =>
      void studio
        .nodeIds()
        .then((ids) => studio.call('nodes.stop', { ids }))
        .catch(fail),
    quit: () => app.quit(),
  });
  studio.onChange(({ running, total, progress }) => {
    tray.update(running, total);
    for (const window of BrowserWindow.getAllWindows()) window.setProgressBar(progress);
  });
  quitGracefully(core);
  app.on('second-instance', showWindow);
  app.on('activate', showWindow);
  // Closing the window ends the studio, and with it all nodes, on every system: nothing is left running.
  app.on('window-all-closed', () => app.quit());
  showWindow();
}

function showWindow(): void {
  const [window] = BrowserWindow.getAllWindows();
  if (!window) {
    openWindow({
      stateFile: join(dataFolder, 'window.json'),
      preload: join(built, '../preload/index.cjs'),
    });
    return;
  }
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

/** The window comes to the front, and its page gets an entry of the menu to do. */
function askPanel(entry: MenuEntry): void {
  showWindow();
  BrowserWindow.getAllWindows()[0]?.webContents.send(channels.menu, entry);
}

function fail(error: unknown): void {
  const { message, hint } = error as { message?: string; hint?: string };
  dialog.showErrorBox('Micro-CDN Studio cannot start', `${message ?? String(error)}\n${hint ?? ''}`);
  app.exit(1);
}
