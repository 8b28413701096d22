/** The few Electron parts that the shell touches, as objects that record. It proves our wiring, not Electron. */
import { EventEmitter } from 'node:events';
import { vi } from 'vitest';

export class FakeUtilityProcess extends EventEmitter {
  pid: number | undefined = undefined;
  stdout = null;
  stderr = null;
  postMessage = vi.fn();
  kill = vi.fn(() => true);
}

export class FakeContents extends EventEmitter {
  readonly mainFrame = { url: 'studio://panel/index.html' };
  send = vi.fn();
  reload = vi.fn();
  isDestroyed = (): boolean => false;
  setWindowOpenHandler = vi.fn();
}

export class FakeWindow extends EventEmitter {
  static last: FakeWindow | undefined;
  static readonly open = new Set<FakeWindow>();
  static getAllWindows = (): FakeWindow[] => [...FakeWindow.open];
  readonly webContents = new FakeContents();
  loadURL = vi.fn(async () => {});
  show = vi.fn();
  focus = vi.fn();
  restore = vi.fn();
  maximize = vi.fn();
  isMinimized = (): boolean => false;
  isMaximized = (): boolean => false;
  isDestroyed = (): boolean => false;
  getNormalBounds = () => ({ x: 1, y: 2, width: 1000, height: 700 });
  setProgressBar = vi.fn();

  /** The person closes it. */
  close(): void {
    this.emit('close');
    FakeWindow.open.delete(this);
  }

  constructor(readonly options: Record<string, unknown>) {
    super();
    FakeWindow.last = this;
    FakeWindow.open.add(this);
  }
}

class FakeIpcMain extends EventEmitter {
  readonly handlers = new Map<string, (...args: unknown[]) => unknown>();
  handle(channel: string, handler: (...args: unknown[]) => unknown): void {
    this.handlers.set(channel, handler);
  }
}

/** A fresh fake for `vi.mock('electron', …)`. */
export function fakeElectron() {
  const app = Object.assign(new EventEmitter(), {
    isPackaged: false,
    whenReady: async () => {},
    requestSingleInstanceLock: vi.fn(() => true),
    enableSandbox: vi.fn(),
    quit: vi.fn(),
    exit: vi.fn(),
    getPath: () => '/nowhere',
    getVersion: () => '0.0.0',
    getAppPath: () => '/nowhere',
    setPath: vi.fn(),
  });
  return {
    app,
    BrowserWindow: FakeWindow,
    ipcMain: new FakeIpcMain(),
    utilityProcess: { fork: vi.fn(() => new FakeUtilityProcess()) },
    protocol: { registerSchemesAsPrivileged: vi.fn(), handle: vi.fn() },
    net: { fetch: vi.fn(async () => new Response('ok', { headers: { 'Content-Type': 'text/html' } })) },
    shell: {
      openExternal: vi.fn(async () => {}),
      openPath: vi.fn(async () => ''),
      showItemInFolder: vi.fn(),
    },
    dialog: {
      showOpenDialog: vi.fn(async () => ({ canceled: true, filePaths: [] })),
      showErrorBox: vi.fn(),
      showMessageBox: vi.fn(async () => ({ response: 0 })),
    },
    screen: { getDisplayMatching: () => ({ workArea: { x: 0, y: 0, width: 1920, height: 1080 } }) },
    nativeImage: { createFromBitmap: vi.fn(() => ({})) },
    Menu: { buildFromTemplate: vi.fn((template: unknown) => template), setApplicationMenu: vi.fn() },
    Tray: class extends EventEmitter {
      setToolTip = vi.fn();
      setContextMenu = vi.fn();
    },
    session: {
      defaultSession: {
        setPermissionRequestHandler: vi.fn(),
        setPermissionCheckHandler: vi.fn(),
        setDevicePermissionHandler: vi.fn(),
      },
    },
  };
}
