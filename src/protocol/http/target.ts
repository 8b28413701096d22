/** Request targets and the URIs they mean (RFC 9112, section 3.2; RFC 3986). */

const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::\d{0,5})?$/;

/** True for `host`, `host:port`, `[v6]:port`, without user information. */
export function isAuthority(text: string): boolean {
  return HOST.test(text);
}

export interface HttpUri {
  /** `host` or `host:port` in lower case; the default port 80 is left out. */
  authority: string;
  /** Path and query, beginning with `/`. */
  path: string;
}

/** Reads `http://authority/path?query`; null for anything else. A fragment is dropped. */
export function parseHttpUri(text: string): HttpUri | null {
  const match = /^http:\/\/([^/?#]+)([^#]*)/i.exec(text);
  const authority = match?.[1];
  if (authority === undefined || !isAuthority(authority)) return null;
  const path = match?.[2] ?? '';
  return { authority: normalAuthority(authority), path: path.startsWith('/') ? path : `/${path}` };
}

/** Lower case, without the default port. */
export function normalAuthority(authority: string): string {
  const lower = authority.toLowerCase();
  return lower.endsWith(':80') ? lower.slice(0, -3) : lower.endsWith(':') ? lower.slice(0, -1) : lower;
}

/** `host` and `port` of an authority. */
export function splitAuthority(authority: string, defaultPort: number): { host: string; port: number } {
  const match = /^(?:\[(.+)\]|(.+?))(?::(\d+))?$/.exec(authority);
  const host = match?.[1] ?? match?.[2] ?? authority;
  return { host, port: match?.[3] ? Number(match[3]) : defaultPort };
}

/**
 * The URI of a relative or absolute reference (Location, Content-Location) as seen from `base`; null when it
 * is not of http. Enough of RFC 3986, section 5, for what servers send.
 */
export function resolveReference(base: HttpUri, reference: string): HttpUri | null {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(reference)) return parseHttpUri(reference);
  if (reference.startsWith('//')) return parseHttpUri(`http:${reference}`);
  const path = reference.replace(/#.*$/s, '');
  if (path.startsWith('/')) return { authority: base.authority, path: removeDotSegments(path) };
  const basePath = base.path.replace(/\?.*$/s, '');
  if (path === '') return base;
  if (path.startsWith('?')) return { authority: base.authority, path: basePath + path };
  const folder = basePath.slice(0, basePath.lastIndexOf('/') + 1);
  return { authority: base.authority, path: removeDotSegments(folder + path) };
}

/** RFC 3986, section 5.2.4, for the path of `path?query`. */
export function removeDotSegments(path: string): string {
  const queryAt = path.indexOf('?');
  const query = queryAt < 0 ? '' : path.slice(queryAt);
  const segments = (queryAt < 0 ? path : path.slice(0, queryAt)).split('/');
  const kept: string[] = [];
  for (const [at, segment] of segments.entries()) {
    const last = at === segments.length - 1;
    if (segment === '..') {
      if (kept.length > 1) kept.pop();
      if (last) kept.push('');
    } else if (segment === '.') {
      if (last) kept.push('');
    } else kept.push(segment);
  }
  return `${kept.join('/') || '/'}${query}`;
}

/**
 * The name of the file below a folder that a path asks for, percent-decoded; null when the path can't be
 * decoded. Whether the name is safe is the folder's business.
 */
export function fileNameOf(path: string): string | null {
  const plain = path.replace(/[?#].*$/s, '');
  try {
    return decodeURIComponent(plain).replace(/^\//, '');
  } catch {
    return null;
  }
}

/** The path that asks for a file. */
export function pathOfFile(name: string): string {
  return `/${name.split('/').map(encodeURIComponent).join('/')}`;
}
