import { formatEndpoint, parseEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import { seconds } from '../../protocol/http/cache/reuse';
import { requestHead } from '../../protocol/http/serialise';
import { parseHttpUri } from '../../protocol/http/target';
import type { CreateNode, Endpoint, NodeContext, NodeProgram } from '../../runtime/context';
import type { Exchange } from '../shared/http/exchange';
import { HttpServer } from '../shared/http/server';
import { defaultUpstreamOptions, Upstream } from '../shared/http/upstream';
import { DiskTier } from './disk-tier';
import type { Entry } from './entry';
import { Library } from './library';
import type { CacheConfig, CacheOperations, CacheRequest, CacheSnapshot, StoredView } from './manifest';
import { CACHE_NAME } from './names';
import { Origins } from './origins';
import { CachingProxy } from './proxy';
import { Responder } from './responder';
import { isLoopback, keyOf, routeOf } from './route';
import { Statistics } from './statistics';
import { openTunnel } from './tunnel';

const SHOWN = 20;
const MAX_PAGE = 500;
/** Below the folder that it is told, which may be anybody's: what it lists and clears up is its own. */
const STORE_FOLDER = 'micro-cdn-cache';
/** A system's buffer takes megabytes at once and then nothing until a third has left: 45 s at 30 kB/s. */
const STALL_MS = 60_000;
const HEAD_MS = 10_000;
/** Requests of any size are passed through; this only keeps numbers within what they can hold. */
const MAX_CONTENT = Number.MAX_SAFE_INTEGER;

export const createNode: CreateNode<CacheConfig> = (config, context) => new CacheProxy(config, context);

/** A caching proxy: wires server, store and rules, and shows what they do. */
class CacheProxy implements NodeProgram {
  readonly #config: CacheConfig;
  readonly #context: NodeContext;
  readonly #server: HttpServer;
  readonly #upstream: Upstream;
  readonly #library: Library;
  readonly #statistics = new Statistics();
  readonly #origins: Origins;
  readonly #proxy: CachingProxy;

  readonly operations = {
    contents: (input: CacheOperations['contents']['input']) => this.#contents(input),
    requests: (input: CacheOperations['requests']['input']): CacheRequest[] =>
      this.#statistics.newest(Math.min(MAX_PAGE, input?.limit ?? 100), CACHE_NAME, input?.url),
    purge: (input: CacheOperations['purge']['input']) => ({ removed: this.#purge(input.by, input.value) }),
  };

  constructor(config: CacheConfig, context: NodeContext) {
    this.#config = config;
    this.#context = context;
    const { changed } = context.telemetry.publish(() => ({ ...this.#snapshot() }));
    this.#library = new Library(context.clock, config.memory, config.eviction, changed);
    this.#upstream = new Upstream(context, {
      ...defaultUpstreamOptions,
      replyMs: config.replyMs,
      tolerance: { missingLastLineFeed: config.strict ? 'never' : 'anywhere' },
    });
    const responder = new Responder(context, this.#library, this.#statistics, changed);
    this.#origins = new Origins(context, config.origins, this.#upstream, this.#statistics, changed);
    this.#proxy = new CachingProxy(config, context, {
      library: this.#library,
      origins: this.#origins,
      responder,
    });
    this.#server = new HttpServer(
      context,
      {
        idleMs: config.idleMs,
        headMs: HEAD_MS,
        stallMs: STALL_MS,
        maxContent: MAX_CONTENT,
        strict: config.strict,
        name: '',
        maxConnections: config.maxConnections,
      },
      (exchange) => this.#handle(exchange),
    );
  }

  async start(): Promise<{ http: number }> {
    const { store, disk, eviction } = this.#config;
    if (store !== '' && disk > 0) {
      const folder = await this.#context.files.folder(`${store}/${STORE_FOLDER}`);
      this.#library.disk = new DiskTier(this.#context, folder, this.#library, disk, eviction);
      await this.#library.disk.load();
      const { objects } = this.#library;
      if (objects > 0) this.#context.log.info(`${objects} stored replies were found in ${folder.path}.`);
    }
    const http = await this.#server.start({ host: this.#config.host, port: this.#config.port });
    return { http };
  }

  async drain(): Promise<void> {
    await this.#server.drain();
    await this.#library.disk?.close();
  }

  async stop(): Promise<void> {
    this.#upstream.stop();
    await this.#server.stop();
    await this.#library.disk?.close();
  }

  #handle(exchange: Exchange): void {
    const { method } = exchange.head;
    if (method === 'PURGE' && isLoopback(exchange.peer.host)) return this.#handlePurge(exchange);
    const { fields } = exchange.head;
    if (method === 'CONNECT') this.#connect(exchange);
    else if (this.#config.upgrade === 'tunnel' && fields.has('upgrade') && !exchange.hasContent) {
      this.#upgrade(exchange);
    } else this.#proxy.handle(exchange);
  }

  #connect(exchange: Exchange): void {
    if (this.#config.upgrade !== 'tunnel') return exchange.explain(501, 'This proxy opens no tunnels.');
    const to = parseEndpoint(exchange.head.target);
    if (!to) return exchange.explain(400, 'CONNECT takes HOST:PORT.');
    const established = Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n', 'latin1');
    void openTunnel(this.#context, exchange, to, { toClient: established });
  }

  /** The request goes to the origin as it came; whatever the origin answers, this connection is theirs now. */
  #upgrade(exchange: Exchange): void {
    const { head } = exchange;
    const route = routeOf(head, this.#config.origins, exchange.local);
    const [server] = route.servers as [Endpoint];
    const fields = head.fields.copy().set('Host', route.uri.authority);
    void openTunnel(this.#context, exchange, server, {
      toServer: requestHead(head.method, route.target, fields),
    });
  }

  /** `PURGE /path`, with `Purge: prefix` for everything that begins so, and `Purge: tag` with the tag as the path. */
  #handlePurge(exchange: Exchange): void {
    const { target, fields } = exchange.head;
    const wish = fields.first('purge') ?? 'url';
    const by = wish === 'prefix' || wish === 'tag' ? wish : 'url';
    const authority = fields.first('host') ?? '';
    const url = target.startsWith('/') ? `http://${authority}${target}` : target;
    try {
      const removed = this.#purge(by, by === 'tag' ? decodeURIComponent(target.slice(1)) : url);
      exchange.explain(removed > 0 ? 200 : 404, `${removed} stored replies were removed.`);
    } catch (error) {
      exchange.explain(400, (error as Error).message);
    }
  }

  #purge(by: 'url' | 'prefix' | 'tag', value: string): number {
    const uri = by === 'tag' ? null : parseHttpUri(value.includes('://') ? value : `http://${value}`);
    if (by !== 'tag' && !uri) {
      throw new StudioError(
        'BAD_URL',
        `"${value}" is no http URL.`,
        'Write http://HOST:PORT/PATH, as in the list.',
      );
    }
    const key = uri ? keyOf(uri) : '';
    // Of a reply under way the tags are not known yet: none of them is stored.
    this.#proxy.markPurged((other) => by === 'tag' || (by === 'url' ? other === key : other.startsWith(key)));
    const matches = (entry: Entry): boolean => {
      if (by === 'tag') return entry.tags.includes(value);
      return by === 'url' ? entry.key === key : entry.key.startsWith(key);
    };
    const removed = this.#library.purge(by, by === 'tag' ? value : key, matches);
    const text = `Purged by ${by} ${value}: ${removed} stored replies removed.`;
    this.#context.telemetry.event({ type: 'purged', text, subject: value });
    return removed;
  }

  #contents({
    search,
    sort = 'key',
    descending,
    offset = 0,
    limit = 100,
  }: CacheOperations['contents']['input']): {
    rows: StoredView[];
    total: number;
  } {
    const needle = search?.toLowerCase() ?? '';
    const entries = [...this.#library.all()].filter((entry) => entry.key.toLowerCase().includes(needle));
    const now = this.#context.clock.now();
    const value = (entry: Entry): number | string => {
      if (sort === 'size') return sizeOf(entry);
      if (sort === 'age') return entry.ageMs(now);
      if (sort === 'fresh') return entry.freshMs(now);
      return sort === 'hits' ? entry.hits : entry.key;
    };
    entries.sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
    if (descending) entries.reverse();
    const rows = entries.slice(offset, offset + Math.min(MAX_PAGE, limit)).map((entry) => viewOf(entry, now));
    return { rows, total: entries.length };
  }

  #snapshot(): CacheSnapshot {
    const statistics = this.#statistics;
    const { counts } = statistics;
    const library = this.#library;
    const { disk } = library;
    return {
      mode: this.#config.mode,
      eviction: this.#config.eviction,
      origins: this.#config.origins.map((origin) => ({
        address: formatEndpoint(origin),
        reachable: this.#origins.isReachable(origin),
      })),
      connections: this.#server.connections,
      objects: library.objects,
      memory: { used: library.memoryUsed, capacity: library.memoryCapacity, objects: library.memoryObjects },
      disk: { used: disk?.used ?? 0, capacity: disk?.capacity ?? 0, objects: disk?.objects ?? 0 },
      requests: statistics.requests,
      hits: counts.hit,
      revalidated: counts.revalidated,
      stale: counts.stale,
      misses: counts.miss,
      bypassed: counts.bypass,
      errors: counts.error,
      collapsed: statistics.collapsed,
      hitRatio: statistics.hitRatio,
      byteHitRatio: statistics.byteHitRatio,
      originOffload: statistics.originOffload,
      clientBytes: statistics.clientBytes,
      originBytes: statistics.originBytes,
      evictions: library.evictions,
      recent: statistics.newest(SHOWN, CACHE_NAME),
      evicted: library.evicted.newest(SHOWN),
      purges: library.purges.newest(SHOWN),
    };
  }
}

