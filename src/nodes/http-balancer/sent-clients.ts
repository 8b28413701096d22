import type { BackendState } from './backend';

const KEPT = 1000;
/** A client that asks for the same again within so many ms may not have got it. */
const COMEBACK_MS = 5000;
/** One that comes back more often than this measures how fast we are, or polls: it is not kept waiting. */
const MAX_COMEBACKS = 3;

interface Sent {
  backend: BackendState;
  at: number;
  comebacks: number;
}

/** Where clients were sent lately, by their address and what they asked for; bounded, the oldest are forgotten. */
export class SentClients {
  readonly #sent = new Map<string, Sent>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param host address of the client; its port changes with every attempt */
  add(host: string, path: string, backend: BackendState): void {
    const key = `${host} ${path}`;
    const former = this.#lately(key);
    this.#sent.delete(key);
    this.#sent.set(key, { backend, at: this.#now(), comebacks: former ? former.comebacks + 1 : 0 });
    if (this.#sent.size > KEPT) this.#sent.delete(this.#sent.keys().next().value as string);
  }

  /** The server that this client was sent to for the same a moment ago, and that may have failed it. */
  find(host: string, path: string): BackendState | undefined {
    const sent = this.#lately(`${host} ${path}`);
    return sent && sent.comebacks < MAX_COMEBACKS ? sent.backend : undefined;
  }

  #lately(key: string): Sent | undefined {
    const sent = this.#sent.get(key);
    return sent && this.#now() - sent.at <= COMEBACK_MS ? sent : undefined;
  }
}
