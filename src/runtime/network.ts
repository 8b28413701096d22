/** Real TCP and UDP. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, isIP, type Server, type Socket, connect as tcpConnect } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type {
  Connection,
  ConnectionHandlers,
  ConnectOptions,
  DatagramSocket,
  Endpoint,
  Listener,
  Network,
} from './context';
import type { FlowMeter } from './flow-meter';

const DEFAULT_CONNECT_TIMEOUT_MS = 5000;
const DEFAULT_RECEIVE_BUFFER = 64 * 1024;
/** Silent for so long, a peer is asked whether it is still there: one without power never says that it left. */
const KEEP_ALIVE_MS = 30_000;
/** A listener's queue of connections that wait to be accepted: 200 clients at once must not be refused. */
const BACKLOG = 1024;

/** The machine's network. What nodes open themselves is metered, at no cost per chunk. */
export function systemNetwork(meter: FlowMeter): Network {
  return {
    listen,
    connect: async (to, options) => {
      const connection = await connect(to, options);
      meter.dialled(to, connection);
      return connection;
    },
    bind: (at, receive) => bind(at, receive, meter),
  };
}

function listen(at: Endpoint, accept: (connection: Connection) => void): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
      const connection = new TcpConnection();
      connection.attach(socket);
      accept(connection);
    });
    server.once('error', reject);
    server.listen({ host: at.host, port: at.port, backlog: BACKLOG }, () => {
      server.off('error', reject);
      // Accept errors (EMFILE) must not end the process; the next connection may well succeed.
      server.on('error', () => {});
      resolve(new TcpListener(server));
    });
  });
}

class TcpListener implements Listener {
  readonly local: Endpoint;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('A TCP server has an address.');
    this.local = { host: address.address, port: address.port };
  }

  /** Node's own callback waits for open connections too; what counts here is that none is taken any more. */
  async close(): Promise<void> {
    if (this.#server.listening) this.#server.close();
  }
}

function connect(to: Endpoint, options: ConnectOptions = {}): Promise<TcpConnection> {
  const {
    timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS,
    signal,
    receiveBufferSize = DEFAULT_RECEIVE_BUFFER,
    localHost,
    tls,
  } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const connection = new TcpConnection();
    const plain = tcpConnect({
      host: to.host,
      port: to.port,
      ...(localHost === undefined ? {} : { localAddress: localHost }),
      allowHalfOpen: true,
      noDelay: true,
      // One reused buffer instead of one per read: half the cost of 'data' events on large transfers.
      ...(tls
        ? {}
        : { onread: { buffer: Buffer.allocUnsafe(receiveBufferSize), callback: connection.onRead } }),
    });
    const socket = tls ? encrypted(plain, tls.serverName) : plain;
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      outcome();
    };
    const onError = (error: Error): void => settle(() => reject(error));
    const onAbort = (): void =>
      settle(() => {
        socket.on('error', () => {});
        socket.destroy();
        reject(signal?.reason);
      });
    const timer = setTimeout(() => {
      settle(() => {
        socket.on('error', () => {});
        socket.destroy();
        reject(Object.assign(new Error(`connect ETIMEDOUT ${to.host}:${to.port}`), { code: 'ETIMEDOUT' }));
      });
    }, timeoutMs);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once(tls ? 'secureConnect' : 'connect', () =>
      settle(() => {
        connection.attach(socket);
        resolve(connection);
      }),
    );
  });
}

/** An address is no server name: it is checked against the certificate, but not sent (RFC 6066, section 3). */
function encrypted(socket: Socket, host: string): TLSSocket {
  return tlsConnect({ socket, host, ...(isIP(host) ? {} : { servername: host }) });
}

class TcpConnection implements Connection {
  local: Endpoint = { host: '', port: 0 };
  remote: Endpoint = { host: '', port: 0 };
  #socket: Socket | undefined;
  #handlers: ConnectionHandlers | undefined;
  #held: Buffer[] = [];
  #paused = true;
  #endSeen = false;
  #error: Error | undefined;
  #closed = false;

  /** For accepted sockets this is the 'data' listener; for dialled ones, the callback of the reused buffer. */
  readonly onRead = (length: number, buffer: Uint8Array): boolean => {
    this.#received(buffer.subarray(0, length));
    return !this.#paused;
  };

