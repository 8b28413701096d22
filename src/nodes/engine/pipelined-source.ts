/**
 * A source that is asked for ranges over one connection and answers them in order, requests travelling ahead of
 * the answers: HTTP servers and content servers. What cannot be cancelled on the wire is thrown away, or, when
 * that would cost more, ends with the connection; the rest is asked for again on a new one.
 */
import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import type { Connection, NodeContext, Timer } from '../../runtime/context';
import type { OpenSource, RangeRequest, Source, SourceEvents, Span } from './source';

/** Large reads halve what receiving costs. */
const RECEIVE_BUFFER = 1024 * 1024;
/** A cancelled answer with more than this to come is cut off by a new connection. */
const MAX_DISCARD = 512 * 1024;
const CONNECT_MS = 3000;

/** How a protocol asks for ranges and reads the answers. */
export interface RangeDialect {
  request(span: Span): string;
  /** A light question whose answer shows that the server lives. */
  probe(): string;
  /** A reader for a new connection. */
  reader(replies: Replies): { push(bytes: Uint8Array): void };
}

/** What a dialect's reader reports. Throwing ends the connection; an error with `final` ends the source. */
export interface Replies {
  /** What the next answer is for; undefined: nothing was asked. */
  readonly expected: Span | 'probe' | undefined;
  /** Part of the answer; the buffer is lent. */
  bytes(part: Uint8Array): void;
  /** The answer is complete. `last`: the server closes the connection after it. */
  end(last: boolean): void;
}

/** One question: requests for neighbouring ranges are asked together, since each question costs both ends. */
interface Asked {
  /** Undefined: a probe. */
  span: Span | undefined;
  /** What it answers and has not yet come in full, in order. */
  parts: Part[];
  /** Some of the answer has come. */
  begun: boolean;
}

interface Part extends RangeRequest {
  received: number;
  cancelled: boolean;
}

/** The error of a source that it is no use to try again. */
export function finalError(message: string): Error {
  return Object.assign(new Error(message), { final: true });
}

export class PipelinedSource implements Source {
  readonly id: string;
  readonly address: string;
  readonly #context: NodeContext;
  readonly #at: Endpoint;
  readonly #dialect: RangeDialect;

  constructor(context: NodeContext, id: string, at: Endpoint, dialect: RangeDialect) {
    this.#context = context;
    this.id = id;
    this.address = formatEndpoint(at);
    this.#at = at;
    this.#dialect = dialect;
  }

  async open(events: SourceEvents, signal: AbortSignal): Promise<OpenSource> {
    const session = new PipelinedSession(this.#context, this.#at, this.#dialect, events, signal);
    await session.connect();
    return session;
  }
}

class PipelinedSession implements OpenSource {
  readonly available = null;
  readonly choked = false;
  roundTripMs = 1;
  readonly #context: NodeContext;
  readonly #at: Endpoint;
  readonly #dialect: RangeDialect;
  readonly #events: SourceEvents;
  readonly #signal: AbortSignal;
  /** Asked on the present connection, in the order of the answers. */
  #asked: Asked[] = [];
  #connection: Connection | null = null;
  #paused = false;
  #closed = false;
  /** Reconnects in a row without an answer between: a server that only accepts is no source. */
  #fruitless = 0;
  #again: Timer | null = null;

  constructor(
    context: NodeContext,
    at: Endpoint,
    dialect: RangeDialect,
    events: SourceEvents,
    signal: AbortSignal,
  ) {
    this.#context = context;
    this.#at = at;
    this.#dialect = dialect;
    this.#events = events;
    this.#signal = signal;
  }

