import { type HttpUri, parseHttpUri, resolveReference } from '../../protocol/http/target';

export const MAX_REDIRECTS = 10;
const redirects = new Set([301, 302, 303, 307, 308]);

/** A status whose Location is to be asked instead. */
export function isRedirect(status: number): boolean {
  return redirects.has(status);
}

/** `host:port/path` without a scheme, as programs of the seed write it in Location and on the command line. */
const SCHEMELESS = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):\d{1,5}(?:\/|$)/;

/**
 * The URI that a person or a Location means: an http URL, `host:port/path`, or a path seen from `base`.
 * Null when it is none of these.
 */
export function readReference(text: string, base: HttpUri | null): HttpUri | null {
  if (/^http:\/\//i.test(text)) return parseHttpUri(text);
  if (SCHEMELESS.test(text)) return parseHttpUri(`http://${text}`);
  if (base === null || /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)) return null;
  return resolveReference(base, text);
}

/** The name to save a URI under: the last part of its path. */
export function fileNameFor({ path }: HttpUri): string {
  const last =
    path
      .replace(/[?#].*$/s, '')
      .split('/')
      .pop() ?? '';
  try {
    const name = decodeURIComponent(last).replace(/[/\\\p{Cc}]/gu, '_');
    return /^\.*$/.test(name) ? 'index.html' : name;
  } catch {
    return last;
  }
}
