import { createHash, randomBytes } from 'node:crypto';
import { formatEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import { multipartByteranges } from '../../protocol/http/byteranges';
import { notModifiedFields } from '../../protocol/http/cache/validation';
import { evaluateConditions, ifRangeHolds } from '../../protocol/http/conditional';
import { formatDigest, formatOldDigest, wantedDigest, wantsOldDigest } from '../../protocol/http/digest';
import { Fields } from '../../protocol/http/fields';
import { type ByteRange, formatContentRange, selectRanges } from '../../protocol/http/range';
import { parseHttpUri } from '../../protocol/http/target';
import { METALINK_TYPE } from '../../protocol/metalink';
import type {
  CreateNode,
  Endpoint,
  Folder,
  FolderEntry,
  Hashing,
  NodeContext,
  NodeProgram,
  ReadableFile,
  Timer,
} from '../../runtime/context';
import { BufferPool } from '../shared/buffer-pool';
import type { Exchange } from '../shared/http/exchange';
import { RequestLog } from '../shared/http/request-log';
import { HttpServer } from '../shared/http/server';
import { catalogueOf } from './catalogue';
import { headerRules } from './header-rules';
import { type HotFile, HotFiles, PREPARED_JOIN } from './hot-files';
import type { AnsweredRequest, OriginConfig, OriginOperations, OriginSnapshot } from './manifest';
import { describedPath, describeFile, metalinkOf } from './mirrors';
import type { Representation } from './representation';
import { type Found, Site } from './site';

const KEPT_REQUESTS = 500;
const SHOWN_REQUESTS = 20;
/** A system's buffer takes megabytes at once and then nothing until a third has left: 45 s at 30 kB/s. */
const STALL_MS = 60_000;
/** Metalinks that are kept; the largest, of a file of many pieces, takes some MiB. */
const KEPT_DESCRIPTIONS = 32;

/** As it is kept; texts are made only when somebody looks. */
type LoggedRequest = Omit<AnsweredRequest, 'client'> & { peer: Endpoint };

export const createNode: CreateNode<OriginConfig> = (config, context) => new Origin(config, context);

/** Files over HTTP/1.1: GET and HEAD, conditions, ranges, digests. */
class Origin implements NodeProgram {
  readonly #config: OriginConfig;
  readonly #context: NodeContext;
  readonly #server: HttpServer;
  readonly #hot: HotFiles;
  readonly #buffers = new BufferPool();
  readonly #log = new RequestLog<LoggedRequest>(KEPT_REQUESTS);
  readonly #looking = new Map<string, Promise<Found>>();
  readonly #statuses: Record<string, number> = {};
  readonly #digests = new Map<string, Uint8Array>();
  /** By entity tag and name; a promise, so that requests that come together share one pass over the file. */
  readonly #descriptions = new Map<string, ReturnType<typeof describeFile>>();
  readonly #changed: () => void;
  #site: Site | undefined;
  #watch: Timer | undefined;
  #files: FolderEntry[] = [];
  #fileBytes = 0;
  #port = 0;
  #requests = 0;
  #sentBytes = 0;

  readonly operations = {
    configure: ({ headers }: OriginOperations['configure']['input']): void => {
      if (headers) this.#setHeaders(headers);
    },
    requests: (input: { limit?: number } | undefined): AnsweredRequest[] =>
      this.#newest(Math.min(KEPT_REQUESTS, input?.limit ?? 100)),
    catalogue: (input: OriginOperations['catalogue']['input']) =>
      catalogueOf(this.#files, `${this.#config.host}:${this.#port}`, input),
  };

  constructor(config: OriginConfig, context: NodeContext) {
    this.#config = config;
    this.#context = context;
    this.#hot = new HotFiles(config.hotBytes);
    this.#server = new HttpServer(
      context,
      {
        idleMs: config.idleMs,
        headMs: config.headMs,
        stallMs: STALL_MS,
        maxContent: 1024 * 1024,
        strict: config.strict,
        name: 'micro-cdn',
        maxConnections: config.maxConnections,
      },
      (exchange) => this.#handle(exchange),
    );
    this.#changed = context.telemetry.publish(() => ({ ...this.#snapshot() })).changed;
  }

  async start(): Promise<{ http: number }> {
    if (this.#config.files === '') {
      throw new StudioError('NO_FOLDER', 'There is no folder to serve.', 'Set the field "Folder".');
    }
    const folder = await this.#context.files.folder(this.#config.files);
    this.#site = this.#siteOf(folder, this.#config.headers);
    const http = await this.#server.start({ host: this.#config.host, port: this.#config.port });
    this.#port = http;
    this.#watch = folder.watch(() => void this.#countFiles());
    await this.#countFiles();
    return { http };
  }

  async drain(): Promise<void> {
    await this.#server.drain();
  }

  async stop(): Promise<void> {
    this.#watch?.cancel();
    await this.#server.stop();
  }

  #siteOf(folder: Folder, headers: OriginConfig['headers']): Site {
    const { listing, mirrors } = this.#config;
    return new Site(folder, headerRules(headers), listing, mirrors, this.#context.clock);
  }

  /** Whatever is known of files has the former fields. */
  #setHeaders(headers: OriginConfig['headers']): void {
    if (this.#site) this.#site = this.#siteOf(this.#site.folder, headers);
    this.#hot.clear();
    this.#looking.clear();
  }

  #handle(exchange: Exchange): void {
    const { method, target } = exchange.head;
    if (method !== 'GET' && method !== 'HEAD') {
      return this.#explain(exchange, 501, `The method ${method} is not implemented: GET and HEAD are.`);
    }
    const path = target.startsWith('/') ? target : parseHttpUri(target)?.path;
    if (path === undefined) return this.#explain(exchange, 400, 'The request target is no path.');
    const hot = this.#hot.fresh(path, this.#context.clock.now());
    if (hot) return this.#replyHot(exchange, hot);
    this.#find(exchange, path).catch((error: Error) => this.#failed(exchange, error));
  }

  async #find(exchange: Exchange, path: string): Promise<void> {
    const site = this.#site as Site;
    const found = await this.#look(path, site);
    switch (found.kind) {
      case 'file':
        return this.#replyFile(exchange, path, found.representation, site);
      case 'redirect':
        return this.#explain(
          exchange,
          301,
          `It is at ${found.location}`,
          Fields.of(['Location', found.location]),
        );
      case 'listing':
        return this.#reply(
          exchange,
          200,
          Fields.of(['Content-Type', 'text/html; charset=utf-8']),
          found.html,
        );
      case 'nothing':
        return this.#replyMetalink(exchange, path, site);
    }
  }

  /** `FILE.meta4` where there are mirrors; a file of that name in the folder goes before. */
  async #replyMetalink(exchange: Exchange, path: string, site: Site): Promise<void> {
    const { mirrors } = this.#config;
    const described = mirrors.length > 0 ? describedPath(path) : null;
    const found = described === null ? null : await this.#look(described, site);
    if (found?.kind !== 'file') return this.#explain(exchange, 404, 'There is no such file.');
    const { representation } = found;
    const { size, pieces, sha256 } = await this.#describe(representation, site);
    const hashes = { 'sha-256': Buffer.from(sha256).toString('hex') };
    const document = metalinkOf(representation.name, exchange.local, mirrors, { size, hashes, pieces });
    this.#reply(exchange, 200, Fields.of(['Content-Type', METALINK_TYPE]), document);
  }

  #describe(representation: Representation, site: Site): ReturnType<typeof describeFile> {
    const key = `${representation.etag} ${representation.name}`;
    const known = this.#descriptions.get(key);
    const description = known ?? describe(site, representation, this.#context.hashing);
    if (!known) description.catch(() => this.#descriptions.delete(key));
    this.#descriptions.delete(key);
    this.#descriptions.set(key, description);
    if (this.#descriptions.size > KEPT_DESCRIPTIONS)
      this.#descriptions.delete(this.#descriptions.keys().next().value as string);
    return description;
  }

  /** Requests for one path that come at the same time share one look at the disk. */
  #look(path: string, site: Site): Promise<Found> {
    const running = this.#looking.get(path);
    if (running) return running;
    const found = site.find(path).finally(() => {
      if (this.#looking.get(path) === found) this.#looking.delete(path);
    });
    this.#looking.set(path, found);
    return found;
  }

  async #replyFile(exchange: Exchange, path: string, found: Representation, site: Site): Promise<void> {
    const now = this.#context.clock.now();
    const hot = this.#hot.revive(path, found, now);
    if (hot) return this.#replyHot(exchange, hot);
    const file = await site.folder.open(found.name);
    try {
      // Between looking and opening it may have been replaced: what is sent must be what the fields say. To look
      // again would not end with a file that is written all the time, or on a disk that tells wrong sizes.
      const isSame = file.size === found.size && file.modifiedMs === found.modifiedMs;
      const representation = isSame ? found : site.represent(found.name, file);
      if (this.#hot.takes(file.size)) {
        const content = await readWhole(file);
        await file.close();
        if (site !== this.#site) return await this.#find(exchange, path);
        return this.#replyHot(exchange, this.#hot.add(path, representation, content, now));
      }
      await this.#select(
        exchange,
        representation,
        (range) => this.#pump(exchange, file, range),
        digestOf(file, this.#buffers),
      );
    } finally {
      await file.close();
    }
  }

  #replyHot(exchange: Exchange, hot: HotFile): void {
    const { head } = exchange;
    if (head.method === 'GET' && exchange.takesPrepared && !hasConditions(head.fields)) {
      return this.#replyPrepared(exchange, hot);
    }
    const send = async ({ start, end }: ByteRange): Promise<void> => {
      await exchange.write(hot.content.subarray(start, end));
      this.#sentBytes += end - start;
    };
    const digest = async (hash: string): Promise<Uint8Array> => createHash(hash).update(hot.content).digest();
    this.#select(exchange, hot.representation, send, digest).catch((error: Error) =>
      this.#failed(exchange, error),
    );
  }

  #replyPrepared(exchange: Exchange, hot: HotFile): void {
    const date = this.#server.dateValue;
    if (hot.prepared?.date !== date) {
      const fields = hot.representation.fields
        .copy()
        .add('Date', date)
        .add('Server', this.#server.options.name);
      hot.prepared = { date, ...preparedReply(fields, hot.content) };
    }
    this.#answered(exchange, 200).bytes = hot.content.length;
    this.#sentBytes += hot.content.length;
    exchange.sendPrepared(hot.prepared.head, hot.prepared.rest);
  }

  /** Answers with all, parts, or none of a file, as conditions and Range of the request say. */
  async #select(
    exchange: Exchange,
    representation: Representation,
    send: (range: ByteRange) => Promise<void>,
    digest: (hash: string) => Promise<Uint8Array>,
  ): Promise<void> {
    const { method, fields: request } = exchange.head;
    const now = this.#context.clock.wallTime();
    const validators = { etag: representation.etag, lastModified: representation.lastModified, exists: true };
    const outcome = evaluateConditions(method, request, validators, now);
    if (outcome === 'not-modified')
      return this.#reply(exchange, 304, notModifiedFields(representation.fields));
    if (outcome === 'failed')
      return this.#explain(exchange, 412, 'The file is not what the request expects.');
    const fields = representation.fields.copy();
    await this.#addDigest(request, fields, representation, digest);
    const { size } = representation;
    const range = method === 'GET' ? request.first('range') : undefined;
    const ranges =
      range !== undefined && ifRangeHolds(request, validators, now, now) ? selectRanges(range, size) : null;
    if (ranges === 'unsatisfiable') {
      return this.#explain(
        exchange,
        416,
        `The file has ${size} bytes.`,
        Fields.of(['Content-Range', `bytes */${size}`]),
      );
    }
    const answered = this.#answered(exchange, ranges === null ? 200 : 206);
    const sendCounted = async (part: ByteRange): Promise<void> => {
      await send(part);
      answered.bytes += part.end - part.start;
    };
    if (ranges === null) {
      exchange.begin(200, fields, size);
      if (method === 'GET') await sendCounted({ start: 0, end: size });
    } else if (ranges.length === 1) {
      const [only] = ranges as [ByteRange];
      exchange.begin(206, fields.set('Content-Range', formatContentRange(only, size)), only.end - only.start);
      await sendCounted(only);
    } else {
      const type = fields.first('content-type') ?? 'application/octet-stream';
      const multipart = multipartByteranges(ranges, size, type, randomBytes(18).toString('hex'));
      exchange.begin(206, fields.set('Content-Type', multipart.contentType), multipart.length);
      for (const part of multipart.parts) {
        await exchange.write(Buffer.from(part.head, 'latin1'));
        await sendCounted(part.range);
      }
      await exchange.write(Buffer.from(multipart.end, 'latin1'));
    }
    exchange.end();
  }

  /** RFC 9530, and where there are mirrors RFC 3230 too, by which clients know that these have the same bytes. */
  async #addDigest(
    request: Fields,
    fields: Fields,
    representation: Representation,
    digest: (hash: string) => Promise<Uint8Array>,
  ): Promise<void> {
    const wanted = wantedDigest(request, 'want-repr-digest');
    if (wanted) {
      const value = await this.#digest(representation, wanted.hash, digest);
      fields.set('Repr-Digest', formatDigest(wanted.algorithm, value));
    }
    if (this.#config.mirrors.length > 0 && wantsOldDigest(request))
      fields.set('Digest', formatOldDigest(await this.#digest(representation, 'sha256', digest)));
  }

  /** Each digest is computed once per state of the file. */
  async #digest(
    { name, etag }: Representation,
    hash: string,
    digest: (hash: string) => Promise<Uint8Array>,
  ): Promise<Uint8Array> {
    const key = `${hash} ${etag} ${name}`;
    const known = this.#digests.get(key) ?? (await digest(hash));
    this.#digests.delete(key);
    this.#digests.set(key, known);
    if (this.#digests.size > KEPT_REQUESTS) this.#digests.delete(this.#digests.keys().next().value as string);
    return known;
  }

  /** Sends a range of a file through one buffer that is used again and again. */
  async #pump(exchange: Exchange, file: ReadableFile, { start, end }: ByteRange): Promise<void> {
    const buffer = this.#buffers.take();
    try {
      for (let at = start; at < end && !exchange.isAbandoned; ) {
        const length = await file.read(buffer.subarray(0, Math.min(buffer.length, end - at)), at);
        if (length === 0) return exchange.fail();
        await exchange.send(buffer.subarray(0, length));
        this.#sentBytes += length;
        at += length;
      }
    } finally {
      this.#buffers.give(buffer);
    }
  }

  #explain(exchange: Exchange, status: number, text: string, fields?: Fields): void {
    this.#answered(exchange, status);
    exchange.explain(status, text, fields);
  }

  #reply(exchange: Exchange, status: number, fields: Fields, content = ''): void {
    this.#answered(exchange, status).bytes = content.length;
    exchange.reply(status, fields, content);
  }

  #newest(limit: number): AnsweredRequest[] {
    return this.#log.newest(limit).map(({ peer, ...rest }) => ({ ...rest, client: formatEndpoint(peer) }));
  }

  #answered(exchange: Exchange, status: number): LoggedRequest {
    this.#requests++;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    this.#context.telemetry.count('requests');
    this.#changed();
    const { method, target } = exchange.head;
    return this.#log.add({
      at: this.#context.clock.wallTime(),
      peer: exchange.peer,
      method,
      target,
      status,
      bytes: 0,
    });
  }

  #failed(exchange: Exchange, error: Error): void {
    if (exchange.isAbandoned) return;
    this.#context.log.error(`${exchange.head.target} can't be served: ${error.message}`);
    if (exchange.started) exchange.fail();
    else this.#explain(exchange, 500, 'The file cannot be read.');
  }

  async #countFiles(): Promise<void> {
    this.#files = await (this.#site as Site).folder.list();
    this.#fileBytes = this.#files.reduce((sum, entry) => sum + entry.size, 0);
    this.#changed();
  }

  #snapshot(): OriginSnapshot {
    return {
      files: this.#files.length,
      bytes: this.#fileBytes,
      connections: this.#server.connections,
      requests: this.#requests,
      sentBytes: this.#sentBytes,
      statuses: { ...this.#statuses },
      hot: {
        files: this.#hot.size,
        bytes: this.#hot.bytes,
        capacity: this.#hot.capacity,
        hits: this.#hot.hits,
      },
      recent: this.#newest(SHOWN_REQUESTS),
    };
  }
}

