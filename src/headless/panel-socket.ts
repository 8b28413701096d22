/**
 * One panel at the end of a WebSocket. JSON both ways: first `{token}`, answered by `{hello}` or `{error}`;
 * then calls `{id, call, input}`, answered by `{id, ok}` or `{id, error}`, and pushes `{batch}`.
 */
import type { WebSocket } from 'ws';
import type { CallName } from '../contract/calls';
import { type ErrorShape, StudioError, toErrorShape } from '../contract/errors';
import type { Core } from '../core/core';
import type { Session } from '../core/events/event-hub';
import { isToken } from './access';

/** The token must come within so many milliseconds. */
const HELLO_MS = 10_000;
/** A panel that does not answer a ping within this time is gone. */
const PING_MS = 20_000;
/** Bytes that may wait for a slow panel; above, batches are merged instead of queued. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** Calls of one panel that may be under way at once. */
const MAX_CALLS = 200;
/** 'Policy violation', RFC 6455 section 7.4.1. */
const REFUSED = 1008;

export function servePanel(socket: WebSocket, core: Core, token: string): void {
  const send = (message: unknown): void => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
  };
  const refuse = (error: ErrorShape): void => {
    send({ error });
    socket.close(REFUSED);
  };
  const late = setTimeout(() => refuse(badToken('The page did not send its token in time.')), HELLO_MS);
  let panel: Panel | undefined;

  socket.on('message', (data) => {
    const message = parse(String(data));
    if (panel) return panel.receive(message);
    clearTimeout(late);
    if (!isToken(message?.token, token)) return refuse(badToken('The token of this page is not valid.'));
    send({ hello: core.options.shell });
    panel = new Panel(socket, core, send);
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    clearTimeout(late);
    panel?.close();
  });
}

class Panel {
  readonly #socket: WebSocket;
  readonly #core: Core;
  readonly #send: (message: unknown) => void;
  readonly #session: Session;
  readonly #ping: NodeJS.Timeout;
  #answered = true;
  #calls = 0;

  constructor(socket: WebSocket, core: Core, send: (message: unknown) => void) {
    this.#socket = socket;
    this.#core = core;
    this.#send = send;
    this.#session = core.openSession({
      onBatch: (batch) => send({ batch }),
      canTake: () => socket.bufferedAmount < MAX_WAITING_BYTES,
    });
    socket.on('pong', () => {
      this.#answered = true;
    });
    this.#ping = setInterval(() => this.#check(), PING_MS);
  }

  receive(message: Record<string, unknown> | null): void {
    const { id, call, input } = message ?? {};
    if (typeof id !== 'number' || typeof call !== 'string') return;
    if (this.#calls >= MAX_CALLS) {
      const error = new StudioError('BUSY', 'Too many calls are under way.', 'Wait for some of them to end.');
      return this.#send({ id, error });
    }
    this.#calls += 1;
    this.#core
      .call(call as CallName, input, this.#session)
      .then(
        (ok) => this.#send(ok === undefined ? { id } : { id, ok }),
        (thrown) => this.#send({ id, error: toErrorShape(thrown) }),
      )
      .finally(() => {
        this.#calls -= 1;
      });
  }

  close(): void {
    clearInterval(this.#ping);
    this.#session.close();
  }

  #check(): void {
    if (!this.#answered) return this.#socket.terminate();
    this.#answered = false;
    this.#socket.ping();
  }
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function badToken(message: string): ErrorShape {
  return {
    code: 'BAD_TOKEN',
    message,
    hint: 'Open the address that the program printed when it started; each start has a new one.',
  };
}
