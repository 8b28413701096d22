/**
 * A ring member as other people wrote them: one receive of 1024 bytes is one message, one connection for each,
 * no versions, no answers to CHECK. Written from the description of the protocol alone, without our codec.
 */
import type { Clock, Connection, Network } from '../../../runtime/context';

interface Wire {
  type: string;
  creator?: string;
  data?: unknown;
}

export interface ForeignManners {
  /** Closes a connection when it has read. Default: true. */
  closes?: boolean;
  /** Calls the circular message that carries the list CHECK, as the seed's text does. */
  circularCheck?: boolean;
}

export class ForeignMember {
  readonly address: string;
  readonly items = new Map<string, string>();
  /** Every message, as it came. */
  readonly received: string[] = [];
  list: string[];
  #answers = new Map<string, (content: string) => void>();

  constructor(
    readonly net: Network,
    readonly clock: Clock,
    readonly port: number,
    readonly manners: ForeignManners = {},
  ) {
    this.address = `127.0.0.1:${port}`;
    this.list = [this.address];
  }

  async start(prev?: number): Promise<void> {
    await this.net.listen({ host: '127.0.0.1', port: this.port }, (connection) => this.#accept(connection));
    this.clock.every(5000, () => void this.#check());
    if (prev !== undefined) await this.#send(`127.0.0.1:${prev}`, { type: 'INSERT', data: this.address });
  }

  get #next(): string {
    const at = this.list.indexOf(this.address);
    return this.list[(at + 1) % this.list.length] ?? this.address;
  }

  #accept(connection: Connection): void {
    connection.handle({
      data: (bytes) => {
        const text = Buffer.from(bytes.subarray(0, 1024)).toString('utf8');
        this.received.push(text);
        const message = JSON.parse(text) as Wire;
        void this.#take(message).then((answer) => {
          if (answer) connection.write(JSON.stringify(answer));
          if (this.manners.closes ?? true) connection.end();
        });
      },
    });
  }

  async #take(message: Wire): Promise<Wire | null> {
    const { type, creator, data } = message;
    switch (type) {
      case 'INSERT':
        this.list.splice(this.list.indexOf(this.address) + 1, 0, data as string);
        await this.#tellList();
        return null;
      case 'UPDATE':
      case 'CHECK':
        if (creator === undefined || creator === this.address) return null;
        this.list = data as string[];
        await this.#send(this.#next, message);
        return null;
      case 'FORWARD_PUT': {
        const { item, content } = data as { item: string; content: string };
        if (creator === this.address) this.#answers.get(item)?.(content);
        else {
          this.items.set(item, content);
          await this.#send(this.#next, message);
        }
        return null;
      }
      case 'FORWARD_GET': {
        const { item, content } = data as { item: string; content: string };
        if (creator === this.address) this.#answers.get(item)?.(content);
        else
          await this.#send(this.#next, {
            ...message,
            data: { item, content: this.items.get(item) ?? content },
          });
        return null;
      }
      case 'PUT': {
        const { item, content } = data as { item: string; content: string };
        this.items.set(item, content);
        if (this.list.length > 1) await this.#round('FORWARD_PUT', item, content);
        return { type: 'PUT', data: { item, status: '200 OK' } };
      }
      case 'GET': {
        const item = data as string;
        const own = this.items.get(item);
        const found = own ?? (this.list.length > 1 ? await this.#round('FORWARD_GET', item, '') : '');
        return { type: 'GET', data: { item, content: found || '404 NOT FOUND' } };
      }
      default:
        throw new Error(`unknown message ${type}`);
    }
  }

  #round(type: string, item: string, content: string): Promise<string> {
    return new Promise((resolve) => {
      this.#answers.set(item, resolve);
      void this.#send(this.#next, { creator: this.address, type, data: { item, content } });
    });
  }

  #tellList(): Promise<void> {
    const type = this.manners.circularCheck ? 'CHECK' : 'UPDATE';
    return this.#send(this.#next, { creator: this.address, type, data: this.list });
  }

  async #check(): Promise<void> {
    const next = this.#next;
    if (next === this.address) return;
    try {
      await this.#send(next, { type: 'CHECK' });
    } catch {
      this.list = this.list.filter((address) => address !== next);
      if (this.list.length > 1) await this.#tellList().catch(() => {});
    }
  }

  async #send(address: string, message: Wire): Promise<void> {
    if (address === this.address) return;
    const port = Number(address.split(':')[1]);
    const connection = await this.net.connect({ host: '127.0.0.1', port });
    connection.write(JSON.stringify(message));
    connection.end();
  }
}
