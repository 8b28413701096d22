import { HttpError } from '../../protocol/http/http-error';
import type { RequestHead } from '../../protocol/http/request-head';
import { type HttpUri, normalAuthority, parseHttpUri, splitAuthority } from '../../protocol/http/target';
import type { Endpoint } from '../../runtime/context';

/** Where a request goes. */
export interface Route {
  /** Servers to ask, in order; further ones when one can't be reached. */
  servers: readonly Endpoint[];
  uri: HttpUri;
  /** The cache key: the URI as text. */
  key: string;
  /** The target to send: path and query. */
  target: string;
}

/**
 * Finds the way of a request: a path goes to the origins (reverse proxy), a URI to the server it names (forward
 * proxy). Without origins a path goes to the server in Host, and `host:port/path` is read as a URI: clients of
 * the seed send both to a proxy.
 * @param self where this proxy listens, to refuse requests that would come back to it
 * @throws HttpError 400 or 421
 */
export function routeOf(head: RequestHead, origins: readonly Endpoint[], self: Endpoint): Route {
  const { target } = head;
  const host = head.fields.first('host') ?? '';
  // Asked of the server as a whole: it goes where a path would (RFC 9112, section 3.2.4).
  const isAsterisk = target === '*' && head.method === 'OPTIONS';
  if (target.startsWith('/') || isAsterisk) {
    if (origins.length > 0) {
      const uri = {
        authority: normalAuthority(host === '' ? authorityOf(origins[0] as Endpoint) : host),
        path: target,
      };
      return { servers: origins, uri, key: keyOf(uri), target };
    }
    if (host === '') throw new HttpError(400, 'No origin is set, and the request names no host.');
    return forward({ authority: normalAuthority(host), path: target }, self);
  }
  const uri = parseHttpUri(target) ?? parseHttpUri(`http://${target}`);
  if (!uri) throw new HttpError(400, 'The request target is neither a path nor an http URI.');
  return forward(uri, self);
}

export function keyOf({ authority, path }: HttpUri): string {
  return `http://${authority}${path}`;
}

function forward(uri: HttpUri, self: Endpoint): Route {
  const server = splitAuthority(uri.authority, 80);
  if (server.port === self.port && isLoopback(server.host)) {
    throw new HttpError(421, 'This proxy has no origin of its own: ask it for http://HOST:PORT/PATH.');
  }
  return { servers: [server], uri, key: keyOf(uri), target: uri.path };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function authorityOf({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
