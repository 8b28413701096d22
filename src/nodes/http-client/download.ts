import { formatEndpoint } from '../../contract/endpoint';
import { StudioError } from '../../contract/errors';
import { isStrong } from '../../protocol/http/etag';
import { Fields } from '../../protocol/http/fields';
import { parseContentRange } from '../../protocol/http/range';
import type { ResponseHead } from '../../protocol/http/response-head';
import { parseDictionary } from '../../protocol/http/structured-field';
import { type HttpUri, splitAuthority } from '../../protocol/http/target';
import type { Endpoint, Folder, NodeContext, OperationScope } from '../../runtime/context';
import { ArrivingFile } from '../engine/arriving-file';
import { beginFile, finishFile } from '../engine/part-file';
import type { Steered } from '../engine/steering';
import type { Upstream, UpstreamCall } from '../shared/http/upstream';
import type { DownloadProgress, DownloadResult, HttpClientConfig } from './manifest';
import { isRedirect, MAX_REDIRECTS, readReference } from './reference';

/** What is expected to come of content that does not tell its size, bytes. */
const UNKNOWN_REST = 1 << 20;
const RETRY_MS = 200;

/** The attempt failed in a way that another may not. */
class Interrupted extends Error {}

/** What a download is made with. */
export interface DownloadParts {
  context: NodeContext;
  upstream: Upstream;
  config: HttpClientConfig;
  folder: Folder;
  scope: OperationScope;
  steered: Steered;
  /** At most so many servers at once; undefined: as it is configured. */
  sources: number | undefined;
}

/** One download: redirects followed, broken connections resumed, the content checked. */
export class HttpDownload {
  readonly #context: NodeContext;
  readonly #upstream: Upstream;
  readonly #config: HttpClientConfig;
  readonly #start: HttpUri;
  readonly #name: string;
  readonly #folder: Folder;
  readonly #scope: OperationScope;
  readonly #progress: DownloadProgress = { phase: 'waiting', bytes: 0, segments: [], marks: [] };
  readonly #tell: (head: ResponseHead, uri: HttpUri) => void;
  #etag: string | undefined;
  /** What the server says the SHA-256 is, in hex. */
  #digest: string | undefined;
  #verified = 'size';
  /** The server that a balancer has sent us to, and that has failed. */
  #failed: string | undefined;

  constructor(
    parts: DownloadParts,
    uri: HttpUri,
    name: string,
    tell: (head: ResponseHead, uri: HttpUri) => void,
  ) {
    this.#context = parts.context;
    this.#upstream = parts.upstream;
    this.#config = parts.config;
    this.#folder = parts.folder;
    this.#scope = parts.scope;
    this.#start = uri;
    this.#name = name;
    this.#tell = tell;
  }

  async run(): Promise<DownloadResult> {
    let sha256: string;
    try {
      sha256 = await this.#receive();
      this.#check(sha256);
    } catch (error) {
      await this.#folder.remove(`${this.#name}.part`).catch(() => {}); // it may never have been made
      throw error;
    }
    const saved = await finishFile(this.#folder, this.#name);
    return {
      ...this.#progress,
      path: `${this.#folder.path}/${saved}`,
      size: this.#progress.bytes,
      sha256,
      verified: this.#verified,
    };
  }

  /** Resolves to the SHA-256 of what is in the `.part` file then, in hex. */
  async #receive(): Promise<string> {
    const file = await beginFile(this.#folder, this.#name);
    const content = new ArrivingFile(file, this.#context.hashing);
    try {
      await this.#attempts(content);
      this.#progress.phase = 'verifying';
      this.#report();
      return await content.digest();
    } finally {
      await content.close();
      await file.close();
    }
  }

  #check(sha256: string): void {
    if (this.#digest === undefined) return;
    if (sha256 !== this.#digest) {
      throw new StudioError(
        'BAD_HASH',
        `${this.#name} did not arrive as it was sent: the hash differs.`,
        'Try again.',
      );
    }
    this.#verified = 'size and hash';
  }

  async #attempts(content: ArrivingFile): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const before = this.#progress.bytes;
      try {
        return await this.#attempt(content, this.#start, 0);
      } catch (error) {
        this.#scope.signal.throwIfAborted();
        if (!(error instanceof Interrupted)) throw error;
        if (this.#progress.bytes > before) attempt = 1;
        if (attempt >= this.#config.attempts) {
          throw new StudioError(
            'DOWNLOAD_FAILED',
            `${this.#name} could not be downloaded: ${error.message}`,
            'Is the server running?',
          );
        }
        this.#mark(`${error.message} Trying again.`);
        await this.#context.clock.sleep(attempt === 1 ? 0 : RETRY_MS, this.#scope.signal);
      }
    }
  }

  async #attempt(content: ArrivingFile, uri: HttpUri, depth: number): Promise<void> {
    if (depth > MAX_REDIRECTS) throw new StudioError('REDIRECTS', `More than ${MAX_REDIRECTS} redirects.`);
    const location = await this.#fetch(content, uri, depth);
    if (location === null) return;
    const next = readReference(location, uri);
    if (!next)
      throw new StudioError(
        'BAD_LOCATION',
        `${uri.authority} redirects to "${location}", which is no http address.`,
      );
    this.#progress.marks.push(redirectMark(this.#context, uri, next, this.#progress.bytes));
    this.#report();
    await this.#attempt(content, next, depth + 1);
  }

