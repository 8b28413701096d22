/** The one window, where it was left. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BrowserWindow, dialog, type Rectangle, screen } from 'electron';
import { studioIcon } from './icon';
import { panelUrl } from './security';

const smallest = { width: 960, height: 600 };
const initial = { width: 1440, height: 900 };
/** A page that crashes again so soon is not reloaded, ms. */
const CRASH_LOOP_MS = 10_000;

export interface WindowState {
  bounds?: Rectangle;
  maximized?: boolean;
}

/** Opens the panel. */
export function openWindow(options: { stateFile: string; preload: string }): BrowserWindow {
  const state = readState(options.stateFile);
  const window = new BrowserWindow({
    ...initial,
    ...visibleBounds(state.bounds),
    minWidth: smallest.width,
    minHeight: smallest.height,
    title: 'Micro-CDN Studio',
    show: false,
    icon: studioIcon(256),
    webPreferences: {
      preload: options.preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  });
  if (state.maximized) window.maximize();
  // Shown when it has something to show: no white flash.
  window.once('ready-to-show', () => window.show());
  window.on('close', () => {
    writeState(options.stateFile, { bounds: window.getNormalBounds(), maximized: window.isMaximized() });
  });
  reloadAfterCrash(window);
  void window.loadURL(panelUrl);
  return window;
}

/**
 * The page has a process of its own, and may lose it: to a bug, or to a system that is short of memory. The nodes go
 * on meanwhile; a page that dies again at once is not brought back for ever.
 */
function reloadAfterCrash(window: BrowserWindow): void {
  let last = Number.NEGATIVE_INFINITY;
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    if (reason === 'clean-exit' || window.isDestroyed()) return;
    const now = performance.now();
    if (now - last > CRASH_LOOP_MS) window.webContents.reload();
    else
      dialog.showErrorBox(
        'The panel has stopped',
        `It ended twice in a short time (${reason}). The nodes still run: close the window to end them, and start the studio again.`,
      );
    last = now;
  });
}

/** Empty for bounds that no screen shows any more, so that a window is never lost on an unplugged one. */
function visibleBounds(bounds: Rectangle | undefined): Partial<Rectangle> {
  if (!bounds) return {};
  const area = screen.getDisplayMatching(bounds).workArea;
  const overlapX = Math.min(bounds.x + bounds.width, area.x + area.width) - Math.max(bounds.x, area.x);
  const overlapY = Math.min(bounds.y + bounds.height, area.y + area.height) - Math.max(bounds.y, area.y);
  return overlapX > 100 && overlapY > 50 ? bounds : { width: bounds.width, height: bounds.height };
}

export function readState(file: string): WindowState {
  try {
    const state = JSON.parse(readFileSync(file, 'utf8')) as WindowState;
    const { x, y, width, height } = state.bounds ?? {};
    return [x, y, width, height].every(Number.isFinite) ? state : {};
  } catch {
    return {};
  }
}

function writeState(file: string, state: WindowState): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(state));
    renameSync(`${file}.new`, file);
  } catch {
    // A window that opens in the middle next time is no reason to hold up closing it now.
  }
}
