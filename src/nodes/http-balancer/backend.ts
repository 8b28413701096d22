import { formatEndpoint } from '../../contract/endpoint';
import type { Backend } from '../../protocol/http/balancing/policy';
import { peakEwma } from '../../protocol/http/balancing/simple';
import type { Endpoint } from '../../runtime/context';

/** Time in which a good latency makes up for a bad one. */
const LATENCY_DECAY_MS = 10_000;
/** A client that was redirected counts as load, and half of it after so long. */
const REDIRECT_HALF_LIFE_MS = 5000;

/** What a balancer knows of one server. */
export class BackendState implements Backend {
  readonly endpoint: Endpoint;
  readonly id: string;
  state: 'untested' | 'up' | 'down' = 'untested';
  detail: string | undefined;
  testMs: number | null = null;
  /** Unix ms. */
  testedAt: number | undefined;
  latencyMs = 0;
  inFlight = 0;
  chosen = 0;
  failures = 0;
  /** Its last reply to a test offered to keep the connection open. */
  keepsConnections = false;
  /** It is not checked before, on the context's clock. */
  restsUntil = 0;
  #redirected = 0;
  #fadedAt = 0;
  #observedAt = 0;
  readonly #now: () => number;

  constructor(endpoint: Endpoint, now: () => number) {
    this.endpoint = endpoint;
    this.id = formatEndpoint(endpoint);
    this.#now = now;
  }

  get load(): number {
    const now = this.#now();
    this.#redirected *= 0.5 ** ((now - this.#fadedAt) / REDIRECT_HALF_LIFE_MS);
    if (this.#redirected < 0.01) this.#redirected = 0;
    this.#fadedAt = now;
    return this.inFlight + this.#redirected;
  }

  redirected(): void {
    this.#redirected = this.load - this.inFlight + 1;
  }

  observe(latencyMs: number): void {
    const now = this.#now();
    this.latencyMs = peakEwma(this.latencyMs, latencyMs, now - this.#observedAt, LATENCY_DECAY_MS);
    this.#observedAt = now;
  }
}
