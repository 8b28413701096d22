import { chunkedEnd, chunkStart } from '../../../protocol/http/chunked';
import type { ContentReader } from '../../../protocol/http/content-reader';
import { Fields } from '../../../protocol/http/fields';
import type { RequestHead } from '../../../protocol/http/request-head';
import { responseHead } from '../../../protocol/http/serialise';
import { hasNoContent } from '../../../protocol/http/status';
import type { Connection, ConnectionHandlers, Endpoint } from '../../../runtime/context';
import type { ServerConnection } from './server-connection';

/** Parts up to this size travel in one write with what goes before and after them. */
const JOIN_BELOW = 64 * 1024;
const LF = 0x0a;

/** Receives the content of a request as it arrives. */
export interface ContentSink {
  /** Lent: copy what you keep. */
  part(bytes: Uint8Array): void;
  end(trailers: Fields | undefined): void;
}

/** One request and its reply. */
export class Exchange {
  readonly head: RequestHead;
  readonly #connection: ServerConnection;
  readonly #content: ContentReader;
  #sink: ContentSink | undefined;
  #held: Buffer[] = [];
  #started = false;
  #finished = false;
  #abandoned = false;
  #keepAlive: boolean;
  #chunked = false;
  #withoutContent = false;
  #onAbandoned: (() => void) | undefined;

  constructor(connection: ServerConnection, head: RequestHead, content: ContentReader) {
    this.#connection = connection;
    this.head = head;
    this.#content = content;
    this.#keepAlive = head.keepAlive;
  }

  get peer(): Endpoint {
    return this.#connection.peer;
  }

  get local(): Endpoint {
    return this.#connection.local;
  }

  /** The final head has been sent. */
  get started(): boolean {
    return this.#started;
  }

  get finished(): boolean {
    return this.#finished;
  }

  /** The client has gone before its reply was complete. */
  get isAbandoned(): boolean {
    return this.#abandoned;
  }

