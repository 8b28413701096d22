import { type FramerSink, LineFramer } from '../../protocol/line-framer';
import type { Clock, Connection, Telemetry, Timer } from '../../runtime/context';

export interface LinePeerOptions {
  maxLineBytes: number;
  carriageReturn: boolean;
  /** A line that was begun counts when the peer finishes sending. */
  unterminatedLastLine: boolean;
  /** A peer that sends nothing for so long is closed; 0: never. */
  idleMs: number;
}

/** What is said to a peer whose line does not end. */
const TOO_LONG = 'ERROR LINE_TOO_LONG\n';
/** After our side has ended, the peer gets so long, and so many bytes, to end its own. */
const LINGER_MS = 2000;
const LINGER_BYTES = 1 << 20;
/** Answers that the peer does not take pile up to here; then nothing more is read from it. */
const MAX_PENDING_BYTES = 256 * 1024;
/** Long answers are sent in parts of about this many characters, each after the peer has taken the former. */
const PART_LENGTH = 64 * 1024;

/** The serving side's end of a connection that speaks in lines. */
export interface LineHandler {
  /** A line came. Answer by `reply`, at any time. */
  line(text: string): void;
  /** The connection is gone; called once. */
  close?(): void;
}

/**
 * One connection of a server that is asked in lines. All answers to what arrived together leave in one write;
 * a peer that asks and does not read is not read from any further; a refused peer gets its reason and then a
 * clean end, not a reset that might overtake it.
 */
export class LinePeer {
  readonly connection: Connection;
  readonly #context: { clock: Clock; telemetry: Telemetry };
  readonly #options: LinePeerOptions;
  readonly #framer: LineFramer;
  readonly #sink: FramerSink;
  #handler: LineHandler | undefined;
  #replies = '';
  /** Inside a 'data' event, replies are collected. */
  #collecting = false;
  /** A long answer is on its way; lines that came behind the question wait. */
  #streaming = false;
  #waiting: string[] = [];
  #peerEnded = false;
  #ended = false;
  #lingered = 0;
  #linger: Timer | undefined;

  constructor(
    connection: Connection,
    context: { clock: Clock; telemetry: Telemetry },
    options: LinePeerOptions,
  ) {
    this.connection = connection;
    this.#context = context;
    this.#options = options;
    this.#framer = new LineFramer(options);
    this.#sink = {
      line: (text) => this.#received(text),
      overflow: () => this.finish(TOO_LONG),
    };
  }

  /** Starts reading. */
  serve(handler: LineHandler): void {
    this.#handler = handler;
    this.setIdle(this.#options.idleMs);
    this.connection.handle({
      data: (bytes) => this.#data(bytes),
      end: () => this.#end(),
      close: () => {
        this.#linger?.cancel();
        handler.close?.();
      },
    });
  }

  /** From now on, closes the peer when it sends nothing for so long; 0: never. */
  setIdle(ms: number): void {
    if (!this.#ended) this.connection.setIdle(ms, () => this.finish());
  }

  /** Queues an answer: one or more whole lines. */
  reply(text: string): void {
    if (this.#ended) return;
    this.#replies += text;
    if (!this.#collecting) this.#flush();
  }

  /** Sends a long answer, line by line, no faster than the peer takes it. */
  async stream(lines: Iterable<string>): Promise<void> {
    this.#streaming = true;
    this.connection.pause();
    try {
      let part = this.#replies;
      this.#replies = '';
      for (const line of lines) {
        part += line;
        if (part.length < PART_LENGTH) continue;
        await this.#send(part);
        part = '';
      }
      await this.#send(part);
    } catch {
      return; // The peer is gone; `close` tells.
    }
    this.#streaming = false;
    this.connection.resume();
    this.#takeWaiting();
  }

  /** Says a last thing, sends what is queued, and ends the connection once the peer has had time to read. */
  finish(lastLine = ''): void {
    if (this.#ended) return;
    this.#replies += lastLine;
    this.#ended = true;
    this.#framer.stop();
    this.#waiting = [];
    this.#trace('out', this.#replies);
    this.connection.end(this.#replies);
    this.#replies = '';
    this.connection.setIdle(0, () => {});
    this.#linger = this.#context.clock.after(LINGER_MS, () => this.connection.destroy());
  }

  #data(bytes: Uint8Array): void {
    if (this.#ended) return this.#discard(bytes.length);
    this.#collecting = true;
    this.#framer.push(bytes, this.#sink);
    this.#collecting = false;
    this.#flush();
  }

  #received(line: string): void {
    if (this.#streaming) this.#waiting.push(line);
    else this.#handle(line);
  }

  #handle(line: string): void {
    this.#trace('in', line);
    this.#handler?.line(line);
  }

  #takeWaiting(): void {
    this.#collecting = true;
    const lines = this.#waiting;
    this.#waiting = [];
    for (const line of lines) {
      if (this.#ended) break;
      this.#received(line);
    }
    this.#collecting = false;
    this.#flush();
    if (this.#peerEnded && !this.#streaming) this.finish();
  }

  /** The peer half-closed: it may still read, so whatever it asked is answered before our own end. */
  #end(): void {
    this.#peerEnded = true;
    const rest = this.#framer.end();
    this.#collecting = true;
    if (rest !== null && this.#options.unterminatedLastLine && !this.#ended) this.#received(rest);
    this.#collecting = false;
    if (!this.#streaming) this.finish();
  }

  #flush(): void {
    if (this.#replies === '' || this.#ended || this.#streaming) return;
    const replies = this.#replies;
    this.#replies = '';
    this.#trace('out', replies);
    if (this.connection.pendingBytes < MAX_PENDING_BYTES) return this.connection.write(replies);
    this.connection.pause();
    this.connection.send(replies).then(
      () => this.connection.resume(),
      () => {},
    );
  }

  async #send(part: string): Promise<void> {
    this.#trace('out', part);
    await this.connection.send(part);
  }

  /** Unread bytes would turn our clean end into a reset, so they are read for a while. */
  #discard(count: number): void {
    this.#lingered += count;
    if (this.#lingered > LINGER_BYTES) this.connection.destroy();
  }

  #trace(direction: 'in' | 'out', text: string): void {
    if (text !== '')
      this.#context.telemetry.trace(direction, 'tcp', this.connection.remote, () => text.trimEnd());
  }
}
