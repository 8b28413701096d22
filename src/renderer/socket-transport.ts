/**
 * The panel's side of the headless shell: one WebSocket, JSON both ways.
 *
 * First message `{token}`, answered by `{hello}` or `{error}`. Then calls `{id, call, input}`, answered by
 * `{id, ok}` or `{id, error}`, and pushes `{batch}`.
 */
import type { CallInput, CallName, CallOutput, StudioTransport } from '../contract/calls';
import { type ErrorShape, fromErrorShape, StudioError } from '../contract/errors';
import type { EventBatch, ShellInfo } from '../contract/events';

type Connection = Parameters<Parameters<StudioTransport['onConnection']>[0]>;
type ConnectionListener = (...connection: Connection) => void;

/** The part of WebSocket that is used. */
export interface SocketLike {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
}

export interface SocketEnvironment {
  open(): SocketLike;
  setTimer(run: () => void, ms: number): unknown;
  clearTimer(timer: unknown): void;
  /** Uniform in [0, 1): spreads the reconnects of many panels. */
  random(): number;
}

type ServerMessage =
  | { hello: ShellInfo }
  | { id: number; ok?: unknown }
  | { id: number; error: ErrorShape }
  | { error: ErrorShape }
  | { batch: EventBatch };

interface PendingCall {
  text: string;
  sent: boolean;
  resolve(value: unknown): void;
  reject(error: Error): void;
  timer: unknown;
}

const handshakeMs = 10_000;
const callMs = 30_000;
/** These wait for node processes, whose own deadlines (settings) go up to two minutes. */
const slowCallMs = 150_000;
const backoffMs = { first: 250, longest: 5000 };
/** Failed attempts in a row after which the connection is called lost. It is still tried. */
const attemptsUntilLost = 6;

export class SocketTransport implements StudioTransport {
  #socket: SocketLike | null = null;
  #ready = false;
  #refused = false;
  #attempts = 0;
  #nextId = 1;
  #retryTimer: unknown;
  #connection: Connection = ['reconnecting'];
  readonly #calls = new Map<number, PendingCall>();
  readonly #batchListeners = new Set<(batch: EventBatch) => void>();
  readonly #connectionListeners = new Set<ConnectionListener>();

  constructor(
    private readonly token: string,
    private readonly environment: SocketEnvironment,
  ) {
    this.#connect();
  }

  call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
    if (this.#refused) return Promise.reject(refusal(this.#connection[1]));
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      const text = JSON.stringify({ id, call: name, input });
      const ms = timeoutOf(name);
      const timer = this.environment.setTimer(() => {
        this.#calls.delete(id);
        reject(
          new StudioError(
            'TIMEOUT',
            `The studio did not answer within ${ms / 1000} seconds.`,
            'It may be very busy. What you asked for may still happen: look before you ask again.',
          ),
        );
      }, ms);
      const pending = { text, sent: false, resolve: resolve as (value: unknown) => void, reject, timer };
      this.#calls.set(id, pending);
      if (this.#ready) this.#send(pending);
    });
  }

  subscribe(onBatch: (batch: EventBatch) => void): () => void {
    this.#batchListeners.add(onBatch);
    return () => this.#batchListeners.delete(onBatch);
  }

  onConnection(listener: ConnectionListener): () => void {
    this.#connectionListeners.add(listener);
    listener(...this.#connection);
    return () => this.#connectionListeners.delete(listener);
  }

  /** Tries now, without waiting for the back-off. */
  reconnect(): void {
    if (this.#socket || this.#refused) return;
    this.environment.clearTimer(this.#retryTimer);
    this.#connect();
  }

  #connect(): void {
    const { environment } = this;
    const socket = environment.open();
    this.#socket = socket;
    const handshake = environment.setTimer(() => socket.close(), handshakeMs);
    socket.onopen = () => socket.send(JSON.stringify({ token: this.token }));
    socket.onmessage = ({ data }) => {
      const message = parse(data);
      if (!message) return;
      if ('hello' in message) {
        environment.clearTimer(handshake);
        this.#becomeReady();
      } else if ('batch' in message) {
        for (const listener of this.#batchListeners) listener(message.batch);
      } else if ('id' in message) {
        this.#settle(message);
      } else {
        this.#refuse(message.error);
      }
    };
    socket.onclose = () => {
      environment.clearTimer(handshake);
      this.#lose();
    };
  }

  #becomeReady(): void {
    this.#ready = true;
    this.#attempts = 0;
    this.#tell('connected');
    for (const pending of this.#calls.values()) if (!pending.sent) this.#send(pending);
  }

  #send(pending: PendingCall): void {
    pending.sent = true;
    this.#socket?.send(pending.text);
  }

  #settle(message: { id: number; ok?: unknown } | { id: number; error: ErrorShape }): void {
    const pending = this.#calls.get(message.id);
    if (!pending) return;
    this.#calls.delete(message.id);
    this.environment.clearTimer(pending.timer);
    if ('error' in message) pending.reject(fromErrorShape(message.error));
    else pending.resolve(message.ok);
  }

  /** Whether a call that was sent took effect is unknown, so it is never sent twice: its caller is told. */
  #lose(): void {
    this.#socket = null;
    this.#ready = false;
    if (this.#refused) return;
    this.#failCalls(
      (pending) => pending.sent,
      new StudioError(
        'DISCONNECTED',
        'The connection to the studio was lost before it answered.',
        'It is being restored. Look whether your last action took effect.',
      ),
    );
    this.#attempts += 1;
    this.#tell(this.#attempts >= attemptsUntilLost ? 'lost' : 'reconnecting');
    const ceiling = Math.min(backoffMs.longest, backoffMs.first * 2 ** (this.#attempts - 1));
    const wait = ceiling * (0.5 + this.environment.random() / 2);
    this.#retryTimer = this.environment.setTimer(() => this.#connect(), wait);
  }

  #refuse(error: ErrorShape): void {
    this.#refused = true;
    this.#tell('lost', error.message);
    this.#failCalls(() => true, fromErrorShape(error));
    this.#socket?.close();
  }

  #failCalls(which: (pending: PendingCall) => boolean, error: Error): void {
    for (const [id, pending] of this.#calls) {
      if (!which(pending)) continue;
      this.#calls.delete(id);
      this.environment.clearTimer(pending.timer);
      pending.reject(error);
    }
  }

  #tell(...connection: Connection): void {
    this.#connection = connection;
    for (const listener of this.#connectionListeners) listener(...connection);
  }
}

function timeoutOf(name: CallName): number {
  return name.startsWith('nodes.') || name.startsWith('workspace.') ? slowCallMs : callMs;
}

function refusal(detail?: string): StudioError {
  return new StudioError(
    'REFUSED',
    detail ?? 'The studio refused this page.',
    'Open the address it printed.',
  );
}

function parse(data: unknown): ServerMessage | null {
  if (typeof data !== 'string') return null;
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? (value as ServerMessage) : null;
  } catch {
    return null;
  }
}
