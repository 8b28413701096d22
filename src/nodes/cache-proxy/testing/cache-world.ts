import { configSchema } from '../../../contract/schema';
import { ContentReader } from '../../../protocol/http/content-reader';
import { formatHttpDate } from '../../../protocol/http/date';
import { Fields } from '../../../protocol/http/fields';
import { responseFraming } from '../../../protocol/http/framing';
import { defaultHeadLimits, HeadReader } from '../../../protocol/http/head-reader';
import { parseRequestHead, type RequestHead } from '../../../protocol/http/request-head';
import { parseResponseHead } from '../../../protocol/http/response-head';
import { isInterim } from '../../../protocol/http/status';
import type { Connection, NodeProgram } from '../../../runtime/context';
import { Simulation } from '../../../runtime/testing/simulation';
import { type CacheConfig, manifest } from '../manifest';
import { createNode } from '../node';

/** What the scripted origin does with one request. */
export interface Script {
  status?: number;
  /** Numbers become dates, that many seconds from now. */
  headers?: [string, string | number][];
  body?: string;
  /** Cut the connection instead of replying. */
  disconnect?: boolean;
  /** Wait so long, ms. */
  delayMs?: number;
  /** Replies before the real one. */
  interim?: [number, [string, string][]][];
  /** Answer 304 when the request asks so with the validators of these headers. */
  validate?: boolean;
  trailers?: [string, string][];
  /** Cut the connection after so many bytes of the body. */
  cutAfter?: number;
  /** Send these bytes, one after the other, 100 ms apart, instead of anything else. */
  raw?: Uint8Array[];
  /** After `raw`, close the connection. */
  closes?: boolean;
}

export interface Reply {
  status: number;
  headers: Fields;
  body: string;
  interim: number[];
  /** The connection ended before the content was complete. */
  broken: boolean;
  trailers: Fields | undefined;
}

export interface Ask {
  method?: string;
  path?: string;
  headers?: [string, string | number][];
  body?: string;
}

const ORIGIN = { host: '127.0.0.1', port: 8000 };
const CACHE = { host: '127.0.0.1', port: 9000 };

/** A cache in front of an origin that does what it is told, on a network in memory and a clock that stands still. */
export class CacheWorld {
  readonly simulation = new Simulation();
  /** The requests that the origin has seen. */
  readonly seen: { head: RequestHead; body: string }[] = [];
  /** Connections that the origin has accepted. */
  connections = 0;
  readonly #scripts: Script[] = [];
  #node!: NodeProgram;
  #cacheName = 'cache';
  #restarts = 0;
  /** What the origin does when no script is left. */
  fallback: Script | ((request: RequestHead) => Script) = { headers: [] };

  static async start(config: Partial<CacheConfig> = {}): Promise<CacheWorld> {
    const world = new CacheWorld();
    await world.simulation.context('origin').net.listen(ORIGIN, (connection) => world.#origin(connection));
    await world.startCache(config);
    return world;
  }

  async startCache(config: Partial<CacheConfig> = {}): Promise<void> {
    const defaults = configSchema(manifest.fields).parse({}) as unknown as CacheConfig;
    this.#cacheName = `cache${this.#restarts++}`;
    const full = { ...defaults, origins: [ORIGIN], ...config };
    this.#node = createNode(full, this.simulation.context(this.#cacheName));
    await this.#node.start();
  }

  /** What the panel asks of the running cache. */
  operate(name: 'contents' | 'requests' | 'purge', input: object): unknown {
    const operations = this.#node.operations as Record<string, (input: never) => unknown>;
    return operations[name]!(input as never);
  }

  get snapshot(): Record<string, unknown> {
    return this.simulation.recorded(this.#cacheName).snapshot();
  }

  /** What the origin does next, one script per request. */
  script(...scripts: Script[]): this {
    this.#scripts.push(...scripts);
    return this;
  }

  async stop(): Promise<void> {
    await this.#node.stop();
    await this.simulation.settle();
  }

  /** Kill -9 of the cache. */
  crash(): void {
    this.simulation.crash(this.#cacheName);
  }

  stopOrigin(): void {
    this.simulation.crash('origin');
  }

  async wait(seconds: number): Promise<void> {
    await this.simulation.advance(seconds * 1000);
  }

  /** Sends a request to the cache and waits for the reply, letting time pass only where the origin delays. */
  async ask(ask: Ask = {}): Promise<Reply> {
    const reply = this.begin(ask);
    let settled = false;
    void reply.finally(() => {
      settled = true;
    });
    for (let turn = 0; turn < 4 && !settled; turn++) await this.simulation.settle();
    for (let waited = 0; waited < 60_000 && !settled; waited += 100) await this.simulation.advance(100);
    if (!settled) throw new Error('There was no reply within a minute.');
    return reply;
  }

  async begin({ method = 'GET', path = '/', headers = [], body }: Ask): Promise<Reply> {
    const connection = await this.simulation.network.host('client', this.simulation.clock).connect(CACHE);
    const fields = Fields.of(['Host', 'cache.example']);
    for (const [name, value] of headers) fields.add(name, this.#value(value));
    if (body !== undefined) fields.add('Content-Length', String(Buffer.byteLength(body)));
    const received = receive(connection, method);
    connection.write(Buffer.from(`${method} ${path} HTTP/1.1\r\n${fields}\r\n${body ?? ''}`, 'latin1'));
    return received;
  }

  #value(value: string | number): string {
    return typeof value === 'number'
      ? formatHttpDate(this.simulation.clock.wallTime() + value * 1000)
      : value;
  }

  #origin(connection: Connection): void {
    this.connections++;
    const heads = new HeadReader(defaultHeadLimits, { missingLastLineFeed: 'never' });
    let head: RequestHead | undefined;
    let content: ContentReader | undefined;
    let body = '';
    connection.handle({
      data: (bytes) => {
        for (let at = 0; at < bytes.length; ) {
          if (!content) {
            const read = heads.read(bytes, at);
            at = read.next;
            if (read.head === null) continue;
            head = parseRequestHead(read.head, 100);
            content = new ContentReader(head.framing, { extensions: 'ignore' });
          } else {
            at = content.push(bytes, at, (part) => {
              body += Buffer.from(part).toString('latin1');
            });
          }
          if (!content.done || !head) continue;
          this.seen.push({ head, body });
          this.#reply(connection, head, this.#scripts.shift() ?? this.#fallbackFor(head));
          content = head = undefined;
          body = '';
        }
      },
    });
  }

  #fallbackFor(request: RequestHead): Script {
    return typeof this.fallback === 'function' ? this.fallback(request) : this.fallback;
  }

  #reply(connection: Connection, request: RequestHead, script: Script): void {
    const send = (): void => {
      for (const [status, headers] of script.interim ?? []) {
        connection.write(`HTTP/1.1 ${status} Interim\r\n${Fields.of(...headers)}\r\n`);
      }
      if (script.disconnect) return connection.destroy();
      if (script.raw) return this.#sendRaw(connection, script.raw, script.closes ?? false);
      this.#sendFinal(connection, request, script);
    };
    if (script.delayMs) this.simulation.clock.after(script.delayMs, send);
    else send();
  }