function sizeOf(entry: Entry): number {
  return entry.partial?.held ?? entry.content.length ?? entry.content.received;
}

function viewOf(entry: Entry, now: number): StoredView {
  const freshMs = entry.freshMs(now);
  const validator =
    entry.etag !== undefined ? 'etag' : entry.lastModified !== undefined ? 'last-modified' : 'none';
  const fresh = freshMs > 0;
  const why = fresh
    ? `fresh for ${seconds(freshMs)} more by ${entry.meta.lifetime.source}`
    : `stale for ${seconds(-freshMs)}, kept because it can ${validator === 'none' ? 'stand in for a failing origin' : 'be revalidated'}`;
  return {
    key: entry.key,
    variant: entry.variant,
    status: entry.meta.status,
    size: sizeOf(entry),
    partial: entry.partial !== undefined,
    tier: tierOf(entry),
    ageSeconds: Math.floor(entry.ageMs(now) / 1000),
    freshSeconds: Math.floor(freshMs / 1000),
    lifetimeSource: entry.meta.lifetime.source,
    hits: entry.hits,
    ...(entry.lastUsed === undefined ? {} : { lastUsed: entry.lastUsed }),
    validator,
    tags: [...entry.tags],
    why,
  };
}

function tierOf(entry: Entry): StoredView['tier'] {
  if (entry.content.state === 'arriving') return 'arriving';
  if (entry.memoryWeight > 0) return entry.file === undefined ? 'memory' : 'both';
  return 'disk';
}
