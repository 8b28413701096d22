import type { Attempt, Link } from '../faults/fault';
import type { Connection, ConnectOptions, DatagramSocket, Endpoint, Listener, Network } from './context';
import { FaultyConnection, type FaultyWorld } from './faulty-connection';
import { FaultyDatagramSocket } from './faulty-datagrams';
import type { LiveFault } from './live-fault';
import { Strikes } from './strikes';

const DEFAULT_CONNECT_TIMEOUT_MS = 5000;
/** As many connections as a listener's queue holds wait for a node that hangs; further ones are reset. */
const BACKLOG = 1024;

/** A connection that arrived and that the node must not see yet. */
interface Held {
  connection: Connection;
  accept: Accept;
  strikes: Strikes;
}

type Accept = (connection: Connection) => void;

const directions = ['out', 'in'] as const;

/** Wraps any network with the faults of a `FaultSet`, which may change at any time. */
export class FaultyNetwork implements Network {
  readonly #inner: Network;
  readonly #world: FaultyWorld;
  readonly #live = new Set<FaultyConnection | FaultyDatagramSocket>();
  readonly #forget = (gone: FaultyConnection | FaultyDatagramSocket): void => void this.#live.delete(gone);
  #backlog: Held[] = [];
  /** When the node wanted its first port: a start is late once, however many ports it opens. */
  #startedAt: number | undefined;

  constructor(inner: Network, world: FaultyWorld) {
    this.#inner = inner;
    this.#world = world;
  }

  /** The set of faults, or a setting of one, has changed: live connections follow at once. */
  refresh(): void {
    for (const live of [...this.#live]) live.refresh();
    if (this.#world.faults.suspended) return;
    for (const held of this.#backlog.splice(0)) this.#receive(held);
  }

  async listen(at: Endpoint, accept: Accept): Promise<Listener> {
    await this.#listeningDelay();
    const listener = await this.#inner.listen(at, (connection) => {
      if (this.#world.faults.active.length > 0) this.#receive({ connection, accept, strikes: new Strikes() });
      else accept(this.#adopt(connection, 'accepted', connection.remote));
    });
    return {
      local: listener.local,
      close: () => {
        this.#resetHeld(accept);
        return listener.close();
      },
    };
  }

  async connect(to: Endpoint, options: ConnectOptions = {}): Promise<Connection> {
    const { faults } = this.#world;
    const strikes = new Strikes();
    const timeoutMs =
      faults.active.length > 0 ? await this.#attempt(to, strikes, options) : options.timeoutMs;
    const connection = await this.#inner
      .connect(to, timeoutMs === undefined ? options : { ...options, timeoutMs })
      .finally(() => faults.running());
    if (options.signal?.aborted) {
      connection.destroy();
      throw options.signal.reason;
    }
    return this.#adopt(connection, 'dialled', to, strikes);
  }

  async bind(at: Endpoint, receive: (bytes: Uint8Array, from: Endpoint) => void): Promise<DatagramSocket> {
    await this.#listeningDelay();
    const bindInner = (deliver: typeof receive): Promise<DatagramSocket> => this.#inner.bind(at, deliver);
    const socket = await FaultyDatagramSocket.bind(this.#world, bindInner, receive, this.#forget);
    this.#live.add(socket);
    return socket;
  }

  #receive({ connection, accept, strikes }: Held): void {
    const { faults } = this.#world;
    const traffic = { transport: 'tcp', direction: 'in', peer: connection.remote } as const;
    const verdicts = faults.active
      .filter(({ behaviour, messages }) => behaviour.accepting && !messages)
      .filter((fault) => fault.covers(traffic) && strikes.has(fault))
      .map((fault) => fault.behaviour.accepting?.());
    const held = faults.suspended || verdicts.includes('hold');
    if (verdicts.includes('reset') || (held && this.#backlog.length >= BACKLOG)) return connection.reset();
    if (held) this.#backlog.push({ connection, accept, strikes });
    else accept(this.#adopt(connection, 'accepted', connection.remote, strikes));
  }

  /** What waits in the queue of a listener goes with it, as the system does it. */
  #resetHeld(accept: Accept): void {
    for (const held of this.#backlog) if (held.accept === accept) held.connection.reset();
    this.#backlog = this.#backlog.filter((held) => held.accept !== accept);
  }

  #adopt(inner: Connection, role: Link['role'], peer: Endpoint, strikes?: Strikes): FaultyConnection {
    const connection = new FaultyConnection(this.#world, inner, role, peer, this.#forget, strikes);
    this.#live.add(connection);
    return connection;
  }

  /**
   * Waits as long as faults make an attempt to connect take. Asked anew after each change of faults.
   * @returns the milliseconds that are left for the attempt itself
   */
  async #attempt(
    to: Endpoint,
    strikes: Strikes,
    { timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, signal }: ConnectOptions,
  ): Promise<number> {
    const { faults, realClock } = this.#world;
    const startedAt = realClock.now();
    const deadline = startedAt + timeoutMs;
    const dice = new Map<LiveFault, () => () => number>();
    while (true) {
      await faults.running();
      const attempts = this.#verdicts(to, strikes, dice);
      const readyAt = startedAt + slowest(attempts);
      const now = realClock.now();
      if (readyAt <= now) {
        const refused = attempts.find((attempt) => attempt.refuse)?.refuse;
        if (refused) throw systemError(refused, `connect ${refused} ${to.host}:${to.port}`);
        return Math.max(1, deadline - now);
      }
      if (now >= deadline) throw systemError('ETIMEDOUT', `connect ETIMEDOUT ${to.host}:${to.port}`);
      await faults.changeWithin(Math.min(readyAt, deadline) - now, signal);
    }
  }

  /** What each fault makes of an attempt. @param dice kept from one asking to the next, so that they repeat */
  #verdicts(to: Endpoint, strikes: Strikes, dice: Map<LiveFault, () => () => number>): Attempt[] {
    return this.#world.faults.active.flatMap((fault) => {
      const { connecting } = fault.behaviour;
      if (!connecting || fault.messages) return [];
      const covered = directions.filter((direction) =>
        fault.covers({ transport: 'tcp', direction, peer: to }),
      );
      if (covered.length === 0 || !strikes.has(fault)) return [];
      let again = dice.get(fault);
      if (!again) {
        again = fault.dealAgain(`connect ${to.host}:${to.port}`);
        dice.set(fault, again);
      }
      const random = again();
      return covered.map((direction) => connecting(direction, random));
    });
  }

  async #listeningDelay(): Promise<void> {
    const { faults, realClock } = this.#world;
    this.#startedAt ??= realClock.now();
    while (faults.active.length > 0) {
      const delay = Math.max(0, ...faults.active.map((fault) => fault.behaviour.listening?.() ?? 0));
      const left = this.#startedAt + delay - realClock.now();
      if (left <= 0) return;
      await faults.changeWithin(left);
    }
  }
}

/** Milliseconds until the slowest part of a handshake is through. */
function slowest(attempts: Attempt[]): number {
  if (attempts.some((attempt) => attempt.unanswered)) return Number.POSITIVE_INFINITY;
  return attempts.reduce((sum, attempt) => sum + (attempt.delayMs ?? 0), 0);
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
