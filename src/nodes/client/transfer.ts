import { formatBytes } from '../../contract/format-bytes';
import { type FramerSink, LineFramer } from '../../protocol/line-framer';
import { encode, MAX_LINE_BYTES, parseContentAnswer } from '../../protocol/micro-cdn';
import { extension, parseContentExtensionAnswer } from '../../protocol/micro-cdn-extensions';
import type { Connection, NodeContext } from '../../runtime/context';
import type { ArrivingFile } from '../engine/arriving-file';
import { reasonOf } from '../shared/error-text';
import { LineClient } from '../shared/line-client';
import type { Located } from './locator';

const BULK = 1 << 20;
/** A server may have to read a gigabyte for a digest, behind others. */
const DIGEST_BASE_MS = 10_000;
const DIGEST_BYTES_PER_MS = 50_000;

/** How a transfer from one server ended. */
export type Outcome =
  | { type: 'complete' }
  /** The server has another file than the one that was begun. */
  | { type: 'different'; reason: string }
  | { type: 'failed'; reason: string };

export interface TransferOptions {
  timeoutMs: number;
  signal: AbortSignal;
  /** The header has come. */
  onSize(size: number): void;
  /** Bytes have come, and are in the file. */
  onBytes(count: number): void;
}

/**
 * Reads a file from one server, after what has arrived of it already. Never rejects, unless
 * `signal` fires.
 */
export async function transfer(
  context: NodeContext,
  server: Located,
  content: ArrivingFile,
  options: TransferOptions,
): Promise<Outcome> {
  const { timeoutMs, signal } = options;
  const to = { host: server.host, port: server.tcpPort };
  let connection: Connection;
  try {
    const receiveBufferSize = Math.max(4096, Math.min(BULK, server.size));
    connection = await context.net.connect(to, { timeoutMs, signal, receiveBufferSize });
  } catch (error) {
    signal.throwIfAborted();
    return { type: 'failed', reason: `it cannot be reached: ${reasonOf(error)}` };
  }
  const outcome = await new Reception(context, connection, server, content, options).outcome;
  signal.throwIfAborted();
  return outcome;
}

class Reception {
  readonly outcome: Promise<Outcome>;
  readonly #context: NodeContext;
  readonly #connection: Connection;
  readonly #content: ArrivingFile;
  readonly #options: TransferOptions;
  readonly #offset: number;
  readonly #framer = new LineFramer({ maxLineBytes: MAX_LINE_BYTES, carriageReturn: true });
  #settle!: (outcome: Outcome) => void;
  /** Bytes that have yet to come; undefined before the header. */
  #left: number | undefined;
  #heldBack = false;

  constructor(
    context: NodeContext,
    connection: Connection,
    server: Located,
    content: ArrivingFile,
    options: TransferOptions,
  ) {
    this.#context = context;
    this.#connection = connection;
    this.#content = content;
    this.#options = options;
    this.#offset = content.length;
    const onAbort = (): void => this.#end({ type: 'failed', reason: 'it was cancelled' });
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
    void this.outcome.then(() => options.signal.removeEventListener('abort', onAbort));
    options.signal.addEventListener('abort', onAbort, { once: true });
    content.onRoom = () => this.#goOn();
    this.#listen();
    this.#request(server.wireName);
  }

  #listen(): void {
    const sink: FramerSink = {
      line: (line) => this.#header(line),
      bytes: (bytes) => this.#body(bytes),
      overflow: () => this.#end({ type: 'failed', reason: 'it does not speak this protocol' }),
    };
    const { timeoutMs } = this.#options;
    this.#connection.setIdle(timeoutMs, () => {
      // While our own disk is the one that is slow, silence proves nothing.
      if (!this.#heldBack) this.#end({ type: 'failed', reason: `it sent nothing for ${timeoutMs / 1000} s` });
    });
    this.#connection.handle({
      data: (bytes) => this.#framer.push(bytes, sink),
      end: () => this.#broken(),
      close: (error) => this.#broken(error),
    });
  }

  /** One write: foreign servers break on a question that comes in pieces. */
  #request(wireName: string): void {
    const line = this.#offset === 0 ? encode.get(wireName) : extension.range(this.#offset, wireName);
    this.#context.telemetry.trace('out', 'tcp', this.#connection.remote, () => line.trimEnd());
    this.#connection.write(line);
  }

  #header(line: string): void {
    this.#context.telemetry.trace('in', 'tcp', this.#connection.remote, () => line);
    const size = this.#sizeIn(line);
    if (size === null) return;
    this.#options.onSize(size);
    this.#left = size - this.#offset;
    this.#framer.expectBytes(this.#left);
    if (this.#left === 0) this.#end({ type: 'complete' });
  }

  #sizeIn(line: string): number | null {
    const answer = parseContentAnswer(line);
    if (answer.type === 'error') {
      // It has the file, and not so much of it.
      const type = answer.reason === 'RANGE_NOT_SATISFIABLE' ? 'different' : 'failed';
      this.#end({ type, reason: `it answered ERROR ${answer.reason}` });
      return null;
    }
    if (this.#offset === 0 && answer.type === 'ok') return answer.size;
    const part = parseContentExtensionAnswer(line);
    if (this.#offset > 0 && part?.type === 'part' && part.offset === this.#offset) return part.size;
    this.#end({ type: 'failed', reason: `it answered ${JSON.stringify(line.slice(0, 80))}` });
    return null;
  }

  #body(bytes: Uint8Array): void {
    const left = this.#left as number;
    const room = this.#content.append(bytes, left);
    this.#left = left - bytes.length;
    this.#options.onBytes(bytes.length);
    if (this.#content.error) return this.#end({ type: 'failed', reason: 'the file cannot be written' });
    if (this.#left === 0) return this.#end({ type: 'complete' });
    if (room) return;
    this.#heldBack = true;
    this.#connection.pause();
  }

  #goOn(): void {
    if (!this.#heldBack) return;
    this.#heldBack = false;
    if (this.#content.error) this.#end({ type: 'failed', reason: 'the file cannot be written' });
    else this.#connection.resume();
  }

  #broken(error?: Error): void {
    const after =
      this.#left === undefined ? 'before it answered' : `${formatBytes(this.#left)} before the end`;
    const what = error ? reasonOf(error) : 'it closed the connection';
    this.#end({ type: 'failed', reason: `${what} ${after}` });
  }

  #end(outcome: Outcome): void {
    this.#framer.stop();
    this.#content.onRoom = () => {};
    this.#connection.setIdle(0, () => {});
    this.#connection.destroy();
    this.#settle(outcome);
  }
}

/**
 * Asks a server of ours for the SHA-256 of the first `length` bytes of a file, or of all of it when null.
 * @returns null when it cannot tell
 */
export async function askDigest(
  context: NodeContext,
  server: Located,
  length: number | null,
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<string | null> {
  const to = { host: server.host, port: server.tcpPort };
  let client: LineClient | undefined;
  try {
    client = await LineClient.connect(context, to, options);
    client.write(extension.digest(length, server.wireName));
    const patience = DIGEST_BASE_MS + (length ?? server.size) / DIGEST_BYTES_PER_MS;
    const line = await client.next(patience);
    const answer = parseContentExtensionAnswer(line ?? '');
    const whole =
      answer?.type === 'digest-answer' && (length === null ? answer.length === answer.size : true);
    return whole ? answer.sha256 : null;
  } catch {
    return null;
  } finally {
    client?.close();
  }
}
