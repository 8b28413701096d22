/** What the page may not do: leave, open windows, ask for permissions, load anything that is not ours. */
import { join, normalize, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { app, net, protocol, type Session, shell, type WebContents } from 'electron';
import type { Core } from '../core/core';
import { receiveUpload } from './uploads';

export const scheme = 'studio';
/** The only address that is ever loaded, and the only sender that is listened to. */
export const panelUrl = `${scheme}://panel/index.html`;
const panelOrigin = `${scheme}://panel`;

/** Nothing is allowed but our own files; styles need 'unsafe-inline' because the UI kit writes them at run time. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** Before the app is ready. A standard, secure scheme gives the page an origin, which file:// has not. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

/** Serves the built renderer, takes what the page uploads, and nothing else. */
export function serveRenderer(folder: string, core: Pick<Core, 'receiveUpload'>): void {
  protocol.handle(scheme, async (request) => {
    const received = isOurs(request.url) && receiveUpload(core, request);
    if (received) return received;
    const path = rendererFile(folder, request.url);
    if (path === undefined) return new Response('Not found', { status: 404 });
    const response = await net.fetch(pathToFileURL(path).toString()).catch(() => null);
    if (response === null) return new Response('Not found', { status: 404 });
    const headers = new Headers(response.headers);
    headers.set('Content-Security-Policy', contentSecurityPolicy);
    headers.set('X-Content-Type-Options', 'nosniff');
    headers.set('Referrer-Policy', 'no-referrer');
    return new Response(response.body, { status: response.status, headers });
  });
}

/** The file that a URL of our scheme means; undefined for any other URL, and for one that leads out. */
export function rendererFile(folder: string, url: string): string | undefined {
  const { protocol: ours, host, pathname } = new URL(url);
  if (ours !== `${scheme}:` || host !== 'panel') return undefined;
  let name: string;
  try {
    name = decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
  const path = normalize(join(folder, name));
  return path.startsWith(folder + sep) && !name.includes('\0') ? path : undefined;
}

/** Our own page may put text on the clipboard, which "Copy" needs. Nothing else is allowed to anybody. */
export function denyPermissions(session: Session): void {
  const isAllowed = (permission: string, url: string): boolean =>
    permission === 'clipboard-sanitized-write' && isOurs(url);
  session.setPermissionRequestHandler((_contents, permission, decide, { requestingUrl }) =>
    decide(isAllowed(permission, requestingUrl)),
  );
  session.setPermissionCheckHandler((_contents, permission, origin) => isAllowed(permission, origin));
  session.setDevicePermissionHandler(() => false);
}

function isOurs(url: string): boolean {
  try {
    const { protocol: ours, host } = new URL(url);
    return `${ours}//${host}` === panelOrigin;
  } catch {
    return false;
  }
}

/** For every page that is ever made, also by mistake. Web addresses go to the person's own browser. */
export function lockNavigation(): void {
  app.on('web-contents-created', (_event, contents) => {
    const stay = (event: { preventDefault(): void }, url: string): void => {
      if (url !== panelUrl) event.preventDefault();
    };
    contents.on('will-navigate', (event) => stay(event, event.url));
    contents.on('will-frame-navigate', (event) => stay(event, event.url));
    contents.on('will-redirect', (event) => stay(event, event.url));
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      if (url.startsWith('https://')) void shell.openExternal(url);
      return { action: 'deny' };
    });
  });
}

/** True for a message that comes from our own page, in its main frame. */
export function isTrustedSender(event: {
  senderFrame: { url: string } | null;
  sender: WebContents;
}): boolean {
  const { senderFrame, sender } = event;
  return senderFrame !== null && senderFrame === (sender.mainFrame as unknown) && isOurs(senderFrame.url);
}
