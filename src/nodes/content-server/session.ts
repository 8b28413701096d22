import { type FramerSink, LineFramer } from '../../protocol/line-framer';
import { type ErrorReason, encode, MAX_LINE_BYTES, parseAtContent } from '../../protocol/micro-cdn';
import { extension, parseContentExtension } from '../../protocol/micro-cdn-extensions';
import { parseSpanRequest } from '../../protocol/micro-cdn-spans';
import type { Connection, Timer } from '../../runtime/context';
import { codeOf, reasonOf, sentenceOf } from '../shared/error-text';
import type { Shop } from './shop';
import { SpanServer } from './span-server';
import { streamFile } from './stream-file';

/** After the last byte, the client gets so long to close. */
const LINGER_MS = 2000;
/**
 * A client that is sent a file gets so many times the patience: the system's buffer takes megabytes at once and
 * then nothing until a third has left, which a client of 30 kB/s needs 45 s for.
 */
const TAKING_PATIENCE = 4;
/** What a client sends after its question is thrown away, up to here. */
const MAX_CHATTER = 1 << 20;
/** Between the header and the body, where they must not come in one segment. */
const HEADER_APART_MS = 50;

/** One connection of a client: one question, one answer, the end; or any number of spans. */
export class ContentSession {
  readonly #connection: Connection;
  readonly #shop: Shop;
  readonly #framer: LineFramer;
  #asked = false;
  /** Set once the client has asked for a span: from then on it takes every line. */
  #spans: SpanServer | undefined;
  #chatter = 0;
  #linger: Timer | undefined;

