import { ContentReader } from '../../../protocol/http/content-reader';
import { Fields } from '../../../protocol/http/fields';
import { HeadReader } from '../../../protocol/http/head-reader';
import { HttpError } from '../../../protocol/http/http-error';
import { parseRequestHead, type RequestHead } from '../../../protocol/http/request-head';
import type { Connection, ConnectionHandlers, Endpoint } from '../../../runtime/context';
import { Exchange } from './exchange';
import type { HttpServer, RequestHandler } from './server';

/** Above this many bytes that the client has not taken, nothing more is given to the connection. */
export const HIGH_WATER = 1024 * 1024;
/** Pipelined requests that wait behind one in progress: reading stops beyond. */
const MAX_BACKLOG = 64 * 1024;
/** After our side has ended and all has left, a client gets so long to end its own, ms (nginx's lingering_timeout). */
const LINGER_MS = 5000;
/** Content that nobody read is read and thrown away up to this size, to keep the connection. */
const MAX_DISCARD = 256 * 1024;

/**
 * One connection of a client: cuts requests out of its bytes and handles one at a time, so that replies are in
 * the order of requests. Replies to pipelined requests that are ready at once leave in one write.
 */
export class ServerConnection {
  readonly server: HttpServer;
  readonly #handler: RequestHandler;
  readonly #connection: Connection;
  readonly #closed: () => void;
  readonly #heads: HeadReader;
  #exchange: Exchange | undefined;
  #content: ContentReader | undefined;
  #askedAt: number | undefined;
  /** Bytes after the request in progress. */
  #backlog: Buffer[] = [];
  #backlogLength = 0;
  #out: Uint8Array[] = [];
  #outLength = 0;
  #batching = false;
  #pausedForBacklog = false;
  #pausedByReader = false;
  #peerEnded = false;
  /** Our side has: what still comes is thrown away. */
  #ended = false;
  /** Set when the connection no longer speaks HTTP: see `takeOver`. */
  #taken: ConnectionHandlers | undefined;
  #lastProgress: number;
  /** Bytes of replies that were given to the connection. */
  #given = 0;
  #takenAtSweep = 0;

  constructor(server: HttpServer, connection: Connection, handler: RequestHandler, closed: () => void) {
    this.server = server;
    this.#handler = handler;
    this.#connection = connection;
    this.#closed = closed;
    this.#heads = new HeadReader(server.limits, server.tolerance);
    this.#lastProgress = server.tick;
  }

  get peer(): Endpoint {
    return this.#connection.remote;
  }

  get local(): Endpoint {
    return this.#connection.local;
  }

  /** The sweep since which nothing has been under way here; infinite while something is. */
  get idleSince(): number {
    const isBusy =
      this.#exchange !== undefined ||
      this.#taken !== undefined ||
      this.#heads.heldBytes + this.#backlogLength + this.#connection.pendingBytes > 0;
    return isBusy ? Number.POSITIVE_INFINITY : this.#lastProgress;
  }

  begin(): void {
    this.#connection.handle({
      data: (bytes) => (this.#taken ? this.#taken.data(bytes) : this.#received(bytes)),
      end: () => (this.#taken ? this.#taken.end?.() : this.#peerFinished()),
      close: (error) => {
        this.#taken?.close?.(error);
        this.#gone();
      },
    });
  }

