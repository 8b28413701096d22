import type { Fields } from '../fields';
import { type HttpUri, resolveReference } from '../target';

/** Methods that only read (RFC 9110, section 9.2.1). Any other, known or not, may have changed something. */
const safe = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

export function isSafe(method: string): boolean {
  return safe.has(method);
}

/**
 * The URIs whose stored replies an unsafe request has made invalid (RFC 9111, section 4.4): its own, and those
 * of the same origin in Location and Content-Location. None after an error.
 */
export function invalidatedBy(method: string, target: HttpUri, status: number, fields: Fields): HttpUri[] {
  if (isSafe(method) || status < 200 || status >= 400) return [];
  const uris = [target];
  for (const name of ['location', 'content-location']) {
    const reference = fields.first(name);
    const uri = reference === undefined ? null : resolveReference(target, reference);
    if (uri && uri.authority === target.authority) uris.push(uri);
  }
  return uris;
}
