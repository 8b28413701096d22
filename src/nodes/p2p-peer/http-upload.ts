/**
 * The same files over HTTP, on the same port: `GET /name` with ranges, and `GET /name.meta4`, a Metalink of all
 * peers that have the file. So any download program can take from the whole swarm.
 */
import { ifRangeHolds } from '../../protocol/http/conditional';
import { formatHttpDate } from '../../protocol/http/date';
import { wantsOldDigest } from '../../protocol/http/digest';
import { Fields } from '../../protocol/http/fields';
import { defaultHeadLimits, HeadReader } from '../../protocol/http/head-reader';
import { HttpError } from '../../protocol/http/http-error';
import { mediaTypeOf } from '../../protocol/http/media-type';
import { formatContentRange, selectRanges } from '../../protocol/http/range';
import { parseRequestHead, type RequestHead } from '../../protocol/http/request-head';
import { responseHead } from '../../protocol/http/serialise';
import { fileNameOf } from '../../protocol/http/target';
import { METALINK_TYPE } from '../../protocol/metalink';
import { type HttpDescription, METALINK_ENDING } from './http-description';
import type { SharedFile } from './library';
import { StreamUpload, type StreamUploadOptions } from './stream-upload';

/** Requests that may wait for their answers on one connection. */
const MAX_PIPELINED = 1000;

export interface HttpUploadOptions extends StreamUploadOptions {
  description: HttpDescription;
}

/** Whether the first bytes of a connection are an HTTP request: no peer asks for a file of such a name. */
export function isHttpRequest(bytes: Uint8Array): boolean {
  return /^(?:GET|HEAD) \//.test(Buffer.from(bytes.subarray(0, 6)).toString('latin1'));
}

export class HttpUpload extends StreamUpload<HttpUploadOptions> {
  readonly #heads = new HeadReader(defaultHeadLimits, { missingLastLineFeed: 'never' });
  readonly #waiting: RequestHead[] = [];
  #answering = false;

  receive(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) {
        const { head, next } = this.#heads.read(bytes, at);
        at = next;
        if (head === null) continue;
        if (this.#waiting.length >= MAX_PIPELINED) return this.connection.destroy();
        this.#waiting.push(parseRequestHead(head, defaultHeadLimits.maxFields));
      }
    } catch (error) {
      return this.#refuse(error instanceof HttpError ? error.status : 400);
    }
    if (!this.#answering) void this.#answer();
  }

  protected get answering(): boolean {
    return this.#answering;
  }

  protected onClose(): void {
    this.#waiting.length = 0;
  }

  async #answer(): Promise<void> {
    this.#answering = true;
    try {
      for (let head = this.#waiting.shift(); head; head = this.#waiting.shift()) {
        await this.#serve(head);
        if (!head.keepAlive) return this.connection.end();
      }
    } catch {
      // Anything but the announced number of bytes tells the other side that it has no whole answer.
      this.connection.reset();
    } finally {
      this.#answering = false;
      this.releaseSlot();
    }
  }

  async #serve({ method, target, fields }: RequestHead): Promise<void> {
    const { library, context } = this.options;
    context.telemetry.trace('in', 'tcp', this.connection.remote, () => `${method} ${target}`);
    if (method !== 'GET' && method !== 'HEAD') return this.#refuse(501);
    const name = fileNameOf(target) ?? '';
    const shared = library.files.get(name);
    if (shared) return this.#sendFile(shared, method === 'HEAD', fields);
    const described =
      name.endsWith(METALINK_ENDING) && library.files.get(name.slice(0, -METALINK_ENDING.length));
    if (!described) return this.#send(this.#head(404, Fields.of(['Content-Length', '0'])));
    const document = Buffer.from(await this.options.description.metalink(described, this.connection.local));
    const head = this.#head(
      200,
      Fields.of(['Content-Type', METALINK_TYPE], ['Content-Length', String(document.length)]),
    );
    return this.#send(method === 'HEAD' ? head : Buffer.concat([head, document]));
  }

  async #sendFile(shared: SharedFile, headOnly: boolean, asked: Fields): Promise<void> {
    const { size } = shared;
    const { description, context } = this.options;
    const etag = `"${size.toString(36)}-${Math.round(shared.modifiedMs).toString(36)}"`;
    const now = context.clock.wallTime();
    // A range is of GET alone (RFC 9110, section 14.2), and of the file whose beginning the client has.
    const mayRange = !headOnly && ifRangeHolds(asked, { etag, exists: true }, now, now);
    const rangeField = mayRange ? asked.first('range') : undefined;
    const ranges = rangeField === undefined ? null : selectRanges(rangeField, size);
    const fields = Fields.of(
      ['Accept-Ranges', 'bytes'],
      ['ETag', etag],
      ['Content-Type', mediaTypeOf(shared.name)],
      ...description.describedBy(shared),
      // Who asks for a part knows the rest already.
      ...(wantsOldDigest(asked) && !ranges ? await description.mirrors(shared) : []),
    );
    if (ranges === 'unsatisfiable') {
      fields.add('Content-Range', `bytes */${size}`).add('Content-Length', '0');
      return this.#send(this.#head(416, fields));
    }
    // Several ranges in one answer are a service that nobody needs here: the whole file is a correct answer too.
    const [range] = ranges?.length === 1 ? ranges : [];
    const { start, end } = range ?? { start: 0, end: size };
    if (range) fields.add('Content-Range', formatContentRange(range, size));
    fields.add('Content-Length', String(end - start));
    this.file = shared.name;
    await this.#send(this.#head(range ? 206 : 200, fields));
    if (!headOnly) await this.sendBytes(shared, start, end);
  }

  /** With the Date that every final answer has to carry (RFC 9110, section 6.6.1). */
  #head(status: number, fields: Fields): Buffer {
    return responseHead(status, fields.add('Date', formatHttpDate(this.options.context.clock.wallTime())));
  }

  #send(bytes: Uint8Array): Promise<void> {
    return this.connection.send(bytes);
  }

  #refuse(status: number): void {
    this.#waiting.length = 0;
    this.connection.end(this.#head(status, Fields.of(['Content-Length', '0'], ['Connection', 'close'])));
  }
}
