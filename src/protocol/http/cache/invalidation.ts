import type { Fields } from '../fields';
import { isSafe } from '../methods';
import { type HttpUri, resolveReference } from '../target';

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