  #sendRaw(connection: Connection, [first, ...rest]: Uint8Array[], closes: boolean): void {
    if (first && !connection.closed) connection.write(first);
    if (rest.length > 0) this.simulation.clock.after(100, () => this.#sendRaw(connection, rest, closes));
    else if (closes) connection.end();
  }

  #sendFinal(connection: Connection, request: RequestHead, script: Script): void {
    const fields = new Fields();
    for (const [name, value] of script.headers ?? []) fields.add(name, this.#value(value));
    if (!fields.has('date') && !script.headers?.some(([name]) => name === '-date'))
      fields.add('Date', this.#value(0));
    fields.delete('-date');
    const etag = fields.first('etag');
    const modified = fields.first('last-modified');
    const holds =
      (etag !== undefined && request.fields.first('if-none-match') === etag) ||
      (modified !== undefined && request.fields.first('if-modified-since') === modified);
    const status = script.validate && holds ? 304 : (script.status ?? 200);
    const body = status === 304 || status === 204 ? '' : (script.body ?? 'body');
    if (script.trailers) {
      fields.add('Transfer-Encoding', 'chunked');
      const trailers = Fields.of(...script.trailers);
      connection.write(
        `HTTP/1.1 ${status} OK\r\n${fields}\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n${trailers}\r\n`,
      );
      return;
    }
    if (
      status !== 304 &&
      status !== 204 &&
      !fields.has('content-length') &&
      !fields.has('transfer-encoding')
    ) {
      fields.add('Content-Length', String(Buffer.byteLength(body)));
    }
    connection.write(Buffer.from(`HTTP/1.1 ${status} Reason\r\n${fields}\r\n`, 'latin1'));
    if (request.method === 'HEAD') return;
    connection.write(body.slice(0, script.cutAfter ?? body.length));
    if (script.cutAfter !== undefined) connection.end();
  }
}

/** Reads one reply. */
export function receive(connection: Connection, method: string): Promise<Reply> {
  const heads = new HeadReader(defaultHeadLimits, { missingLastLineFeed: 'anywhere' });
  const interim: number[] = [];
  const parts: Buffer[] = [];
  let content: ContentReader | undefined;
  let head: ReturnType<typeof parseResponseHead> | undefined;
  return new Promise((resolve) => {
    const finish = (broken: boolean): void => {
      connection.destroy();
      resolve({
        status: head?.status ?? 0,
        headers: head?.fields ?? new Fields(),
        body: Buffer.concat(parts).toString('utf8'),
        interim,
        broken,
        trailers: content?.trailers,
      });
    };
    connection.handle({
      data: (bytes) => {
        for (let at = 0; at < bytes.length; ) {
          if (content) {
            at = content.push(bytes, at, (part) => parts.push(Buffer.from(part)));
          } else {
            const read = heads.read(bytes, at);
            at = read.next;
            if (read.head === null) continue;
            const parsed = parseResponseHead(read.head, 100);
            if (isInterim(parsed.status)) {
              interim.push(parsed.status);
              continue;
            }
            head = parsed;
            content = new ContentReader(responseFraming(method, parsed.status, parsed.fields), {
              extensions: 'ignore',
            });
          }
          if (content?.done) return finish(false);
        }
      },
      end: () => finish(!(content?.mayEnd ?? false)),
      close: () => finish(!(content?.mayEnd ?? false)),
    });
  });
}
