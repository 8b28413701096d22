import { formatHttpDate } from '../../../protocol/http/date';
import { defaultHeadLimits, type HeadLimits, type HeadTolerance } from '../../../protocol/http/head-reader';
import type { Clock, Connection, Endpoint, Listener, NodeContext, Timer } from '../../../runtime/context';
import type { Exchange } from './exchange';
import { ServerConnection } from './server-connection';

export interface HttpServerOptions {
  /** An open connection without a request is closed after so many ms. */
  idleMs: number;
  /** A head must be complete so many ms after its first byte: 408 otherwise. */
  headMs: number;
  /** A client that neither sends content it announced, nor takes a reply, for so many ms is dropped. */
  stallMs: number;
  /** Largest content of a request, bytes: 413 beyond. */
  maxContent: number;
  /** Only RFC 9112, no tolerance for heads that end in `\r\n\r`. */
  strict: boolean;
  /** For the Server field; empty: none. */
  name: string;
  limits?: HeadLimits;
}

/** Takes requests. It is called once for each, in order per connection, and answers now or later. */
export type RequestHandler = (exchange: Exchange) => void;

/**
 * HTTP/1.1 on a node's network: persistent connections, pipelining, limits and deadlines. One timer looks after
 * all connections, so that a request costs none.
 */
export class HttpServer {
  readonly handler: RequestHandler;
  readonly options: HttpServerOptions;
  readonly limits: HeadLimits;
  readonly tolerance: HeadTolerance;
  readonly telemetry: NodeContext['telemetry'];
  readonly #context: NodeContext;
  readonly #connections = new Set<ServerConnection>();
  #listener: Listener | undefined;
  #sweep: Timer | undefined;
  #draining = false;
  #drained: (() => void) | undefined;
  #dateSecond = -1;
  #dateLine = '';
  /** Rises with every sweep: a clock that costs nothing to read. */
  tick = 0;

  constructor(context: NodeContext, options: HttpServerOptions, handler: RequestHandler) {
    this.#context = context;
    this.telemetry = context.telemetry;
    this.handler = handler;
    this.options = options;
    this.limits = options.limits ?? defaultHeadLimits;
    this.tolerance = { missingLastLineFeed: options.strict ? 'never' : 'at-end' };
  }

  get clock(): Clock {
    return this.#context.clock;
  }

  get log(): NodeContext['log'] {
    return this.#context.log;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Milliseconds between two sweeps; deadlines are kept to within one of them. */
  get tickMs(): number {
    const { idleMs, headMs, stallMs } = this.options;
    return Math.max(10, Math.min(1000, Math.min(idleMs, headMs, stallMs) / 4));
  }

  /** `Date: …` of this second. */
  get dateValue(): string {
    const now = this.#context.clock.wallTime();
    const second = Math.floor(now / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#dateLine = formatHttpDate(now);
    }
    return this.#dateLine;
  }

  /** Binds the port and resolves to it. */
  async start(at: Endpoint): Promise<number> {
    this.#listener = await this.#context.net.listen(at, (connection) => this.#accept(connection));
    this.#sweep = this.#context.clock.every(this.tickMs, () => {
      this.tick++;
      for (const connection of this.#connections) connection.sweep();
    });
    return this.#listener.local.port;
  }

  /** Takes no new connections, and no new requests on those that are open; resolves when all have ended. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.#listener?.close();
    for (const connection of this.#connections) connection.drain();
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    this.#sweep?.cancel();
    await this.#listener?.close();
    for (const connection of this.#connections) connection.destroy();
  }

  #accept(connection: Connection): void {
    const served = new ServerConnection(this, connection, () => {
      this.#connections.delete(served);
      if (this.#connections.size === 0) this.#drained?.();
    });
    this.#connections.add(served);
    served.begin();
    if (this.#draining) served.drain();
  }
}