  /**
   * Gives the connection away: from now on every byte goes to `handlers`, beginning with those that have come
   * already. The request in progress is over.
   */
  takeOver(handlers: ConnectionHandlers): Connection {
    this.#flush();
    this.#exchange = this.#content = undefined;
    this.#taken = handlers;
    this.#pausedForBacklog = this.#pausedByReader = false;
    this.#connection.resume();
    for (const bytes of this.#backlog.splice(0)) handlers.data(bytes);
    this.#backlogLength = 0;
    if (this.#peerEnded) handlers.end?.();
    return this.#connection;
  }

  /** Closes when idle, or after the reply in progress. */
  drain(): void {
    if (this.#taken) this.#connection.destroy();
    else if (this.#exchange && !this.#exchange.finished) this.#exchange.closeAfter();
    else if (this.#heads.heldBytes === 0) this.#end();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  /** Looks for deadlines that have passed. */
  sweep(): void {
    if (this.#taken) return;
    const { server } = this;
    const { idleMs, headMs, stallMs } = server.options;
    const { pendingBytes } = this.#connection;
    // What is pending alone does not tell: of a long reply, one block after the other is.
    const taken = this.#given - pendingBytes;
    if (taken !== this.#takenAtSweep) this.#lastProgress = server.tick;
    this.#takenAtSweep = taken;
    const waited = (server.tick - this.#lastProgress) * server.tickMs;
    if (this.#ended) {
      if (waited >= (pendingBytes > 0 ? stallMs : Math.min(LINGER_MS, stallMs))) this.#connection.destroy();
    } else if (this.#exchange) {
      const waitsForClient = pendingBytes > 0 || this.#exchange.waitsForContent;
      if (waitsForClient && waited >= stallMs) this.#stalled();
    } else if (this.#heads.heldBytes > 0) {
      if (waited >= headMs) this.#refuse(new HttpError(408, 'The head of the request took too long.'));
    } else if (waited >= idleMs) {
      this.#end();
    }
  }

  // What an exchange needs of its connection.

  /** Queues bytes of a reply; they leave at the end of the batch. */
  send(bytes: Uint8Array): void {
    this.#out.push(bytes);
    this.#outLength += bytes.length;
    if (!this.#batching) this.#flush();
  }

  /** More waits for the client than is given to a connection at once. */
  get isFull(): boolean {
    return this.#connection.pendingBytes + this.#outLength > HIGH_WATER;
  }

  /** Resolves when the client has taken enough for more to be sent. Rejects when it is gone. */
  ready(): Promise<void> | undefined {
    this.#flush();
    if (this.#connection.pendingBytes <= HIGH_WATER) return undefined;
    return this.#connection.send(new Uint8Array(0));
  }

  /** Sends after what is queued; resolves when the bytes may be reused. */
  sendNow(bytes: Uint8Array): Promise<void> {
    this.#flush();
    this.#given += bytes.length;
    return this.#connection.send(bytes);
  }

  pauseContent(): void {
    this.#pausedByReader = true;
    this.#connection.pause();
  }

  resumeContent(): void {
    if (!this.#pausedByReader) return;
    this.#pausedByReader = false;
    this.#resume();
  }

  /** The exchange has sent its whole reply. */
  replied(keepAlive: boolean): void {
    const content = this.#content as ContentReader;
    this.#lastProgress = this.server.tick;
    this.server.telemetry.answered(this.#askedAt);
    if (!keepAlive || (!content.done && (content.left ?? MAX_DISCARD) >= MAX_DISCARD)) {
      this.#exchange = undefined;
      return this.#end();
    }
    if (this.#pausedByReader) this.resumeContent();
    if (content.done) this.#next();
  }

  #next(): void {
    this.#exchange = this.#content = undefined;
    this.#lastProgress = this.server.tick;
    if (this.server.draining) return this.#end();
    // Inside a batch the loop that is running goes on with the next request.
    if (!this.#batching) this.#takeBacklog();
  }

  #received(bytes: Uint8Array): void {
    if (this.#ended) return;
    if (this.#backlogLength > 0 || (this.#content?.done && this.#exchange)) return this.#keep(bytes, 0);
    this.#batch(bytes);
  }

  #batch(bytes: Uint8Array): void {
    this.#batching = true;
    let at = 0;
    try {
      while (at < bytes.length && !this.#ended && !this.#taken) {
        if (this.#content && !this.#content.done) at = this.#takeContent(bytes, at);
        else if (this.#exchange || this.#connection.pendingBytes + this.#outLength > HIGH_WATER) break;
        else at = this.#takeHead(bytes, at);
      }
    } catch (error) {
      this.#refuse(error);
    }
    this.#batching = false;
    this.#flush();
    if (this.#taken) return at < bytes.length ? this.#taken.data(bytes.subarray(at)) : undefined;
    if (at < bytes.length && !this.#ended) this.#keep(bytes, at);
    if (!this.#exchange && this.#peerEnded && this.#backlogLength === 0) this.#end();
  }

  #takeHead(bytes: Uint8Array, at: number): number {
    if (this.#heads.heldBytes === 0) this.#lastProgress = this.server.tick;
    const { head, next } = this.#heads.read(bytes, at);
    if (head !== null) this.#begin(parseRequestHead(head, this.server.limits.maxFields));
    return next;
  }

  #begin(head: RequestHead): void {
    const { server } = this;
    const { framing } = head;
    if (framing.kind === 'length' && framing.length > server.options.maxContent) {
      throw new HttpError(413, `The content is longer than ${server.options.maxContent} bytes.`);
    }
    const expect = head.fields.get('expect');
    if (expect !== undefined && head.minor === 1 && expect.toLowerCase() !== '100-continue') {
      throw new HttpError(417, `The expectation ${expect} can't be met.`);
    }
    this.#lastProgress = server.tick;
    this.#askedAt = server.telemetry.asked();
    server.telemetry.trace('in', 'tcp', this.peer, () => describe(head));
    this.#content = ContentReader.after(this.#heads, framing, { extensions: 'refuse' });
    const exchange = new Exchange(this, head, this.#content);
    this.#exchange = exchange;
    this.#handler(exchange);
  }

  #takeContent(bytes: Uint8Array, at: number): number {
    const content = this.#content as ContentReader;
    this.#lastProgress = this.server.tick;
    const next = content.push(bytes, at, (part) => this.#exchange?.received(part));
    if (content.done) {
      const exchange = this.#exchange;
      exchange?.contentEnded();
      if (exchange?.finished) this.#next();
    }
    return next;
  }

  #keep(bytes: Uint8Array, at: number): void {
    this.#backlog.push(Buffer.from(bytes.subarray(at)));
    this.#backlogLength += bytes.length - at;
    if (this.#backlogLength > MAX_BACKLOG) {
      this.#pausedForBacklog = true;
      this.#connection.pause();
    }
    if (!this.#exchange) this.#takeBacklogWhenReady();
  }

  /** The client has not taken the replies yet that it asked for. */
  #takeBacklogWhenReady(): void {
    this.#connection.send(new Uint8Array(0)).then(
      () => this.#takeBacklog(),
      () => {},
    );
  }

  #takeBacklog(): void {
    if (this.#backlogLength === 0) {
      if (this.#peerEnded && !this.#exchange) this.#end();
      return;
    }
    const bytes = this.#backlog.length === 1 ? (this.#backlog[0] as Buffer) : Buffer.concat(this.#backlog);
    this.#backlog = [];
    this.#backlogLength = 0;
    if (this.#pausedForBacklog) {
      this.#pausedForBacklog = false;
      this.#resume();
    }
    this.#batch(bytes);
  }

  #resume(): void {
    if (!this.#pausedByReader && !this.#pausedForBacklog) this.#connection.resume();
  }

  #flush(): void {
    const { length } = this.#out;
    if (length === 0) return;
    this.#given += this.#outLength;
    const bytes = length === 1 ? (this.#out[0] as Uint8Array) : undefined;
    if (bytes) this.#connection.write(bytes);
    else if (this.#outLength <= HIGH_WATER / 4)
      this.#connection.write(Buffer.concat(this.#out, this.#outLength));
    else for (const part of this.#out) this.#connection.write(part);
    this.#out = [];
    this.#outLength = 0;
  }

  #stalled(): void {
    const exchange = this.#exchange as Exchange;
    if (exchange.waitsForContent && !exchange.started) {
      this.#refuse(new HttpError(408, 'The content of the request took too long.'));
    } else {
      this.#connection.destroy();
    }
  }

  /** Answers what cannot be taken, and closes: after it nobody knows where the next request begins. */
  #refuse(error: unknown): void {
    const { status, message } =
      error instanceof HttpError ? error : new HttpError(500, 'Something is wrong here.');
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.server.telemetry.count(`status ${status}`);
    if (!exchange?.started) {
      const text = `${message}\n`;
      const fields = Fields.of(
        ['Date', this.server.dateValue],
        ['Content-Type', 'text/plain; charset=utf-8'],
        ['Content-Length', String(Buffer.byteLength(text))],
        ['Connection', 'close'],
      );
      this.server.telemetry.trace('out', 'tcp', this.peer, () => `${status} ${message}`);
      this.send(Exchange.wholeReply(status, fields, text));
      exchange?.abandoned();
      this.#end();
    } else {
      exchange.abandoned();
      this.#connection.destroy();
    }
    if (!(error instanceof HttpError))
      this.server.log.error(`A request failed: ${(error as Error).stack ?? error}`);
  }

  /** No more requests: our side is finished, what still comes is thrown away until the client closes too. */
  #end(): void {
    this.#backlog = [];
    this.#backlogLength = 0;
    this.#flush();
    if (this.#ended) return;
    this.#ended = true;
    this.#lastProgress = this.server.tick;
    this.#connection.end();
    // Reading on avoids a reset, which could destroy our reply before the client has read it.
    this.#connection.resume();
  }

  #peerFinished(): void {
    this.#peerEnded = true;
    const exchange = this.#exchange;
    if (!exchange) {
      if (this.#backlogLength === 0) this.#end();
    } else if (this.#content && !this.#content.done) {
      // The rest of the content will never come.
      exchange.abandoned();
      this.#connection.destroy();
    } else if (this.#backlogLength === 0) exchange.closeAfter();
  }

  #gone(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#ended = true;
    exchange?.abandoned();
    this.#closed();
  }
}

function describe({ method, target, minor, fields }: RequestHead): string {
  return `${method} ${target} HTTP/1.${minor}\n${fields.toString()}`;
}