/** Fields of a request that may ask for anything but the whole file. */
const asking = new Set([
  'range',
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'want-repr-digest',
  'want-digest',
]);

function hasConditions(fields: Fields): boolean {
  for (const name of fields.names) if (asking.has(name)) return true;
  return false;
}

async function describe(
  { folder }: Site,
  { name, size, modifiedMs }: Representation,
  hashing: Hashing,
): ReturnType<typeof describeFile> {
  const file = await folder.open(name);
  try {
    if (file.size !== size || file.modifiedMs !== modifiedMs) throw new Error('It has just changed.');
    return await describeFile(file, hashing);
  } finally {
    await file.close();
  }
}

function preparedReply(
  fields: Fields,
  content: Uint8Array,
): { head: Uint8Array; rest: Uint8Array | undefined } {
  const head = `HTTP/1.1 200 OK\r\n${fields.toString()}Content-Length: ${content.length}\r\n\r\n`;
  return {
    head: Buffer.concat([Buffer.from(head, 'latin1'), content.subarray(0, PREPARED_JOIN)]),
    rest: content.length > PREPARED_JOIN ? content.subarray(PREPARED_JOIN) : undefined,
  };
}

async function readWhole(file: ReadableFile): Promise<Uint8Array> {
  const content = Buffer.allocUnsafeSlow(file.size);
  for (let at = 0; at < content.length; ) {
    const length = await file.read(content.subarray(at), at);
    if (length === 0) throw new Error('The file became shorter while it was read.');
    at += length;
  }
  return content;
}

function digestOf(file: ReadableFile, buffers: BufferPool): (hash: string) => Promise<Uint8Array> {
  return async (hash) => {
    const sum = createHash(hash);
    const buffer = buffers.take();
    try {
      for (let at = 0; ; ) {
        const length = await file.read(buffer, at);
        if (length === 0) return sum.digest();
        sum.update(buffer.subarray(0, length));
        at += length;
      }
    } finally {
      buffers.give(buffer);
    }
  };
}
