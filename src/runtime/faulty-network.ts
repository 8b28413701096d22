import type { Attempt } from '../faults/fault';
import type { Connection, ConnectOptions, DatagramSocket, Endpoint, Listener, Network } from './context';
import { FaultyConnection, type FaultyWorld } from './faulty-connection';
import { FaultyDatagramSocket } from './faulty-datagrams';

const DEFAULT_CONNECT_TIMEOUT_MS = 5000;
/** As many connections as a listener's queue holds wait for a node that hangs; further ones are reset. */
const BACKLOG = 1024;

/** Wraps any network with the faults of a `FaultSet`, which may change at any time. */
export class FaultyNetwork implements Network {
  readonly #inner: Network;
  readonly #world: FaultyWorld;
  readonly #live = new Set<FaultyConnection | FaultyDatagramSocket>();
  readonly #forget = (gone: FaultyConnection | FaultyDatagramSocket): void => void this.#live.delete(gone);
  /** Connections that arrived while the node did not run. */
  #backlog: (() => void)[] = [];

  constructor(inner: Network, world: FaultyWorld) {
    this.#inner = inner;
    this.#world = world;
  }

  /** The set of faults, or a setting of one, has changed: live connections follow at once. */
  refresh(): void {
    for (const live of [...this.#live]) live.refresh();
    if (this.#world.faults.suspended) return;
    for (const accept of this.#backlog.splice(0)) accept();
  }

  async listen(at: Endpoint, accept: (connection: Connection) => void): Promise<Listener> {
    await this.#listeningDelay();
    return this.#inner.listen(at, (connection) => {
      if (this.#world.faults.active.length > 0) this.#receive(connection, accept);
      else accept(this.#adopt(connection, 'accepted', connection.remote));
    });
  }

  async connect(to: Endpoint, options: ConnectOptions = {}): Promise<Connection> {
    const { faults } = this.#world;
    const timeoutMs = faults.active.length > 0 ? await this.#attempt(to, options) : options.timeoutMs;
    const connection = await this.#inner.connect(
      to,
      timeoutMs === undefined ? options : { ...options, timeoutMs },
    );
    if (faults.suspended) await faults.running();
    return this.#adopt(connection, 'dialled', to);
  }

  async bind(at: Endpoint, receive: (bytes: Uint8Array, from: Endpoint) => void): Promise<DatagramSocket> {
    await this.#listeningDelay();
    const bindInner = (deliver: typeof receive): Promise<DatagramSocket> => this.#inner.bind(at, deliver);
    const socket = await FaultyDatagramSocket.bind(this.#world, bindInner, receive, this.#forget);
    this.#live.add(socket);
    return socket;
  }

  #receive(connection: Connection, accept: (connection: Connection) => void): void {
    const { faults } = this.#world;
    const traffic = { transport: 'tcp', direction: 'in', role: 'accepted', peer: connection.remote } as const;
    const covering = faults.active.filter((fault) => fault.behaviour.accepting && fault.covers(traffic));
    if (covering.some((fault) => fault.behaviour.accepting?.() === 'reset')) return connection.reset();
    if (!faults.suspended) return accept(this.#adopt(connection, 'accepted', connection.remote));
    if (this.#backlog.length >= BACKLOG) return connection.reset();
    this.#backlog.push(() => this.#receive(connection, accept));
  }

  #adopt(inner: Connection, role: 'dialled' | 'accepted', peer: Endpoint): FaultyConnection {
    const connection = new FaultyConnection(this.#world, inner, role, peer, this.#forget);
    this.#live.add(connection);
    return connection;
  }

  /**
   * Waits as long as faults make an attempt to connect take. Asked anew after each change of faults.
   * @returns the milliseconds that are left for the attempt itself
   */
  async #attempt(
    to: Endpoint,
    { timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, signal }: ConnectOptions,
  ): Promise<number> {
    const { faults, realClock } = this.#world;
    const startedAt = realClock.now();
    const deadline = startedAt + timeoutMs;
    const dice = new Map(faults.active.map((fault) => [fault, fault.deal(`connect ${to.host}:${to.port}`)]));
    while (true) {
      await faults.running();
      const attempts = faults.active
        .filter((fault) => fault.covers({ transport: 'tcp', direction: 'out', role: 'dialled', peer: to }))
        .map((fault) => fault.behaviour.connecting?.(to, dice.get(fault) ?? fault.deal('connect late')))
        .filter((attempt) => attempt !== undefined);
      const readyAt = startedAt + worst(attempts);
      const now = realClock.now();
      if (readyAt <= now) {
        const refused = attempts.find((attempt) => attempt.refuse)?.refuse;
        if (refused) throw systemError(refused, `connect ${refused} ${to.host}:${to.port}`);
        return Math.max(1, deadline - now);
      }
      if (now >= deadline) throw systemError('ETIMEDOUT', `connect ETIMEDOUT ${to.host}:${to.port}`);
      await this.#changeOr(Math.min(readyAt, deadline) - now, signal);
    }
  }

  /** Resolves after `ms` or at the next change of the faults; rejects when `signal` fires. */
  async #changeOr(ms: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { faults, realClock } = this.#world;
    await new Promise<void>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        timer.cancel();
        stopListening();
        signal?.removeEventListener('abort', abort);
        finish();
      };
      const abort = (): void => settle(() => reject(signal?.reason));
      const timer = realClock.after(ms, () => settle(resolve));
      const stopListening = faults.onChange(() => settle(resolve));
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  async #listeningDelay(): Promise<void> {
    const { faults, realClock } = this.#world;
    const startedAt = realClock.now();
    while (faults.active.length > 0) {
      const delay = Math.max(0, ...faults.active.map((fault) => fault.behaviour.listening?.() ?? 0));
      const left = startedAt + delay - realClock.now();
      if (left <= 0) return;
      await this.#changeOr(left, undefined);
    }
  }
}

/** Milliseconds until the slowest part of a handshake is through. */
function worst(attempts: Attempt[]): number {
  if (attempts.some((attempt) => attempt.unanswered)) return Number.POSITIVE_INFINITY;
  return attempts.reduce((sum, attempt) => sum + (attempt.delayMs ?? 0), 0);
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
