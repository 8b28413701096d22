import { chunkedEnd, chunkStart } from '../../../protocol/http/chunked';
import { ContentReader } from '../../../protocol/http/content-reader';
import type { Fields } from '../../../protocol/http/fields';
import { responseFraming } from '../../../protocol/http/framing';
import { HeadReader } from '../../../protocol/http/head-reader';
import { HttpError } from '../../../protocol/http/http-error';
import { parseResponseHead, type ResponseHead } from '../../../protocol/http/response-head';
import { requestHead } from '../../../protocol/http/serialise';
import { isInterim } from '../../../protocol/http/status';
import type { Connection, NodeContext } from '../../../runtime/context';
import { type ReplySink, UpstreamError, type UpstreamOptions, type UpstreamRequest } from './upstream';

/** Content that the server has not taken: more waits at its source. */
const HIGH_WATER = 1024 * 1024;
/** A server that says when it closes idle connections is not tested to the last moment. */
const KEEP_ALIVE_MARGIN_MS = 1000;

/** Without content these say so (RFC 9110, section 8.6): many servers answer 411 otherwise. */
const anticipatesContent = new Set(['POST', 'PUT', 'PATCH']);

interface Call {
  request: UpstreamRequest;
  sink: ReplySink;
  done(reusable: boolean): void;
}

/** One connection to a server: a request at a time, and its reply. */
export class UpstreamConnection {
  readonly #connection: Connection;
  readonly #options: UpstreamOptions;
  readonly #context: NodeContext;
  readonly #heads: HeadReader;
  #call: Call | undefined;
  #head: ResponseHead | undefined;
  #content: ContentReader | undefined;
  /** All of the request has been given to the connection. */
  #sent = false;
  /** Content of the request waits until the server takes what it has been sent. */
  #blocked = false;
  #paused = false;
  #usableUntil = 0;
  #closed = false;
  /** Called when the server closes while no request is under way. */
  onIdleClosed: (() => void) | undefined;
  /** A byte of the reply to the current request has arrived. */
  sawReply = false;