  /** Called when the client goes before its reply is complete. */
  set onAbandoned(run: () => void) {
    if (this.#abandoned) run();
    else this.#onAbandoned = run;
  }

  /** Nothing goes on before the client has sent its content: who reads it waits, or the next request does. */
  get waitsForContent(): boolean {
    return !this.#content.done && (this.#sink !== undefined || this.#finished);
  }

  get hasContent(): boolean {
    return this.#content.framing.kind !== 'none' && this.#content.left !== 0;
  }

  /** The connection closes after this reply. */
  closeAfter(): void {
    this.#keepAlive = false;
  }

  /** Starts reading the request's content; a client that asks for it first is told to go on. */
  readContent(sink: ContentSink): void {
    this.#sink = sink;
    const held = this.#held.splice(0);
    for (const part of held) sink.part(part);
    if (this.#content.done) return sink.end(this.#content.trailers);
    const expects = this.head.minor === 1 && held.length === 0 && this.head.fields.has('expect');
    if (expects) this.#connection.send(Buffer.from('HTTP/1.1 100 Continue\r\n\r\n', 'latin1'));
    this.#connection.resumeContent();
  }

  pauseContent(): void {
    this.#connection.pauseContent();
  }

  resumeContent(): void {
    this.#connection.resumeContent();
  }

  /** Passes on a 1xx reply; HTTP/1.0 knows none. A client that does not take them is spared the rest. */
  interim(status: number, fields: Fields, reason?: string): void {
    if (this.#started || this.#abandoned || this.head.minor === 0 || this.#connection.isFull) return;
    this.#connection.send(responseHead(status, fields, reason));
  }

  /**
   * Sends a whole reply that was made before: its head must fit any persistent HTTP/1.1 connection, and say nothing
   * of it. Only valid when `takesPrepared`.
   * @param head begins with the status line
   */
  sendPrepared(head: Uint8Array, rest?: Uint8Array): void {
    this.#started = true;
    this.#connection.send(this.#asksToKeep ? this.#withOffer(head) : head);
    if (rest) this.#connection.send(rest);
    this.#finish();
  }

  get takesPrepared(): boolean {
    return this.#keepAlive && this.#content.done && !this.#connection.server.draining;
  }

  /** The client says that it would like to keep the connection, and is told for how long it may. */
  get #asksToKeep(): boolean {
    const connection = this.head.fields.get('connection');
    return connection !== undefined && /(?:^|,)\s*keep-alive\s*(?:,|$)/i.test(connection);
  }

  /** Sends a whole reply: `text` as plain text, or bytes under the fields given. */
  reply(status: number, fields: Fields, content: Uint8Array | string = ''): void {
    if (this.#abandoned) return;
    const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
    const head = this.#begin(status, fields, bytes.length);
    if (this.#withoutContent || bytes.length === 0) this.#connection.send(head);
    else if (bytes.length <= JOIN_BELOW) this.#connection.send(Buffer.concat([head, bytes]));
    else {
      this.#connection.send(head);
      this.#connection.send(bytes);
    }
    this.#finish();
  }

  /** A reply that is a sentence for a person. */
  explain(status: number, text: string, fields = new Fields()): void {
    fields.set('Content-Type', 'text/plain; charset=utf-8');
    this.reply(status, fields, `${text}\n`);
  }

  /**
   * Sends the head of a reply whose content follows by `write` and `end`.
   * @param length bytes of the content; undefined when not known: it is chunked, or ends with the connection
   */
  begin(status: number, fields: Fields, length: number | undefined, reason?: string): void {
    if (this.#abandoned) return;
    this.#connection.send(this.#begin(status, fields, length, reason));
  }

  /**
   * Sends a part of the content, which must not change any more. Returns a promise when the client should be
   * waited for before the next part; it rejects when the client is gone.
   */
  write(part: Uint8Array): Promise<void> | undefined {
    if (this.#abandoned || this.#withoutContent || part.length === 0) return undefined;
    if (!this.#chunked) this.#connection.send(part);
    else {
      const start = Buffer.from(chunkStart(part.length), 'latin1');
      const end = Buffer.from('\r\n', 'latin1');
      if (part.length <= JOIN_BELOW) this.#connection.send(Buffer.concat([start, part, end]));
      else for (const piece of [start, part, end]) this.#connection.send(piece);
    }
    return this.#connection.ready();
  }

  /**
   * Like `write`, for a buffer that is used again: resolves when the bytes have been taken. Only for replies of
   * known length. Rejects when the client is gone.
   */
  async send(part: Uint8Array): Promise<void> {
    if (!this.#abandoned && !this.#withoutContent) await this.#connection.sendNow(part);
  }

  /** The content is complete. Trailers are sent where the framing allows them. */
  end(trailers?: Fields): void {
    if (this.#abandoned || this.#finished) return;
    if (this.#chunked && !this.#withoutContent) {
      this.#connection.send(Buffer.from(chunkedEnd(trailers), 'latin1'));
    }
    this.#finish();
  }

  /** The reply can't be completed: the connection is cut, so that the client sees that something is missing. */
  fail(): void {
    if (this.#abandoned || this.#finished) return;
    this.#connection.destroy();
  }

  /** Ends HTTP on this connection: its bytes go to `handlers` from here on. Nothing may have been sent yet. */
  takeOver(handlers: ConnectionHandlers): Connection {
    this.#started = this.#finished = true;
    return this.#connection.takeOver(handlers);
  }

  // Called by the connection.

  received(part: Uint8Array): void {
    if (this.#finished) return;
    if (this.#sink) return this.#sink.part(part);
    this.#held.push(Buffer.from(part));
    this.#connection.pauseContent();
  }

  contentEnded(): void {
    if (!this.#finished) this.#sink?.end(this.#content.trailers);
  }

  abandoned(): void {
    if (this.#abandoned || this.#finished) return;
    this.#abandoned = true;
    this.#onAbandoned?.();
  }

  static wholeReply(status: number, fields: Fields, text: string): Buffer {
    return Buffer.concat([responseHead(status, fields), Buffer.from(text, 'utf8')]);
  }

  #begin(status: number, fields: Fields, length: number | undefined, reason?: string): Buffer {
    const { server } = this.#connection;
    this.#started = true;
    this.#withoutContent = this.head.method === 'HEAD' || hasNoContent(status);
    // RFC 9110, section 8.6; a server behind us may not know.
    if (status === 204) fields.delete('content-length');
    if (!fields.has('date')) fields.add('Date', server.dateValue);
    if (server.options.name !== '' && !fields.has('server')) fields.add('Server', server.options.name);
    if (length !== undefined) {
      if (!hasNoContent(status)) fields.set('Content-Length', String(length));
    } else if (!this.#withoutContent) {
      fields.delete('content-length');
      if (this.head.minor === 1) {
        this.#chunked = true;
        fields.set('Transfer-Encoding', 'chunked');
      } else this.#keepAlive = false;
    }
    if (server.draining) this.#keepAlive = false;
    // What the client still has to send is not worth reading: the connection ends instead.
    if (!this.#content.done && this.#sink === undefined && this.head.fields.has('expect'))
      this.#keepAlive = false;
    if (!this.#keepAlive) fields.add('Connection', 'close');
    else if (this.#asksToKeep) this.#offerToKeep(fields);
    server.telemetry.trace('out', 'tcp', this.peer, () => `${status} ${fields.toString()}`);
    return responseHead(status, fields, reason);
  }

  #offerToKeep(fields: Fields): Fields {
    fields.add('Connection', 'keep-alive');
    const seconds = Math.floor(this.#connection.server.options.idleMs / 1000);
    return seconds > 0 ? fields.add('Keep-Alive', `timeout=${seconds}`) : fields;
  }

  #withOffer(head: Uint8Array): Buffer {
    const fieldsAt = head.indexOf(LF) + 1;
    const offer = Buffer.from(this.#offerToKeep(new Fields()).toString(), 'latin1');
    return Buffer.concat([head.subarray(0, fieldsAt), offer, head.subarray(fieldsAt)]);
  }

  #finish(): void {
    this.#finished = true;
    this.#held = [];
    this.#connection.replied(this.#keepAlive);
  }
}
