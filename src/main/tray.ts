/** The tray icon: how many nodes run, a way back to the window, and a way out. */
import { Menu, Tray } from 'electron';
import { studioIcon } from './icon';

export interface TrayActions {
  show(): void;
  stopAll(): void;
  quit(): void;
}

export interface StudioTray {
  /** Tells how many nodes run and how many there are. */
  update(running: number, total: number): void;
}

/** Some Linux desktops have no tray; the studio works without. */
export function createTray(actions: TrayActions): StudioTray {
  let tray: Tray;
  try {
    tray = new Tray(studioIcon(16));
  } catch {
    return { update: () => {} };
  }
  tray.on('click', actions.show);
  const update = (running: number, total: number): void => {
    const text = `Micro-CDN Studio: ${running} of ${total} nodes running`;
    tray.setToolTip(text);
    tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: text, enabled: false },
        { type: 'separator' },
        { label: 'Show', click: actions.show },
        { label: 'Stop all nodes', enabled: running > 0, click: actions.stopAll },
        { label: 'Quit', click: actions.quit },
      ]),
    );
  };
  update(0, 0);
  return { update };
}