  async connect(): Promise<void> {
    const { clock, net } = this.#context;
    const startedAt = clock.now();
    const connection = await net.connect(this.#at, {
      signal: this.#signal,
      timeoutMs: CONNECT_MS,
      receiveBufferSize: RECEIVE_BUFFER,
    });
    if (this.#closed) return connection.destroy();
    this.roundTripMs = Math.max(1, clock.now() - startedAt);
    this.#connection = connection;
    const reader = this.#dialect.reader(this.#repliesOf(connection));
    connection.handle({
      data: (bytes) => {
        if (this.#connection !== connection) return;
        try {
          reader.push(bytes);
        } catch (error) {
          this.#end(error as Error);
        }
      },
      end: () => connection.end(),
      close: (error) => this.#lost(connection, error),
    });
    if (this.#paused) connection.pause();
    if (this.#asked.length > 0) connection.write(this.#questions(this.#asked));
  }

  request(requests: readonly RangeRequest[]): void {
    if (this.#closed) return;
    const asked = joined(requests.map((request) => ({ ...request, received: 0, cancelled: false })));
    this.#asked.push(...asked);
    this.#connection?.write(this.#questions(asked));
  }

  cancel(requestId: number): void {
    let discard = 0;
    for (const part of this.#asked.flatMap(({ parts }) => parts)) {
      if (part.id === requestId) part.cancelled = true;
      if (part.cancelled) discard += part.length - part.received;
    }
    if (discard > MAX_DISCARD && this.#connection) void this.#reconnect();
  }

  pause(): void {
    this.#paused = true;
    this.#connection?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#connection?.resume();
  }

  close(): void {
    this.#closed = true;
    this.#again?.cancel();
    this.#connection?.destroy();
    this.#connection = null;
  }

  #questions(asked: readonly Asked[]): string {
    return asked.map(({ span }) => (span ? this.#dialect.request(span) : this.#dialect.probe())).join('');
  }

  #repliesOf(connection: Connection): Replies {
    const session = this;
    return {
      get expected() {
        const [next] = session.#asked;
        return next && (next.span ?? 'probe');
      },
      bytes: (bytes) => this.#received(connection, bytes),
      end: (last) => {
        if (this.#connection !== connection) return;
        const done = this.#asked.shift();
        this.#fruitless = 0;
        if (done && !done.span) this.#events.life();
        if (last) void this.#reconnect();
      },
    };
  }

  #received(connection: Connection, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const [asked] = this.#asked;
      const [part] = asked?.parts ?? [];
      // Whoever was told of the first bytes may have closed the source since.
      if (this.#connection !== connection || !asked || !part) return;
      const count = Math.min(part.length - part.received, bytes.length - at);
      asked.begun = true;
      part.received += count;
      if (part.received === part.length) asked.parts.shift();
      if (part.cancelled) this.#events.life();
      else this.#events.data(part.id, bytes.subarray(at, at + count));
      at += count;
    }
  }

  /** Takes what is still wanted to a new connection, and asks whether the server lives. */
  async #reconnect(): Promise<void> {
    const former = this.#connection;
    this.#connection = null;
    former?.destroy();
    const wanted = this.#asked.flatMap(({ parts }) => parts).filter(({ cancelled }) => !cancelled);
    // What has come of a part is not asked for again: the engine continues after it.
    if (wanted.some(({ received }) => received > 0))
      return this.#end(new Error('It broke off in the middle of an answer.'));
    this.#asked = joined(wanted);
    if (this.#asked.length === 0) this.#asked.push({ span: undefined, parts: [], begun: false });
    try {
      await this.connect();
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #lost(connection: Connection, error: Error | undefined): void {
    if (this.#connection !== connection || this.#closed) return;
    this.#connection = null;
    const begun = this.#asked.some((asked) => asked.begun);
    // A server may close an idle connection, or one that has served its number of requests.
    if (error || begun || ++this.#fruitless > 2) {
      return this.#end(error ?? Object.assign(new Error('It closed the connection.'), { code: 'ECLOSED' }));
    }
    if (this.#asked.length > 0) void this.#reconnect();
    else this.#again = this.#context.clock.after(0, () => void this.#reconnect());
  }

  #end(error: Error): void {
    if (this.#closed) return;
    this.close();
    this.#events.gone(error);
  }
}

function joined(parts: readonly Part[]): Asked[] {
  const asked: (Asked & { span: Span })[] = [];
  for (const part of parts) {
    const { offset, length } = part;
    const last = asked.at(-1);
    if (last && last.span.offset + last.span.length === offset) {
      last.span.length += length;
      last.parts.push(part);
    } else asked.push({ span: { offset, length }, parts: [part], begun: false });
  }
  return asked;
}