  constructor(connection: Connection, options: UpstreamOptions, context: NodeContext) {
    this.#connection = connection;
    this.#options = options;
    this.#context = context;
    this.#heads = new HeadReader(options.limits, options.tolerance);
    connection.handle({
      data: (bytes) => this.#received(bytes),
      end: () => this.#ended(),
      close: () => {
        this.#closed = true;
        this.#idleClosed();
        this.#fail(
          new UpstreamError('broken', 'The server closed the connection before its reply was complete.'),
        );
      },
    });
  }

  /** Idle, open, and not about to be closed by the server. */
  isUsable(now: number): boolean {
    return !this.#closed && !this.#connection.closed && this.#call === undefined && now < this.#usableUntil;
  }

  request(request: UpstreamRequest, sink: ReplySink, done: (reusable: boolean) => void): void {
    this.#call = { request, sink, done };
    this.#head = this.#content = undefined;
    this.sawReply = false;
    this.#heads.reset();
    const { fields, content } = request;
    if (content) {
      if (content.length === undefined) fields.set('Transfer-Encoding', 'chunked');
      else fields.set('Content-Length', String(content.length));
    } else if (anticipatesContent.has(request.method)) fields.set('Content-Length', '0');
    this.#context.telemetry.trace(
      'out',
      'tcp',
      this.#connection.remote,
      () => `${request.method} ${request.target}\n${fields.toString()}`,
    );
    this.#connection.write(requestHead(request.method, request.target, fields));
    this.#sent = content === undefined;
    this.#blocked = false;
    this.#watchSilence();
    content?.start(this.#contentWriter(content.length === undefined, content));
  }

  pause(): void {
    this.#paused = true;
    this.#connection.pause();
    this.#watchSilence();
  }

  resume(): void {
    this.#paused = false;
    this.#connection.resume();
    this.#watchSilence();
  }

  destroy(): void {
    this.#call = this.onIdleClosed = undefined;
    this.#watchSilence();
    this.#connection.destroy();
  }

  /** The silence counts only where it is the server's: not while we don't read, or its client has not sent all. */
  #watchSilence(): void {
    const { replyMs } = this.#options;
    const isAwaited = this.#call !== undefined && !this.#paused && (this.#sent || this.#blocked);
    this.#connection.setIdle(isAwaited ? replyMs : 0, () => {
      this.#fail(new UpstreamError('timeout', `The server has sent nothing for ${replyMs} ms.`));
    });
  }

  #contentWriter(chunked: boolean, flow: { pause(): void; resume(): void }) {
    const call = this.#call;
    return {
      write: (part: Uint8Array): void => {
        if (this.#call !== call || part.length === 0) return;
        const pieces = chunked
          ? [Buffer.from(chunkStart(part.length), 'latin1'), part, Buffer.from('\r\n', 'latin1')]
          : [part];
        const bytes = Buffer.concat(pieces);
        if (this.#connection.pendingBytes < HIGH_WATER) return this.#connection.write(bytes);
        flow.pause();
        this.#blocked = true;
        this.#watchSilence();
        this.#connection.send(bytes).then(
          () => {
            if (this.#call === call) this.#blocked = false;
            this.#watchSilence();
            flow.resume();
          },
          () => {},
        );
      },
      end: (trailers?: Fields): void => {
        if (this.#call !== call) return;
        if (chunked) this.#connection.write(Buffer.from(chunkedEnd(trailers), 'latin1'));
        this.#sent = true;
        this.#watchSilence();
        if (this.#head && this.#content?.done) this.#complete(0);
      },
    };
  }

  #received(bytes: Uint8Array): void {
    if (!this.#call) {
      // The end of the last head, late.
      if (bytes.length === 1 && bytes[0] === 0x0a && this.#heads.takeSkipLineFeed()) return;
      // Bytes that nobody asked for: whatever they are, they must not become the reply to the next request.
      this.destroy();
      return;
    }
    this.sawReply = true;
    try {
      let at = 0;
      while (at < bytes.length && this.#call) {
        at = this.#content ? this.#takeContent(bytes, at) : this.#takeHead(bytes, at);
        if (this.#call && this.#content?.done) return this.#complete(bytes.length - at);
      }
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      this.#fail(new UpstreamError('malformed', error.message));
    }
  }

  #takeHead(bytes: Uint8Array, at: number): number {
    const { head: text, next } = this.#heads.read(bytes, at);
    if (text === null) return next;
    const head = parseResponseHead(text, this.#options.limits.maxFields);
    const { request, sink } = this.#call as Call;
    this.#context.telemetry.trace(
      'in',
      'tcp',
      this.#connection.remote,
      () => `${head.status} ${head.reason}\n${head.fields.toString()}`,
    );
    if (head.status === 101) throw new HttpError(502, 'The server switched protocols without being asked.');
    if (isInterim(head.status)) {
      if (head.status !== 100) sink.interim?.(head);
      return next;
    }
    const framing = responseFraming(request.method, head.status, head.fields);
    this.#head = head;
    this.#content = ContentReader.after(this.#heads, framing, { extensions: 'ignore' });
    sink.head(head, framing);
    return next;
  }

  #takeContent(bytes: Uint8Array, at: number): number {
    return (this.#content as ContentReader).push(bytes, at, (part) => this.#call?.sink.part(part));
  }

  /** @param excess bytes after the end of the reply: the connection can't be trusted any more */
  #complete(excess: number): void {
    const { sink, done } = this.#call as Call;
    const head = this.#head as ResponseHead;
    const trailers = this.#content?.trailers;
    const framing = this.#content?.framing.kind;
    // A server that answers before it has read everything may still read or not read the rest.
    const reusable =
      head.keepAlive && excess === 0 && this.#sent && framing !== 'until-close' && !isFaultilyFramed(head);
    this.#call = undefined;
    // Whoever paused for the last part can't resume any more, and the next call would never see its reply.
    this.resume();
    this.#usableUntil = this.#context.clock.now() + this.#keptFor(head);
    done(reusable);
    sink.end(trailers);
  }

  #keptFor(head: ResponseHead): number {
    const seconds = /\btimeout=(\d{1,6})/i.exec(head.fields.get('keep-alive') ?? '')?.[1];
    const announced =
      seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS;
    return Math.min(this.#options.idleMs, announced);
  }

  #idleClosed(): void {
    const tell = this.#call ? undefined : this.onIdleClosed;
    this.onIdleClosed = undefined;
    tell?.();
  }

  #ended(): void {
    this.#idleClosed();
    if (this.#call && this.#content?.mayEnd) this.#complete(1);
    this.#connection.end();
    this.#fail(
      new UpstreamError('broken', 'The server closed the connection before its reply was complete.'),
    );
  }

  #fail(error: UpstreamError): void {
    const call = this.#call;
    if (!call) return;
    this.destroy();
    call.sink.failed(error);
  }
}

/** Somebody else on the way may have seen another end: the connection is not used again (RFC 9112, section 6.1). */
function isFaultilyFramed({ fields, minor }: ResponseHead): boolean {
  return fields.has('transfer-encoding') && (fields.has('content-length') || minor === 0);
}
