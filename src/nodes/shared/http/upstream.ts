import { formatEndpoint } from '../../../contract/endpoint';
import type { Fields } from '../../../protocol/http/fields';
import type { Framing } from '../../../protocol/http/framing';
import type { HeadLimits, HeadTolerance } from '../../../protocol/http/head-reader';
import { isIdempotent } from '../../../protocol/http/methods';
import type { ResponseHead } from '../../../protocol/http/response-head';
import type { Endpoint, NodeContext, Timer } from '../../../runtime/context';
import { UpstreamConnection } from './upstream-connection';

export interface UpstreamOptions {
  /** A connection that is not made within so many ms has failed. */
  connectMs: number;
  /** A server that sends nothing for so many ms while a reply is awaited has failed. */
  replyMs: number;
  /** Idle connections are kept for so long, at most. */
  idleMs: number;
  /** Idle connections kept per server. */
  maxIdle: number;
  limits: HeadLimits;
  tolerance: HeadTolerance;
  /** Whether connections to this server may be kept after a reply. Absent: wherever HTTP allows it. */
  mayKeep?(server: Endpoint): boolean;
  /** An idle connection was closed by its server: a sign that it has died, or only that it was tired of waiting. */
  onIdleClosed?(server: Endpoint): void;
  /** Bytes; see `ConnectOptions.receiveBufferSize`. */
  receiveBufferSize?: number;
}

export const defaultUpstreamOptions: UpstreamOptions = {
  connectMs: 3000,
  replyMs: 30_000,
  idleMs: 15_000,
  maxIdle: 32,
  limits: { maxStartLine: 8192, maxHeadBytes: 64 * 1024, maxFields: 200 },
  tolerance: { missingLastLineFeed: 'anywhere' },
};

export interface UpstreamRequest {
  method: string;
  target: string;
  /** Complete, Host included; framing fields are added. */
  fields: Fields;
  /** Absent: no content. */
  content?: UpstreamContent;
}

/** Content on its way to a server. */
export interface UpstreamContent {
  /** Undefined: not known, sent chunked. */
  length: number | undefined;
  /** Called when the head has been sent. `write` takes a lent part; `pause` and `resume` come from the server. */
  start(out: { write(part: Uint8Array): void; end(trailers?: Fields): void }): void;
  pause(): void;
  resume(): void;
}

/** Receives a reply. After `failed` or `end` nothing follows. */
export interface ReplySink {
  interim?(head: ResponseHead): void;
  head(head: ResponseHead, framing: Framing): void;
  /** Lent: copy what you keep. */
  part(bytes: Uint8Array): void;
  end(trailers: Fields | undefined): void;
  failed(error: UpstreamError): void;
}

/** Why there is no reply, or no whole one. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';

  constructor(
    /** 'unreachable': no connection. 'timeout': silence. 'broken': it ended too early. 'malformed': not HTTP. */
    readonly kind: 'unreachable' | 'timeout' | 'broken' | 'malformed',
    message: string,
  ) {
    super(message);
  }
}

/** A request under way. */
export interface UpstreamCall {
  /** The reply is no longer wanted; nothing more is told to the sink. */
  abort(): void;
  pause(): void;
  resume(): void;
}

/** Talks HTTP/1.1 to servers over connections that are kept open and used again. */
export class Upstream {
  readonly options: UpstreamOptions;
  readonly #context: NodeContext;
  readonly #idle = new Map<string, UpstreamConnection[]>();
  readonly #busy = new Set<UpstreamConnection>();
  readonly #sweep: Timer;
  #stopped = false;

  constructor(context: NodeContext, options: UpstreamOptions) {
    this.#context = context;
    this.options = options;
    this.#sweep = context.clock.every(1000, () => this.#closeOld());
  }

  /**
   * Sends a request. When a connection that was kept open turns out to be dead before a byte of the reply, a
   * request that is safe to repeat is sent again on a new one.
   */
  fetch(to: Endpoint, request: UpstreamRequest, sink: ReplySink): UpstreamCall {
    const call = new PendingCall();
    const kept = this.#takeIdle(to);
    if (kept) this.#send(kept, to, request, sink, call, true);
    else this.#dial(to, request, sink, call);
    return call;
  }

