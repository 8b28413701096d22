import { type FramerSink, LineFramer } from '../../protocol/line-framer';
import { MAX_LINE_BYTES } from '../../protocol/micro-cdn';
import type { Connection, ConnectOptions, Endpoint, NodeContext } from '../../runtime/context';

/** So many lines may wait to be taken before nothing more is read. */
const MAX_WAITING = 1000;
const LINGER_MS = 1000;

/**
 * The asking side's end of a connection that speaks in lines: send, then `await next()`.
 */
export class LineClient {
  readonly connection: Connection;
  readonly #context: NodeContext;
  readonly #framer = new LineFramer({ maxLineBytes: MAX_LINE_BYTES, carriageReturn: true });
  readonly #lines: string[] = [];
  #wake: (() => void) | undefined;
  #paused = false;
  #over = false;
  #error: Error | undefined;
  /** Called when the peer has closed. */
  onClose: () => void = () => {};

  /** @throws an error with `code` 'ECONNREFUSED', 'ETIMEDOUT', 'ABORT_ERR' … */
  static async connect(context: NodeContext, to: Endpoint, options: ConnectOptions): Promise<LineClient> {
    const connection = await context.net.connect(to, options);
    return new LineClient(connection, context, options.signal);
  }

  private constructor(connection: Connection, context: NodeContext, signal: AbortSignal | undefined) {
    this.connection = connection;
    this.#context = context;
    const onAbort = (): void => connection.destroy();
    signal?.addEventListener('abort', onAbort, { once: true });
    const sink: FramerSink = {
      line: (line) => this.#received(line),
      overflow: () => connection.destroy(),
    };
    connection.handle({
      data: (bytes) => this.#framer.push(bytes, sink),
      end: () => {
        const rest = this.#framer.end();
        if (rest !== null) this.#received(rest);
        connection.end();
        this.#finish();
      },
      close: (error) => {
        signal?.removeEventListener('abort', onAbort);
        this.#error = error;
        this.#finish();
      },
    });
  }

  /** The peer has closed; lines that came before may still be taken. */
  get over(): boolean {
    return this.#over;
  }

  /** Sends one or more whole lines in one segment. */
  write(lines: string): void {
    this.#context.telemetry.trace('out', 'tcp', this.connection.remote, () => lines.trimEnd());
    this.connection.write(lines);
  }

  /** Like `write`, and resolves when there is room for more. */
  send(lines: string): Promise<void> {
    this.#context.telemetry.trace('out', 'tcp', this.connection.remote, () => lines.trimEnd());
    return this.connection.send(lines);
  }

  /**
   * The next line, or null when none came in time.
   * @throws an error with code 'ECLOSED' (or the system's) when the peer has closed
   */
  async next(timeoutMs: number): Promise<string | null> {
    if (this.#lines.length === 0 && !this.#over) await this.#arrival(timeoutMs);
    const line = this.#lines.shift();
    if (line !== undefined) {
      this.#resumeIfRoom();
      return line;
    }
    if (this.#over) {
      throw (
        this.#error ?? Object.assign(new Error('The other side closed the connection.'), { code: 'ECLOSED' })
      );
    }
    return null;
  }

  /**
   * What `take` makes of the first line that it does not leave (by undefined), or null when none came in time. The time
   * is for all lines together: a peer that chatters and never answers is as good as a silent one.
   * @throws as `next` does
   */
  async find<T>(timeoutMs: number, take: (line: string) => T | undefined): Promise<T | null> {
    const { clock } = this.#context;
    const deadline = clock.now() + timeoutMs;
    for (let left = timeoutMs; left > 0; left = deadline - clock.now()) {
      const line = await this.next(left);
      if (line === null) return null;
      const taken = take(line);
      if (taken !== undefined) return taken;
    }
    return null;
  }

  /** Ends the connection cleanly; a peer that does not end its side is not waited for long. */
  close(): void {
    this.onClose = () => {};
    this.#framer.stop();
    this.#lines.length = 0;
    if (this.#paused) this.connection.resume();
    this.connection.end();
    this.connection.setIdle(LINGER_MS, () => this.connection.destroy());
  }

  #arrival(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#context.clock.after(timeoutMs, () => this.#wake?.());
      this.#wake = () => {
        timer.cancel();
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #received(line: string): void {
    this.#context.telemetry.trace('in', 'tcp', this.connection.remote, () => line);
    this.#lines.push(line);
    if (this.#lines.length >= MAX_WAITING && !this.#paused) {
      this.#paused = true;
      this.connection.pause();
    }
    this.#wake?.();
  }

  #resumeIfRoom(): void {
    if (!this.#paused || this.#lines.length > MAX_WAITING / 2) return;
    this.#paused = false;
    this.connection.resume();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#wake?.();
    this.onClose();
  }
}
