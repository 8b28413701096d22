import { isStrong } from '../../protocol/http/etag';
import { Fields } from '../../protocol/http/fields';
import { formatDuplicateLinks, parseDigestField } from '../../protocol/metalink';
import type { NodeContext } from '../../runtime/context';
import type { Upstream } from '../shared/http/upstream';
import type { BackendState } from './backend';

/** So long what was learned about a path counts; a file may change meanwhile, which is why clients verify. */
const KEPT_MS = 10_000;
const KEPT_PATHS = 500;
/** A client is not kept waiting for longer; an origin that has to read a large file for its digest is late once. */
const WAIT_MS = 500;

/** What a server has under a path. */
interface Copy {
  size: string;
  /** Only a strong one. */
  etag?: string;
  digest?: { hash: string; hex: string };
}

interface Found {
  at: number;
  copies: Map<BackendState, Copy>;
  /** Servers that have not answered yet. */
  open: number;
  waiting: Set<() => void>;
}

/**
 * Finds out which servers have the very same file, so that a redirect can name them (RFC 6249): servers are asked
 * only for clients that ask for digests, as those that download from several servers do.
 */
export class MirrorFinder {
  readonly #context: NodeContext;
  readonly #upstream: Upstream;
  readonly #found = new Map<string, Found>();

  constructor(context: NodeContext, upstream: Upstream) {
    this.#context = context;
    this.#upstream = upstream;
  }

  /** Calls back when all servers have said what they have there, or after `WAIT_MS`. */
  find(path: string, servers: readonly BackendState[], run: () => void): void {
    const found = this.#current(path) ?? this.#ask(path, servers);
    if (found.open === 0) return run();
    const go = (): void => {
      limit.cancel();
      found.waiting.delete(go);
      run();
    };
    const limit = this.#context.clock.after(WAIT_MS, go);
    found.waiting.add(go);
  }

  /** Adds Link and, where it is known, Digest of what is at `path` on `chosen` and on others that are up. */
  addTo(fields: Fields, path: string, chosen: BackendState): void {
    const copies = this.#current(path)?.copies;
    const own = copies?.get(chosen);
    if (!copies || !own) return;
    const others = [...copies].filter(
      ([server, copy]) => server !== chosen && server.state !== 'down' && isSame(own, copy),
    );
    if (others.length === 0) return;
    const urls = others.map(([{ id }], at) => ({ url: `http://${id}${path}`, priority: at + 1 }));
    for (const link of formatDuplicateLinks(urls)) fields.add('Link', link);
    // Without one, a client by the letter ignores the mirrors (RFC 6249, section 6).
    if (own.digest?.hash === 'sha-256')
      fields.add('Digest', `SHA-256=${Buffer.from(own.digest.hex, 'hex').toString('base64')}`);
  }

  stop(): void {
    for (const { waiting } of this.#found.values()) for (const go of [...waiting]) go();
  }

  #current(path: string): Found | undefined {
    const found = this.#found.get(path);
    return found && this.#context.clock.now() - found.at <= KEPT_MS ? found : undefined;
  }

  #ask(path: string, servers: readonly BackendState[]): Found {
    const found: Found = {
      at: this.#context.clock.now(),
      copies: new Map(),
      open: servers.length,
      waiting: new Set(),
    };
    this.#found.delete(path);
    this.#found.set(path, found);
    if (this.#found.size > KEPT_PATHS) this.#found.delete(this.#found.keys().next().value as string);
    for (const server of servers) {
      this.#head(path, server, (copy) => {
        if (copy) found.copies.set(server, copy);
        found.open--;
        if (found.open === 0) for (const go of [...found.waiting]) go();
      });
    }
    return found;
  }

  #head(path: string, server: BackendState, done: (copy: Copy | null) => void): void {
    const fields = Fields.of(
      ['Host', server.id],
      ['User-Agent', 'micro-cdn balancer'],
      ['Want-Repr-Digest', 'sha-256=1'],
      ['Want-Digest', 'sha-256'],
    );
    let copy: Copy | null = null;
    this.#upstream.fetch(
      server.endpoint,
      { method: 'HEAD', target: path, fields },
      {
        head: ({ status, fields: reply }) => {
          copy = status === 200 ? copyOf(reply) : null;
        },
        part: () => {},
        end: () => done(copy),
        failed: () => done(null),
      },
    );
  }
}

function copyOf(fields: Fields): Copy | null {
  const size = fields.first('content-length');
  if (size === undefined) return null;
  const etag = fields.first('etag');
  const digest = parseDigestField(fields.get('repr-digest') ?? fields.get('digest') ?? '');
  return { size, ...(etag !== undefined && isStrong(etag) ? { etag } : {}), ...(digest ? { digest } : {}) };
}

function isSame(a: Copy, b: Copy): boolean {
  if (a.size !== b.size) return false;
  if (a.digest && b.digest) return a.digest.hash === b.digest.hash && a.digest.hex === b.digest.hex;
  return a.etag !== undefined && a.etag === b.etag;
}
