/** An HTTP server as a source: range requests (RFC 9110, section 14), pipelined over one connection. */
import type { Endpoint } from '../../contract/endpoint';
import { ContentReader } from '../../protocol/http/content-reader';
import { Fields } from '../../protocol/http/fields';
import { responseFraming } from '../../protocol/http/framing';
import { HeadReader } from '../../protocol/http/head-reader';
import { parseContentRange } from '../../protocol/http/range';
import { parseResponseHead, type ResponseHead } from '../../protocol/http/response-head';
import { requestHead } from '../../protocol/http/serialise';
import { isInterim } from '../../protocol/http/status';
import { splitAuthority } from '../../protocol/http/target';
import type { NodeContext } from '../../runtime/context';
import { finalError, PipelinedSource, type RangeDialect, type Replies } from './pipelined-source';
import type { Span } from './source';

const HEAD_LIMITS = { maxStartLine: 8192, maxHeadBytes: 64 * 1024, maxFields: 200 };

export interface HttpLocation {
  at: Endpoint;
  /** `host:port` for the Host field. */
  authority: string;
  /** Path and query. */
  target: string;
}

/** Null for what is no http URL. Without TLS: the engine's connections are the node's plain ones. */
export function httpLocation(url: string): HttpLocation | null {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return null;
  }
  if (parsed.protocol !== 'http:' || parsed.hostname === '') return null;
  return {
    at: splitAuthority(parsed.host, 80),
    authority: parsed.host,
    target: `${parsed.pathname}${parsed.search}`,
  };
}

/** @param size of the whole file: a server that has another size has another file */
export function httpSource(context: NodeContext, location: HttpLocation, size: number): PipelinedSource {
  const id = `${location.authority}${location.target}`;
  return new PipelinedSource(context, id, location.at, new HttpDialect(location, size));
}

class HttpDialect implements RangeDialect {
  readonly #location: HttpLocation;
  readonly #size: number;
  /** Of the first answer: one that differs later belongs to a changed file. */
  #etag: string | undefined;

  constructor(location: HttpLocation, size: number) {
    this.#location = location;
    this.#size = size;
  }

  request({ offset, length }: Span): string {
    const range = ['Range', `bytes=${offset}-${offset + length - 1}`] as const;
    return this.#head('GET', range);
  }

  probe(): string {
    return this.#head('HEAD');
  }

  reader(replies: Replies): { push(bytes: Uint8Array): void } {
    return new HttpReplyReader(replies, (head, range) => this.#check(head, range));
  }

  #head(method: string, ...more: (readonly [string, string])[]): string {
    const fields = Fields.of(['Host', this.#location.authority], ['Accept-Encoding', 'identity'], ...more);
    return requestHead(method, this.#location.target, fields).toString('latin1');
  }

  /** @throws when this is not the asked part of the expected file */
  #check({ status, fields }: ResponseHead, range: Span): void {
    if (status === 200 && range.offset === 0 && range.length === this.#size) return;
    if (status === 200) throw finalError('It does not serve ranges.');
    if (status === 503 || status === 429) throw new Error(`It is overloaded (${status}).`);
    if (status !== 206) throw finalError(`It answered ${status}.`);
    const part = parseContentRange(fields.first('content-range') ?? '');
    if (!part || part.start !== range.offset || part.end !== range.offset + range.length)
      throw finalError('It sent another range than was asked for.');
    if (part.size !== null && part.size !== this.#size) throw finalError(`Its file has ${part.size} bytes.`);
    const etag = fields.first('etag');
    if (this.#etag !== undefined && etag !== this.#etag) throw finalError('Its file has changed.');
    this.#etag = etag;
  }
}

class HttpReplyReader {
  readonly #replies: Replies;
  readonly #check: (head: ResponseHead, range: Span) => void;
  readonly #heads = new HeadReader(HEAD_LIMITS, { missingLastLineFeed: 'never' });
  #content: ContentReader | null = null;
  #last = false;

  constructor(replies: Replies, check: (head: ResponseHead, range: Span) => void) {
    this.#replies = replies;
    this.#check = check;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      at = this.#content ? this.#readContent(this.#content, bytes, at) : this.#readHead(bytes, at);
    }
  }

  #readHead(bytes: Uint8Array, at: number): number {
    const { head: text, next } = this.#heads.read(bytes, at);
    if (text === null) return next;
    const head = parseResponseHead(text, HEAD_LIMITS.maxFields);
    if (isInterim(head.status)) return next;
    const { expected } = this.#replies;
    if (expected === undefined) throw new Error('It answered what nobody asked.');
    if (expected !== 'probe') this.#check(head, expected);
    const framing = responseFraming(expected === 'probe' ? 'HEAD' : 'GET', head.status, head.fields);
    if (expected !== 'probe' && (framing.kind !== 'length' || framing.length !== expected.length))
      throw finalError('Its answer has another length than the range that was asked for.');
    this.#last = !head.keepAlive;
    this.#content = new ContentReader(framing, { extensions: 'ignore' });
    this.#endIfDone();
    return next;
  }

  #readContent(content: ContentReader, bytes: Uint8Array, at: number): number {
    const next = content.push(bytes, at, (part) => this.#replies.bytes(part));
    this.#endIfDone();
    return next;
  }

  #endIfDone(): void {
    if (!this.#content?.done) return;
    this.#content = null;
    this.#replies.end(this.#last);
  }
}
