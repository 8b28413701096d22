import { PREAMBLE } from '../../protocol/ring-frames';
import { JsonReader, parseMessage, type RingMessage } from '../../protocol/ring-messages';
import type { Connection, NodeContext } from '../../runtime/context';
import { inBackground } from '../shared/background';
import { servePeer } from '../shared/ring/peer-link';
import type { ClientRequests } from './client-requests';
import type { RingConfig } from './manifest';
import type { MemberRequests } from './member-requests';
import type { Membership } from './membership';
import { MAX_PLAIN, type PlainRequests } from './plain-requests';

/** A client that says nothing for so long is dropped, ms. */
const IDLE_MS = 15_000;
/** What is shown of a message of the seed, characters. */
const SHOWN = 300;

/** Who answers what comes in. */
export interface Desks {
  membership: Membership;
  clients: ClientRequests;
  members: MemberRequests;
  plain: PlainRequests;
}

/** Takes what comes in by the port: the seed's messages, one a connection, and the links of our own programs. */
export class FrontDoor {
  readonly #connections = new Set<Connection>();
  #desks: Desks | undefined;
  #serving = 0;
  #whenIdle: (() => void) | undefined;

  constructor(
    readonly config: Pick<RingConfig, 'strict'>,
    readonly context: Pick<NodeContext, 'log' | 'telemetry'>,
  ) {}

  /** Whoever came before waits until the member has its items: nothing was read from them yet. */
  open(desks: Desks): void {
    this.#desks = desks;
    for (const connection of this.#connections) this.#serve(connection, desks);
  }

  accept(connection: Connection): void {
    this.#connections.add(connection);
    if (this.#desks) this.#serve(connection, this.#desks);
  }

  /** Resolves when the requests that are being worked on are answered. */
  async idle(): Promise<void> {
    if (this.#serving === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  /** Closes all connections now; nobody waits for their requests any more. */
  close(): void {
    for (const connection of this.#connections) connection.destroy();
    this.#whenIdle?.();
  }

  #serve(connection: Connection, desks: Desks): void {
    connection.setIdle(IDLE_MS, () => connection.destroy());
    let head = Buffer.alloc(0);
    let take: ((bytes: Uint8Array) => void) | undefined;
    let asked = false;
    const upload = { close: async () => {} };
    connection.handle({
      data: (bytes) => {
        if (take) return take(bytes);
        head = Buffer.concat([head, bytes]);
        if (head[0] !== PREAMBLE.charCodeAt(0)) {
          take = this.#servePlain(connection, desks, () => {
            asked = true;
          });
        } else if (head.length < PREAMBLE.length) return;
        else if (head.toString('latin1', 0, PREAMBLE.length) === PREAMBLE && !this.config.strict) {
          take = this.#serveLink(connection, desks, upload);
          head = head.subarray(PREAMBLE.length);
        } else return connection.destroy();
        if (head.length > 0) take(head);
      },
      // Whoever has asked may finish sending, and still wait for the answer: that ends the connection.
      end: () => {
        if (!asked) connection.end();
      },
      close: () => {
        this.#connections.delete(connection);
        inBackground(this.context.log, 'An upload', upload.close());
      },
    });
  }

  #servePlain(connection: Connection, { plain }: Desks, onMessage: () => void): (bytes: Uint8Array) => void {
    const reader = new JsonReader(MAX_PLAIN);
    return (bytes) => {
      const usable = reader.push(bytes, (text) => {
        this.context.telemetry.trace('in', 'tcp', connection.remote, () => text.slice(0, SHOWN));
        const message = parseMessage(text);
        onMessage();
        // It waits for us now: a PUT may take longer than a client may be silent.
        connection.setIdle(0, () => {});
        if (message) void this.#work(this.#answerPlain(message, connection, plain));
        else connection.destroy();
      });
      if (!usable) connection.destroy();
    };
  }

  async #answerPlain(message: RingMessage, connection: Connection, plain: PlainRequests): Promise<void> {
    try {
      const reply = await plain.answer(message);
      connection.setIdle(IDLE_MS, () => connection.destroy());
      if (reply === null) return connection.end();
      this.context.telemetry.trace('out', 'tcp', connection.remote, () => reply.slice(0, SHOWN));
      connection.end(reply);
    } catch (error) {
      this.context.log.warn(`${message.type} failed: ${(error as Error).message}`);
      connection.destroy();
    }
  }

  /** Requests of other members of ours, and of our clients. */
  #serveLink(
    connection: Connection,
    { clients, membership, members }: Desks,
    upload: { close(): Promise<void> },
  ): (bytes: Uint8Array) => void {
    let member: string | undefined;
    const client = clients.session();
    upload.close = () => client.close();
    return servePeer(connection, async ({ header, body }) => {
      const { op } = header;
      if (op === 'hello' && typeof header.from === 'string') {
        const welcome = membership.welcome(header.from, header.rings);
        member = header.from;
        return { header: welcome };
      }
      if (typeof op === 'string' && client.knows(op)) return this.#work(client.handle(op, header, body));
      if (member === undefined) throw new Error('say hello first');
      return members.answer(header, body, member);
    });
  }

  /** Counts work that draining waits for. */
  #work<Value>(work: Promise<Value>): Promise<Value> {
    this.#serving++;
    return work.finally(() => {
      this.#serving--;
      if (this.#serving === 0) this.#whenIdle?.();
    });
  }
}