  /** An idle connection to this server is open: its end would be told by `onIdleClosed`. */
  watches(to: Endpoint): boolean {
    return (this.#idle.get(formatEndpoint(to)) ?? []).length > 0;
  }

  /** Idle connections to a server that is known to be gone are of no use. */
  forget(to: Endpoint): void {
    const key = formatEndpoint(to);
    for (const connection of this.#idle.get(key) ?? []) connection.destroy();
    this.#idle.delete(key);
  }

  stop(): void {
    this.#stopped = true;
    this.#sweep.cancel();
    for (const connections of this.#idle.values()) for (const connection of connections) connection.destroy();
    for (const connection of this.#busy) connection.destroy();
    this.#idle.clear();
  }

  #dial(to: Endpoint, request: UpstreamRequest, sink: ReplySink, call: PendingCall): void {
    const cancel = new AbortController();
    call.onAbort = () => cancel.abort();
    const { connectMs, receiveBufferSize } = this.options;
    this.#context.net
      .connect(to, {
        timeoutMs: connectMs,
        signal: cancel.signal,
        ...(receiveBufferSize ? { receiveBufferSize } : {}),
      })
      .then(
        (socket) => {
          if (call.aborted || this.#stopped) return socket.destroy();
          const connection = new UpstreamConnection(socket, this.options, this.#context);
          this.#send(connection, to, request, sink, call, false);
        },
        (error: Error) => {
          if (call.aborted) return;
          sink.failed(new UpstreamError('unreachable', `${formatEndpoint(to)}: ${reasonOf(error)}`));
        },
      );
  }

  #send(
    connection: UpstreamConnection,
    to: Endpoint,
    request: UpstreamRequest,
    sink: ReplySink,
    call: PendingCall,
    reused: boolean,
  ): void {
    this.#busy.add(connection);
    call.connection = connection;
    call.onAbort = () => {
      this.#busy.delete(connection);
      connection.destroy();
    };
    const repeatable = reused && request.content === undefined && isIdempotent(request.method);
    connection.request(
      request,
      {
        ...(sink.interim ? { interim: (head: ResponseHead) => call.aborted || sink.interim?.(head) } : {}),
        head: (head, framing) => call.aborted || sink.head(head, framing),
        part: (bytes) => call.aborted || sink.part(bytes),
        end: (trailers) => {
          if (!call.aborted) sink.end(trailers);
        },
        failed: (error) => {
          this.#busy.delete(connection);
          if (call.aborted) return;
          if (repeatable && error.kind === 'broken' && !connection.sawReply)
            this.#dial(to, request, sink, call);
          else sink.failed(error);
        },
      },
      (reusable) => {
        this.#busy.delete(connection);
        call.connection = undefined;
        call.onAbort = undefined;
        const keeps = reusable && !this.#stopped && (this.options.mayKeep?.(to) ?? true);
        if (keeps) this.#keepIdle(to, connection);
        else connection.destroy();
      },
    );
  }

  #takeIdle(to: Endpoint): UpstreamConnection | undefined {
    const connections = this.#idle.get(formatEndpoint(to));
    for (let connection = connections?.pop(); connection; connection = connections?.pop()) {
      if (connection.isUsable(this.#context.clock.now())) return connection;
      connection.destroy();
    }
    return undefined;
  }

  #keepIdle(to: Endpoint, connection: UpstreamConnection): void {
    const key = formatEndpoint(to);
    const connections = this.#idle.get(key) ?? [];
    this.#idle.set(key, connections);
    connections.push(connection);
    connection.onIdleClosed = () => {
      this.#idle.set(
        key,
        (this.#idle.get(key) ?? []).filter((other) => other !== connection),
      );
      if (!this.#stopped) this.options.onIdleClosed?.(to);
    };
    if (connections.length > this.options.maxIdle) connections.shift()?.destroy();
  }

  #closeOld(): void {
    const now = this.#context.clock.now();
    for (const [key, connections] of this.#idle) {
      const usable = connections.filter((connection) => connection.isUsable(now));
      for (const connection of connections) if (!usable.includes(connection)) connection.destroy();
      if (usable.length === 0) this.#idle.delete(key);
      else this.#idle.set(key, usable);
    }
  }
}

class PendingCall implements UpstreamCall {
  aborted = false;
  connection: UpstreamConnection | undefined;
  onAbort: (() => void) | undefined;

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    this.onAbort?.();
  }

  pause(): void {
    this.connection?.pause();
  }

  resume(): void {
    this.connection?.resume();
  }
}

function reasonOf(error: Error): string {
  const { code } = error as { code?: string };
  if (code === 'ECONNREFUSED') return 'nothing listens there.';
  if (code === 'ETIMEDOUT') return 'no answer to the connection.';
  return error.message;
}