  /** Resolves to null when the content is complete, or to the address of a redirect. */
  #fetch(content: ArrivingFile, uri: HttpUri, depth: number): Promise<string | null> {
    const [proxy] = this.#config.proxy;
    const server: Endpoint = proxy ?? splitAuthority(uri.authority, 80);
    const target = proxy ? `http://${uri.authority}${uri.path}` : uri.path;
    return new Promise((resolve, reject) => {
      let call: UpstreamCall | undefined;
      let location: string | null = null;
      let expected: number | undefined;
      let whole: number | null = null;
      const abort = (): void => {
        call?.abort();
        reject(this.#scope.signal.reason);
      };
      const over = (): void => {
        content.onRoom = () => {};
        this.#scope.signal.removeEventListener('abort', abort);
      };
      const interrupted = (message: string): void => {
        this.#failed = depth > 0 ? uri.authority : undefined;
        over();
        content.flush().then(() => reject(new Interrupted(message)), reject);
      };
      content.onRoom = () => {
        if (!content.error) return call?.resume();
        call?.abort();
        reject(content.error);
      };
      this.#scope.signal.addEventListener('abort', abort, { once: true });
      call = this.#upstream.fetch(
        server,
        { method: 'GET', target, fields: this.#requestFields(uri, depth) },
        {
          head: (head, framing) => {
            this.#tell(head, uri);
            if (isRedirect(head.status) && head.fields.has('location')) {
              location = head.fields.first('location') as string;
              return;
            }
            const problem = this.#accept(head, content);
            if (problem) {
              call?.abort();
              over();
              return reject(problem);
            }
            if (head.status === 206) whole = wholeSize(head);
            if (framing.kind === 'length') expected = this.#progress.bytes + framing.length;
            else if (framing.kind === 'until-close') this.#verified = 'end of connection';
            if (expected !== undefined) this.#progress.size = expected;
            this.#begin(proxy ? formatEndpoint(proxy) : uri.authority);
          },
          part: (bytes) => {
            if (location !== null) return;
            const room = content.append(
              bytes,
              expected === undefined ? UNKNOWN_REST : expected - this.#progress.bytes,
            );
            this.#count(bytes.length);
            if (!room) call?.pause();
          },
          end: () => {
            // A 206 may have less than was asked for (RFC 9110, section 15.3.7).
            if (whole !== null && this.#progress.bytes < whole)
              return interrupted(`The server has sent ${this.#progress.bytes} of ${whole} bytes.`);
            over();
            content.flush().then(() => resolve(location), reject);
          },
          failed: (error) => interrupted(error.message),
        },
      );
    });
  }

  #requestFields(uri: HttpUri, depth: number): Fields {
    const fields = Fields.of(['Host', uri.authority], ['User-Agent', 'micro-cdn'], ['Accept', '*/*']);
    if (this.#config.verify) fields.add('Want-Repr-Digest', 'sha-256=1');
    if (this.#failed !== undefined && depth === 0) fields.add('Balancer-Failed', this.#failed);
    if (this.#progress.bytes > 0 && this.#etag !== undefined) {
      fields.add('Range', `bytes=${this.#progress.bytes}-`).add('If-Range', this.#etag);
    }
    return fields;
  }

  /** Null when the content that follows is wanted. */
  #accept(head: ResponseHead, content: ArrivingFile): Error | null {
    const { status, fields } = head;
    if (status === 206) {
      const range = parseContentRange(fields.first('content-range') ?? '');
      if (range?.start === this.#progress.bytes) return null;
      return new Interrupted('The server sent another part than the one asked for.');
    }
    if (status >= 500) return new Interrupted(`The server answered ${status} ${head.reason}.`);
    if (status !== 200) {
      const hint = status === 404 ? 'Is the name right?' : undefined;
      return new StudioError('HTTP_STATUS', `The server answered ${status} ${head.reason}.`, hint);
    }
    const etag = fields.first('etag');
    this.#etag = etag !== undefined && isStrong(etag) ? etag : undefined;
    const digest = parseDictionary(fields.get('repr-digest') ?? '')?.get('sha-256')?.value;
    this.#digest = digest instanceof Uint8Array ? Buffer.from(digest).toString('hex') : undefined;
    if (this.#progress.bytes > 0) {
      this.#mark('The file has changed or can’t be resumed: from the beginning.');
      this.#progress.bytes = 0;
      void content.restart().catch(() => {}); // whoever flushes is told
    }
    return null;
  }

  #begin(address: string): void {
    this.#progress.phase = 'running';
    this.#progress.source = { serverId: address, address };
    if (this.#progress.segments.at(-1)?.source !== address)
      this.#progress.segments.push({ source: address, bytes: 0 });
    this.#report();
  }

  #count(bytes: number): void {
    this.#progress.bytes += bytes;
    const segment = this.#progress.segments.at(-1);
    if (segment) segment.bytes += bytes;
    this.#report();
  }

  #mark(text: string): void {
    this.#progress.marks.push({ at: this.#context.clock.wallTime(), bytes: this.#progress.bytes, text });
    this.#report();
  }

  #report(): void {
    this.#scope.progress({ ...this.#progress });
  }
}

/** Of what a 206 has a part of; null when it does not say. */
function wholeSize({ fields }: ResponseHead): number | null {
  return parseContentRange(fields.first('content-range') ?? '')?.size ?? null;
}

export function redirectMark(
  { clock }: NodeContext,
  from: HttpUri,
  to: HttpUri,
  bytes = 0,
): DownloadProgress['marks'][number] {
  return { at: clock.wallTime(), bytes, text: `${from.authority} sends us to ${to.authority}.` };
}
