/** Finds the core: through Electron's preload where there is one, else over the WebSocket that served the page. */
import type { MenuEntry, StudioBridge } from '../contract/bridge';
import type { StudioTransport } from '../contract/calls';
import { bridgeTransport } from './bridge-transport';
import { type SocketLike, SocketTransport } from './socket-transport';

declare global {
  interface Window {
    studio?: StudioBridge;
  }
}

export interface StudioClient {
  transport: StudioTransport;
  pathForFile?: (file: File) => string;
  /** Entries of the application menu; absent where there is none. */
  onMenu?: (onEntry: (entry: MenuEntry) => void) => void;
  /** Tries to connect now; absent where the connection cannot be lost. */
  reconnect?: () => void;
  /** For uploads and saved files in the browser: `Authorization: Bearer …`. */
  token?: string;
}

const tokenKey = 'micro-cdn-studio.token';

export function createClient(): StudioClient {
  if (window.studio) {
    const { studio } = window;
    return {
      transport: bridgeTransport(studio),
      pathForFile: (file) => studio.pathForFile(file),
      onMenu: (onEntry) => studio.onMenu(onEntry),
    };
  }
  const token = takeToken();
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const transport = new SocketTransport(token, {
    open: () => new WebSocket(`${scheme}://${location.host}/ws`) as unknown as SocketLike,
    setTimer: (run, ms) => setTimeout(run, ms),
    clearTimer: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout> | undefined),
    random: Math.random,
  });
  addEventListener('online', () => transport.reconnect());
  return { transport, token, reconnect: () => transport.reconnect() };
}

/**
 * The token comes in the fragment, which no server and no log sees. It is moved out of the address bar into
 * the tab's session storage, so that a reload works and a copied address gives nothing away.
 */
function takeToken(): string {
  const token = tokenFromHash(location.hash);
  if (!token) return sessionStorage.getItem(tokenKey) ?? '';
  sessionStorage.setItem(tokenKey, token);
  history.replaceState(null, '', location.pathname + location.search);
  return token;
}

/** `#token=…`, or the bare `#…`. */
export function tokenFromHash(hash: string): string {
  const text = hash.replace(/^#/, '');
  return new URLSearchParams(text).get('token') ?? text;
}
