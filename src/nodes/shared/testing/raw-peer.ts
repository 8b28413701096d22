import type { Connection, Endpoint, Listener, Network } from '../../../runtime/context';

/** A peer that sends exactly what a test tells it to, and remembers everything that comes. */
export class RawPeer {
  readonly connection: Connection;
  readonly chunks: Buffer[] = [];
  ended = false;
  closed = false;
  error: Error | undefined;
  onData: (text: string) => void = () => {};

  constructor(connection: Connection, options: { read?: boolean } = {}) {
    this.connection = connection;
    if (options.read === false) connection.pause();
    connection.handle({
      data: (bytes) => {
        this.chunks.push(Buffer.from(bytes));
        this.onData(Buffer.from(bytes).toString());
      },
      end: () => {
        this.ended = true;
      },
      close: (error) => {
        this.closed = true;
        this.error = error;
      },
    });
  }

  static async connect(net: Network, to: Endpoint): Promise<RawPeer> {
    return new RawPeer(await net.connect(to));
  }

  /** Everything that came. */
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  /** What came, in whole lines. */
  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }

  send(text: string | Uint8Array): this {
    this.connection.write(text);
    return this;
  }

  /** Forgets what came so far. */
  clear(): this {
    this.chunks.length = 0;
    return this;
  }
}

/** A program of somebody else that listens, line by line, as its author wrote it. */
export class ForeignServer {
  readonly peers: RawPeer[] = [];
  /** All lines from all connections. */
  readonly received: string[] = [];
  readonly listener: Listener;

  private constructor(listener: Listener) {
    this.listener = listener;
  }

  /** @param behave is called for each connection */
  static async listen(
    net: Network,
    at: Endpoint,
    behave: (peer: RawPeer, server: ForeignServer) => void,
  ): Promise<ForeignServer> {
    let server: ForeignServer | undefined;
    const listener = await net.listen(at, (connection) => {
      if (!server) return;
      const peer = new RawPeer(connection);
      server.peers.push(peer);
      behave(peer, server);
    });
    server = new ForeignServer(listener);
    return server;
  }

  /** Answers each whole line; what `answer` returns is sent, null closes. */
  static byLine(
    net: Network,
    at: Endpoint,
    answer: (line: string, peer: RawPeer) => string | null | undefined,
  ): Promise<ForeignServer> {
    return ForeignServer.listen(net, at, (peer, server) => {
      let rest = '';
      peer.onData = (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() as string;
        for (const line of lines) {
          server.received.push(line);
          const reply = answer(line, peer);
          if (reply === null) peer.connection.end();
          else if (reply) peer.send(reply);
        }
      };
    });
  }
}
