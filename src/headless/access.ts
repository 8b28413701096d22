/** Who may talk to the headless shell: pages that it served itself, with the token that it printed. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { hostname, networkInterfaces } from 'node:os';
import { type Endpoint, formatEndpoint, parseEndpoint } from '../contract/endpoint';

const HTTP_PORT = 80;

/** 256 random bits, fit for a URL. */
export function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Compares in a time that does not tell how much was right. */
export function isToken(given: unknown, token: string): boolean {
  if (typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The token of an `Authorization: Bearer …` header. */
export function bearerToken(request: IncomingMessage): string | undefined {
  return /^Bearer ([\w-]+)$/.exec(request.headers.authorization ?? '')?.[1];
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * The values of the Host header under which this server may be reached. Any other is a page of somebody else
 * whose name was made to point here (DNS rebinding).
 *
 * @param others what the person allows besides, as `NAME` or `NAME:PORT`: a published port, a name of the network's
 */
export function allowedHosts({ host, port }: Endpoint, others: readonly string[] = []): ReadonlySet<string> {
  const names = new Set([host]);
  if (isLoopback(host)) for (const name of ['127.0.0.1', 'localhost', '::1']) names.add(name);
  if (host === '0.0.0.0' || host === '::') {
    for (const name of ['localhost', '127.0.0.1', '::1', hostname()]) names.add(name);
    for (const each of Object.values(networkInterfaces()).flat()) if (each) names.add(each.address);
  }
  const own = [...names].map((name) => ({ host: name, port }));
  return new Set([...own, ...others.map((each) => parseEndpoint(each, port))].flatMap(hostValues));
}

/** A browser leaves the port of the scheme out (RFC 9110, section 7.2). */
function hostValues(endpoint: Endpoint | null): string[] {
  if (!endpoint) return [];
  const value = formatEndpoint(endpoint).toLowerCase();
  return endpoint.port === HTTP_PORT ? [value, value.replace(/:\d+$/, '')] : [value];
}

/** Whether the request was made to this server by its name, and not by way of another's. */
export function hostAllowed(request: IncomingMessage, hosts: ReadonlySet<string>): boolean {
  return hosts.has((request.headers.host ?? '').toLowerCase());
}

/** Whether it comes from a page that this server served under the very name it was asked by. */
export function sameOrigin(request: IncomingMessage): boolean {
  const { host, origin } = request.headers;
  return host !== undefined && origin?.toLowerCase() === `http://${host.toLowerCase()}`;
}