  attach(socket: Socket): void {
    this.#socket = socket;
    this.local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 };
    this.remote = { host: plainV4(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.pause();
    socket.on('data', (chunk) => this.#received(chunk));
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => {
      this.#closed = true;
      this.#handlers?.close?.(this.#error);
    });
  }

  get closed(): boolean {
    return this.#closed || this.#socket?.destroyed === true;
  }

  get bytesSent(): number {
    return this.#socket?.bytesWritten ?? 0;
  }

  get bytesReceived(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  get pendingBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  handle(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    this.#paused = false;
    for (const chunk of this.#held.splice(0)) handlers.data(chunk);
    if (this.#closed) return handlers.close?.(this.#error);
    if (this.#endSeen) this.#ended();
    if (!this.#paused) this.#socket?.resume();
  }

  write(bytes: Uint8Array | string): void {
    if (this.#writable) this.#socket?.write(bytes);
  }

  send(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.#writable || !this.#socket) {
        return reject(Object.assign(new Error('The connection is closed.'), { code: 'EPIPE' }));
      }
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  end(bytes?: Uint8Array | string): void {
    if (!this.#writable) return;
    if (bytes === undefined) this.#socket?.end();
    else this.#socket?.end(bytes);
  }

  destroy(error?: Error): void {
    this.#socket?.destroy(error);
  }

  reset(): void {
    this.#socket?.resetAndDestroy();
  }

  pause(): void {
    this.#paused = true;
    this.#socket?.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#handlers) this.#socket?.resume();
  }

  setIdle(ms: number, onIdle: () => void): void {
    this.#socket?.removeAllListeners('timeout');
    this.#socket?.setTimeout(ms);
    if (ms > 0) this.#socket?.on('timeout', onIdle);
  }

  get #writable(): boolean {
    return this.#socket !== undefined && !this.#socket.destroyed && !this.#socket.writableEnded;
  }

  #received(chunk: Uint8Array): void {
    if (this.#handlers) this.#handlers.data(chunk);
    else this.#held.push(Buffer.from(chunk));
  }

  #ended(): void {
    this.#endSeen = true;
    if (!this.#handlers) return;
    if (this.#handlers.end) this.#handlers.end();
    else this.end();
  }
}

function bind(
  at: Endpoint,
  receive: (bytes: Uint8Array, from: Endpoint) => void,
  meter: FlowMeter,
): Promise<DatagramSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(at.host.includes(':') ? 'udp6' : 'udp4');
    socket.once('error', reject);
    socket.bind({ address: at.host, port: at.port, exclusive: true }, () => {
      socket.off('error', reject);
      // ICMP "port unreachable" and the like concern one datagram, never the socket.
      socket.on('error', () => {});
      const datagrams = new UdpDatagramSocket(socket, meter);
      socket.on('message', (bytes, { address, port }) => {
        const from = { host: plainV4(address), port };
        datagrams.heardFrom(from);
        receive(bytes, from);
      });
      resolve(datagrams);
    });
  });
}

/** Peers that a UDP socket tells apart as those who began; older ones are forgotten. */
const MAX_PEERS = 1024;

class UdpDatagramSocket implements DatagramSocket {
  readonly local: Endpoint;
  /** Who sent first: what goes to them is an answer, and belongs to the flow that they opened. */
  readonly #callers = new Set<string>();
  readonly #called = new Set<string>();
  #socket: UdpSocket | undefined;

  constructor(
    socket: UdpSocket,
    readonly meter: FlowMeter,
  ) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.local = { host: address, port };
  }

  send(bytes: Uint8Array | string, to: Endpoint): void {
    if (!this.#socket || !isPort(to.port)) return;
    const peer = `${to.host} ${to.port}`;
    if (!this.#callers.has(peer)) {
      remember(this.#called, peer);
      this.meter.datagram(to, bytes.length);
    }
    this.#socket.send(bytes, to.port, to.host, () => {});
  }

  heardFrom({ host, port }: Endpoint): void {
    const peer = `${host} ${port}`;
    if (!this.#called.has(peer)) remember(this.#callers, peer);
  }

  close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    return new Promise((resolve) => (socket ? socket.close(() => resolve()) : resolve()));
  }
}

/** Anybody may send from port 0, which nobody can answer: dgram throws at it, and that would end the process. */
function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= 65_535;
}

function remember(peers: Set<string>, peer: string): void {
  if (peers.has(peer)) return;
  if (peers.size >= MAX_PEERS) peers.delete(peers.values().next().value as string);
  peers.add(peer);
}

/** An IPv4 peer of a dual-stack socket is written as IPv4. */
function plainV4(host: string): string {
  return host.startsWith('::ffff:') ? host.slice(7) : host;
}