  constructor(connection: Connection, shop: Shop, onClose: () => void) {
    this.#connection = connection;
    this.#shop = shop;
    this.#framer = new LineFramer({
      maxLineBytes: MAX_LINE_BYTES,
      carriageReturn: shop.tolerance.carriageReturn,
    });
    const sink: FramerSink = {
      line: (line) => this.#ask(line),
      overflow: () => this.#refuse('LINE_TOO_LONG'),
    };
    connection.setIdle(shop.config.idleMs, () => connection.destroy());
    connection.handle({
      data: (bytes) => (this.#asked ? this.#discard(bytes.length) : this.#framer.push(bytes, sink)),
      end: () => this.#peerEnded(),
      close: () => {
        this.#linger?.cancel();
        void this.#spans?.closed();
        onClose();
      },
    });
  }

  /** Whether the client has not asked for anything yet. */
  get quiet(): boolean {
    return !this.#asked && !this.#spans;
  }

  /** Ends without an answer; clients ask the index for another server then. */
  sendElsewhere(): void {
    this.#finish();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  refuseBusy(): void {
    this.#refuse('BUSY');
  }

  #ask(line: string): void {
    if (this.#spans) return this.#spans.line(line);
    if (this.#asked) return;
    if (this.#shop.tolerance.extensions && parseSpanRequest(line) !== null) return this.#beginSpans(line);
    this.#asked = true;
    this.#framer.stop();
    const { tolerance, context } = this.#shop;
    context.telemetry.trace('in', 'tcp', this.#connection.remote, () => line);
    const request = parseAtContent(line, tolerance);
    if (request.type === 'get') return void this.#serve(request.name, 0, (size) => encode.ok(size));
    const ours = parseContentExtension(line, tolerance);
    switch (ours?.type) {
      case 'range':
        return void this.#serve(ours.name, ours.offset, (size) => extension.part(ours.offset, size));
      case 'digest':
        return void this.#digest(ours.name, ours.length);
      default:
        return this.#refuse((ours ?? request).reason);
    }
  }

  #beginSpans(line: string): void {
    this.#spans = new SpanServer({
      connection: this.#connection,
      shop: this.#shop,
      refuse: (reason) => this.#refuse(reason),
    });
    this.#spans.line(line);
  }

  async #serve(asked: string, offset: number, headerOf: (size: number) => string): Promise<void> {
    const shop = this.#shop;
    const { telemetry } = shop.context;
    const askedAt = telemetry.asked();
    shop.enter();
    this.#connection.setIdle(TAKING_PATIENCE * shop.config.idleMs, () => this.#connection.destroy());
    try {
      await shop.resolve(asked, (name) => this.#deliver(name, offset, headerOf));
      telemetry.answered(askedAt);
      this.#finish();
    } catch (error) {
      this.#failed(asked, error);
    } finally {
      shop.leave();
    }
  }

  async #deliver(name: string, offset: number, headerOf: (size: number) => string): Promise<void> {
    const { hot, config } = this.#shop;
    const small = hot.now(name) ?? (await hot.get(name));
    if (!small) return this.#deliverLarge(name, offset, headerOf);
    if (offset > small.size) throw outOfRange();
    const header = headerOf(small.size);
    this.#traceOut(header);
    if (offset === 0 && !config.headerApart) {
      await this.#connection.send(small.reply);
    } else {
      await this.#sendHeader(header);
      await this.#connection.send(small.reply.subarray(small.headerLength + offset));
    }
    this.#done(name, small.size - offset);
  }

  async #deliverLarge(name: string, offset: number, headerOf: (size: number) => string): Promise<void> {
    const { library, buffers, config } = this.#shop;
    const file = await library.folder.open(name);
    try {
      if (offset > file.size) throw outOfRange();
      const header = headerOf(file.size);
      this.#traceOut(header);
      this.#shop.tell('transfer-started', name, `${name} goes to ${this.#connection.remote.host}.`);
      if (config.headerApart) await this.#sendHeader(header);
      const what = { header: config.headerApart ? '' : header, offset };
      await streamFile(this.#connection, file, what, buffers);
      this.#done(name, file.size - offset);
    } finally {
      await file.close();
    }
  }

  /** For clients that read the header with one receive and lose what comes along with it. */
  async #sendHeader(header: string): Promise<void> {
    await this.#connection.send(header);
    if (this.#shop.config.headerApart) await this.#shop.context.clock.sleep(HEADER_APART_MS);
  }

  async #digest(asked: string, length: number | null): Promise<void> {
    // Hashing may take longer than a client is allowed to be silent.
    this.#connection.setIdle(0, () => {});
    try {
      const digest = await this.#shop.resolve(asked, (name) => this.#shop.digests.of(name, length));
      this.#finish(extension.digestAnswer(digest));
    } catch (error) {
      this.#failed(asked, error);
    }
  }

  #done(name: string, bytes: number): void {
    this.#shop.context.telemetry.count('bytesServed', bytes);
    this.#shop.tell('transfer-finished', name, `${name} was sent to ${this.#connection.remote.host}.`);
  }

  #failed(asked: string, error: unknown): void {
    const code = codeOf(error);
    if (code === 'ENOENT') return this.#refuse('FILE_NOT_FOUND');
    if (code === 'RANGE') return this.#refuse('RANGE_NOT_SATISFIABLE');
    if (code === 'UNSAFE_NAME') {
      this.#shop.tell(
        'refused',
        asked,
        `A client asked for ${JSON.stringify(asked)}: ${reasonOf(error)}`,
        'warning',
      );
      return this.#refuse('BAD_FILE_NAME');
    }
    // A header may have left: only a broken connection tells the client that the file is not complete.
    const why = code === 'CHANGED' ? 'the file changed meanwhile' : reasonOf(error);
    this.#shop.tell(
      'transfer-aborted',
      asked,
      `${asked} was not sent to the end: ${sentenceOf(why)}`,
      'warning',
    );
    this.#connection.reset();
  }

  #refuse(reason: ErrorReason): void {
    this.#asked = true;
    this.#framer.stop();
    this.#finish(encode.error(reason));
  }

  #finish(lastLine?: string): void {
    this.#asked = true;
    if (lastLine) this.#traceOut(lastLine);
    this.#connection.end(lastLine);
    this.#connection.setIdle(0, () => {});
    this.#linger ??= this.#shop.context.clock.after(LINGER_MS, () => this.#connection.destroy());
  }

  /** The client may have half-closed, and still read; its own `close` tells when it is gone. */
  #peerEnded(): void {
    const rest = this.#framer.end();
    if (this.#asked) return;
    if (rest !== null && this.#shop.tolerance.unterminatedLastLine) this.#ask(rest);
    else this.#finish();
  }

  #discard(count: number): void {
    this.#chatter += count;
    if (this.#chatter > MAX_CHATTER) this.#connection.destroy();
  }

  #traceOut(line: string): void {
    this.#shop.context.telemetry.trace('out', 'tcp', this.#connection.remote, () => line.trimEnd());
  }
}

function outOfRange(): Error {
  return Object.assign(new Error('The file is shorter.'), { code: 'RANGE' });
}
