/** The application menu. Every entry is a call that the panel could make as well, or a dialog that it has. */
import { app, dialog, Menu, type MenuItemConstructorOptions, shell } from 'electron';
import type { CallInput, CallName } from '../contract/calls';

export interface MenuActions {
  call<N extends CallName>(name: N, input: CallInput<N>): Promise<unknown>;
  /** Ids of all nodes of the workspace. */
  nodeIds(): Promise<string[]>;
  /** Shows the panel's dialog, which says what is stopped by it. */
  openWorkspace(): void;
  dataFolder: string;
}

export function menuTemplate(
  { call, nodeIds, openWorkspace, dataFolder }: MenuActions,
  platform: NodeJS.Platform = process.platform,
): MenuItemConstructorOptions[] {
  const onAll = (name: 'nodes.start' | 'nodes.stop') => async (): Promise<void> => {
    const ids = await nodeIds();
    if (ids.length > 0) await call(name, { ids });
  };
  const act = (run: () => Promise<unknown>) => (): void => {
    run().catch((error: Error) => dialog.showErrorBox('Micro-CDN Studio', error.message));
  };
  return [
    ...(platform === 'darwin' ? [{ role: 'appMenu' } as const] : []),
    {
      label: '&File',
      submenu: [
        { label: 'Open workspace…', accelerator: 'CmdOrCtrl+O', click: openWorkspace },
        { label: 'Show data folder', click: act(() => shell.openPath(dataFolder)) },
        { type: 'separator' },
        platform === 'darwin' ? { role: 'close' } : { role: 'quit' },
      ],
    },
    {
      label: '&Edit',
      submenu: [
        ...undoAndRedo(platform, (name) => act(() => call(name, {}))),
        { type: 'separator' },
        { role: 'cut' },
        { role: 'copy' },
        { role: 'paste' },
        { role: 'selectAll' },
      ],
    },
    {
      label: '&Nodes',
      submenu: [
        { label: 'Start all', click: act(onAll('nodes.start')) },
        { label: 'Stop all', click: act(onAll('nodes.stop')) },
        { type: 'separator' },
        { label: 'Heal all faults', click: act(() => call('faults.healAll', {})) },
      ],
    },
    {
      label: '&View',
      submenu: [
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
        ...(app.isPackaged ? [] : [{ role: 'reload' } as const, { role: 'toggleDevTools' } as const]),
      ],
    },
    { role: 'windowMenu' },
  ];
}

/**
 * The panel handles these keys itself, because in a text field they belong to the text. On macOS a menu takes every
 * key that the page leaves, `registerAccelerator` or not, so there it must do what the key does in a text field.
 */
function undoAndRedo(
  platform: NodeJS.Platform,
  edit: (name: 'workspace.undo' | 'workspace.redo') => () => void,
): MenuItemConstructorOptions[] {
  if (platform === 'darwin') return [{ role: 'undo' }, { role: 'redo' }];
  const shown = { registerAccelerator: false };
  return [
    { ...shown, label: 'Undo', accelerator: 'CmdOrCtrl+Z', click: edit('workspace.undo') },
    { ...shown, label: 'Redo', accelerator: 'CmdOrCtrl+Shift+Z', click: edit('workspace.redo') },
  ];
}

export function setMenu(actions: MenuActions): void {
  Menu.setApplicationMenu(Menu.buildFromTemplate(menuTemplate(actions)));
}
