/** The panel in the browser: its files, its WebSocket, and uploads, for nobody but the person who started it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { formatEndpoint } from '../contract/endpoint';
import { StudioError, toErrorShape } from '../contract/errors';
import type { Core } from '../core/core';
import { allowedHosts, bearerToken, hostAllowed, isToken, newToken, sameOrigin } from './access';
import { servePanel } from './panel-socket';
import { readStaticFiles, type StaticFile } from './static-files';

/** Longest message of a panel, bytes: an announcement of ten thousand uploads, with long names. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** RFC 6455, section 7.4.1. */
const GOING_AWAY = 1001;
/** Panels have so long to say goodbye. */
const CLOSE_MS = 500;
const SOCKET_PATH = '/ws';
const UPLOAD_PATH = /^\/upload\/([\w-]{1,64})$/;
const DOWNLOAD_PATH = /^\/download\/([\w-]{1,64})$/;
const notKnown =
  'This panel is not known by that name. If the name is yours, start the panel with --allow-host NAME:PORT.';

export interface PanelServerOptions {
  core: Core;
  /** The built panel: `out/renderer`. */
  rendererFolder: string;
  host: string;
  /** 0: any free one. */
  port: number;
  /** Further names by which browsers may reach it; see `allowedHosts`. */
  allow?: readonly string[] | undefined;
}

export interface PanelServer {
  port: number;
  /** With the token in its fragment, which browsers send to no server. */
  url: string;
  close(): Promise<void>;
}

/** @throws StudioError 'EADDRINUSE' and the like, in words for a person */
export async function servePanelOver(options: PanelServerOptions): Promise<PanelServer> {
  const { core, host } = options;
  const files = await readStaticFiles(options.rendererFolder).catch(() => new Map<string, StaticFile>());
  const token = newToken();
  const http = createServer({ requestTimeout: 0 });
  const port = await listen(http, host, options.port);
  const hosts = allowedHosts({ host, port }, options.allow);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });

  http.on('request', (request, response) => {
    setCommonHeaders(response, request.headers.host ?? '');
    if (!hostAllowed(request, hosts)) return answer(response, 421, notKnown);
    const upload = UPLOAD_PATH.exec(request.url ?? '')?.[1];
    const download = DOWNLOAD_PATH.exec(request.url ?? '')?.[1];
    if (upload) void receiveUpload(core, token, upload, request, response);
    else if (download) void sendDownload(core, download, request, response);
    else sendFile(files, request, response);
  });
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (request.url !== SOCKET_PATH || !hostAllowed(request, hosts) || !sameOrigin(request))
      return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (panel) => servePanel(panel, core, token));
  });

  return {
    port,
    url: `http://${formatEndpoint({ host: reachableName(host), port })}/#token=${token}`,
    async close() {
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      for (const panel of sockets.clients) panel.close(GOING_AWAY);
      const impatient = setTimeout(() => {
        for (const panel of sockets.clients) panel.terminate();
        http.closeAllConnections();
      }, CLOSE_MS);
      await closed;
      clearTimeout(impatient);
    },
  };
}

function listen(http: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    http.listen({ host, port }, () => resolve((http.address() as AddressInfo).port));
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): StudioError {
  const code = error.code ?? 'INTERNAL';
  if (code === 'EADDRINUSE')
    return new StudioError(
      code,
      `Port ${port} is in use by another program.`,
      'Choose another with --port, or leave --port out.',
    );
  if (code === 'EADDRNOTAVAIL')
    return new StudioError(
      code,
      `This machine has no address ${host}.`,
      'Use 127.0.0.1, or one that it has.',
    );
  return new StudioError(code, `The panel cannot listen on ${host}: ${error.message}`);
}

function reachableName(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
}

/**
 * Everything is denied, then what the panel needs is allowed. Styles may be inline because the component
 * library sets them on elements; scripts may not.
 */
function setCommonHeaders(response: ServerResponse, host: string): void {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    // Older Safari does not count a WebSocket as 'self'.
    `connect-src 'self' ws://${host.replace(/[^\w.:[\]-]/g, '')}`,
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  response.setHeader('Content-Security-Policy', policy);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('Permissions-Policy', 'camera=(), microphone=(), geolocation=()');
}

function sendFile(
  files: ReadonlyMap<string, StaticFile>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return answer(response, 405, 'Only GET and HEAD.');
  }
  const file = files.get((request.url ?? '').split('?', 1)[0] ?? '');
  if (!file) {
    const built = files.size > 0;
    return answer(
      response,
      404,
      built ? 'There is no such page.' : 'The panel is not built. Run: npm run build',
    );
  }
  response.setHeader('Cache-Control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.setHeader('ETag', file.etag);
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': file.type, 'Content-Length': file.body.length });
  response.end(request.method === 'HEAD' ? undefined : file.body);
}

/** Streams the body into the node's folder, as fast as the disk takes it. */
async function receiveUpload(
  core: Core,
  token: string,
  uploadId: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'PUT') return answer(response, 405, 'Only PUT.');
  if (!sameOrigin(request)) return answer(response, 403, 'This page may not upload here.');
  if (!isToken(bearerToken(request), token)) return answer(response, 401, 'The token is not valid.');
  try {
    await core.receiveUpload(uploadId, request);
    response.writeHead(204).end();
  } catch (thrown) {
    const error = toErrorShape(thrown);
    // What is still on its way is not read, so the connection cannot be used again.
    response.setHeader('Connection', 'close');
    sendJson(response, error.code === 'UNKNOWN_UPLOAD' ? 404 : 422, { error });
    response.once('finish', () => request.destroy());
  }
}

/** A finished download, to be saved by the browser. The ticket in the address was asked for with the token. */
async function sendDownload(
  core: Core,
  ticket: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET') return answer(response, 405, 'Only GET.');
  try {
    const file = await core.openSaved(ticket);
    response.writeHead(200, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': file.size,
      'Content-Disposition': `attachment; filename*=UTF-8''${extendedValue(file.name)}`,
      'Cache-Control': 'no-store',
    });
    file.stream.on('error', () => response.destroy());
    file.stream.pipe(response);
    response.on('close', () => file.stream.destroy());
  } catch (thrown) {
    answer(response, 404, toErrorShape(thrown).message);
  }
}

/** RFC 8187, section 3.2: all but its attr-char is percent-encoded, so that every name survives. */
function extendedValue(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
  });
  response.end(JSON.stringify(value));
}

function answer(response: ServerResponse, status: number, text: string): void {
  sendJson(response, status, { error: { code: `HTTP_${status}`, message: text } });
}
