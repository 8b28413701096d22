import { Fields } from '../../protocol/http/fields';
import type { ResponseHead } from '../../protocol/http/response-head';
import { type HttpUri, splitAuthority } from '../../protocol/http/target';
import { duplicatesIn, parseLinkField } from '../../protocol/metalink';
import type { Upstream } from '../shared/http/upstream';
import { isRedirect, MAX_REDIRECTS, readReference } from './reference';

export interface Whereabouts {
  /** Where the redirects end. */
  uri: HttpUri;
  /** Addresses of the same file, by those who redirected (RFC 6249). They may be wrong: compare digests. */
  mirrors: string[];
}

/**
 * Follows the redirects of a file without fetching it. Nobody there, or not a redirect: that is where it is.
 * @param tell is called with each redirect
 */
export async function whereaboutsOf(
  upstream: Upstream,
  from: HttpUri,
  signal: AbortSignal,
  tell: (head: ResponseHead, uri: HttpUri, next: HttpUri) => void,
): Promise<Whereabouts> {
  const found: Whereabouts = { uri: from, mirrors: [] };
  for (let redirects = 0; redirects < MAX_REDIRECTS; redirects++) {
    const head = await headOf(upstream, found.uri, signal);
    const location = head && isRedirect(head.status) ? head.fields.first('location') : undefined;
    const next = location === undefined ? null : readReference(location, found.uri);
    if (!head || !next) break;
    tell(head, found.uri, next);
    const base = `http://${found.uri.authority}${found.uri.path}`;
    for (const { url } of duplicatesIn(parseLinkField(head.fields.get('link') ?? '')))
      if (URL.canParse(url, base)) found.mirrors.push(new URL(url, base).href);
    found.uri = next;
  }
  return found;
}

/** Null where nobody answers. */
function headOf(upstream: Upstream, uri: HttpUri, signal: AbortSignal): Promise<ResponseHead | null> {
  const fields = Fields.of(
    ['Host', uri.authority],
    ['User-Agent', 'micro-cdn'],
    ['Accept', '*/*'],
    ['Want-Digest', 'SHA-256'],
  );
  return new Promise((resolve, reject) => {
    let reply: ResponseHead | null = null;
    const call = upstream.fetch(
      splitAuthority(uri.authority, 80),
      { method: 'HEAD', target: uri.path, fields },
      {
        head: (head) => {
          reply = head;
        },
        part: () => {},
        end: () => {
          signal.removeEventListener('abort', abort);
          resolve(reply);
        },
        failed: () => {
          signal.removeEventListener('abort', abort);
          resolve(null);
        },
      },
    );
    const abort = (): void => {
      call.abort();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
  });
}
