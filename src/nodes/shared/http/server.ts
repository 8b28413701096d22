import { formatHttpDate } from '../../../protocol/http/date';
import { Fields } from '../../../protocol/http/fields';
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
  /** Clients at a time; see `#admit`. */
  maxConnections: number;
  limits?: HeadLimits;
}

/** Clients that are told at one time that there is no room; with more, the first of them are cut off. */
const MAX_REFUSING = 64;
/** A client that was told to come back later comes back when connections idle now may be closed. */
const RETRY_AFTER_S = '1';
/**
 * A connection counts as idle from the second sweep after its last request on: one that has just been opened,
 * or whose client is about to send its next request, is not taken away.
 */
const IDLE_TICKS = 2;

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
  /** Those of `#connections` whose request will be answered 503. */
  readonly #refusing = new Set<ServerConnection>();
  #isFull = false;
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
    return this.#connections.size - this.#refusing.size;
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
    const admitted = this.#admit();
    // Whoever has been told for the longest, or has not even asked, makes room.
    if (!admitted && this.#refusing.size >= MAX_REFUSING) this.#drop(this.#refusing.values().next().value);
    const served = new ServerConnection(this, connection, admitted ? this.handler : refuse, () => {
      this.#connections.delete(served);
      this.#refusing.delete(served);
      if (this.#connections.size === 0) this.#drained?.();
    });
    this.#connections.add(served);
    if (!admitted) this.#refusing.add(served);
    served.begin();
    if (this.#draining) served.drain();
  }

  /**
   * Whether there is room for one more, if need be in the place of the client that has been idle the longest:
   * connections that nobody uses must not keep others out. (nginx does the same with its oldest keep-alive
   * connections, `ngx_drain_connections`.) Where no one is idle, a 503 says more than a queue in the kernel would.
   */
  #admit(): boolean {
    const { maxConnections } = this.options;
    if (this.connections < maxConnections) {
      this.#isFull &&= this.connections > maxConnections * 0.9;
      return true;
    }
    const idle = this.#longestIdle();
    if (idle) {
      this.telemetry.count('idle connections closed for others');
      this.#drop(idle);
      return true;
    }
    this.telemetry.count('clients refused');
    if (!this.#isFull) {
      const text = `All ${maxConnections} connections are in use: further clients are answered 503.`;
      this.telemetry.event({ type: 'connections-full', text, level: 'warning' });
    }
    this.#isFull = true;
    return false;
  }

  /** Its end is told later; what it held is free now. */
  #drop(connection: ServerConnection | undefined): void {
    if (!connection) return;
    this.#connections.delete(connection);
    this.#refusing.delete(connection);
    connection.destroy();
  }

  #longestIdle(): ServerConnection | undefined {
    let longest: ServerConnection | undefined;
    let since = this.tick - IDLE_TICKS + 1;
    for (const connection of this.#connections) {
      if (connection.idleSince >= since) continue;
      longest = connection;
      since = connection.idleSince;
    }
    return longest;
  }
}

function refuse(exchange: Exchange): void {
  exchange.closeAfter();
  const fields = Fields.of(['Retry-After', RETRY_AFTER_S], ['Cache-Control', 'no-store']);
  exchange.explain(503, 'Too many clients are connected.', fields);
}
