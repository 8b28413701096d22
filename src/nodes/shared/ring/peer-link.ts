import { encodeFrame, type Frame, FrameReader, PREAMBLE } from '../../../protocol/ring-frames';
import type { Clock, Connection, Endpoint, Network } from '../../../runtime/context';

/** A link on which nothing moves for so long is closed by either side, ms. */
const IDLE_MS = 60_000;
/** Requests of one peer that are worked on at once; more than this, and it is no peer of ours. */
const MAX_AT_ONCE = 256;
/** Answers that a peer does not read, bytes: beyond this it is cut off instead of filling our memory. */
const MAX_UNSENT = 16 * 1024 * 1024;

export interface Reply {
  header: Record<string, unknown>;
  /** A copy. */
  body: Uint8Array;
}

export interface Answer {
  header: Record<string, unknown>;
  /** Makes the body when it can be sent: of all answers of a link, one body at a time is in memory. */
  body?: () => Promise<Uint8Array>;
}

/** Works on one request; a thrown error's message goes back. The frame's body is lent until this first awaits. */
export type RequestHandler = (frame: Frame) => Promise<Answer>;

/** A connection to another member of ours (or from a client of ours), with many requests at once. */
export class PeerLink {
  readonly #waiting = new Map<number, { resolve(reply: Reply): void; reject(error: Error): void }>();
  /** When the last request was made, by the clock. */
  lastUsed: number;
  #nextId = 1;
  #dropped = false;

  private constructor(
    readonly connection: Connection,
    readonly clock: Clock,
    onClose: (dropped: boolean) => void,
  ) {
    this.lastUsed = clock.now();
    const frames = new FrameReader();
    // A request has its own time-out, which may be longer.
    connection.setIdle(IDLE_MS, () => {
      if (!this.busy) connection.destroy();
    });
    connection.handle({
      data: (bytes) => {
        try {
          frames.push(bytes, (frame) => this.#reply(frame));
        } catch {
          connection.destroy();
        }
      },
      close: () => {
        for (const { reject } of this.#waiting.values()) reject(closed());
        this.#waiting.clear();
        onClose(this.#dropped);
      },
    });
    connection.write(PREAMBLE);
  }

  /** @param onClose told whether the link was closed from this side */
  static async open(
    net: Network,
    clock: Clock,
    to: Endpoint,
    timeoutMs: number,
    onClose: (dropped: boolean) => void = () => {},
  ): Promise<PeerLink> {
    return new PeerLink(await net.connect(to, { timeoutMs }), clock, onClose);
  }

  /** Requests are waiting for their answers. */
  get busy(): boolean {
    return this.#waiting.size > 0;
  }

  get closed(): boolean {
    return this.connection.closed;
  }

  /** @throws Error of code 'ETIMEDOUT', 'EPIPE', or 'REFUSED' with what the peer says */
  request(header: Record<string, unknown>, timeoutMs: number, body?: Uint8Array): Promise<Reply> {
    if (this.connection.closed) return Promise.reject(closed());
    const id = this.#nextId++;
    this.lastUsed = this.clock.now();
    return new Promise((resolve, reject) => {
      const timer = this.clock.after(timeoutMs, () => {
        this.#waiting.delete(id);
        reject(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
      });
      this.#waiting.set(id, {
        resolve: (reply) => {
          timer.cancel();
          resolve(reply);
        },
        reject: (error) => {
          timer.cancel();
          reject(error);
        },
      });
      this.connection.write(encodeFrame({ id, ...header }, body));
    });
  }

  close(): void {
    this.#dropped = true;
    this.connection.destroy();
  }

  #reply({ header, body }: Frame): void {
    const id = Number(header.re);
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    if (typeof header.error === 'string') {
      waiting.reject(Object.assign(new Error(header.error), { code: 'REFUSED' }));
    } else waiting.resolve({ header, body: Uint8Array.from(body) });
  }
}

/** The other side of a link. `first` is what came after the preamble. */
export function servePeer(connection: Connection, handle: RequestHandler): (bytes: Uint8Array) => void {
  const frames = new FrameReader();
  let atOnce = 0;
  let working = 0;
  let bodies: Promise<unknown> = Promise.resolve();
  // The peer waits for us; one that does not take what is made for it is dropped all the same.
  connection.setIdle(IDLE_MS, () => {
    if (working === 0) connection.destroy();
  });
  const sendInTurn = (header: Record<string, unknown>, body: () => Promise<Uint8Array>): Promise<void> => {
    const sent = bodies.then(async () => {
      if (!connection.closed) await connection.send(encodeFrame(header, await body()));
    });
    bodies = sent.catch(() => {});
    return sent;
  };
  const serve = async (frame: Frame): Promise<void> => {
    const { id } = frame.header;
    try {
      working++;
      const { header, body } = await handle(frame).finally(() => working--);
      if (body) await sendInTurn({ re: id, ...header }, body);
      else connection.write(encodeFrame({ re: id, ...header }));
    } catch (error) {
      connection.write(encodeFrame({ re: id, error: (error as Error).message }));
    }
    atOnce--;
    if (connection.pendingBytes > MAX_UNSENT) connection.destroy();
  };
  return (bytes) => {
    try {
      frames.push(bytes, (frame) => {
        if (++atOnce > MAX_AT_ONCE) throw new Error('Too many requests at once.');
        void serve(frame);
      });
    } catch {
      connection.destroy();
    }
  };
}

function closed(): Error {
  return Object.assign(new Error('the connection is closed'), { code: 'EPIPE' });
}
