import { Fields } from '../../protocol/http/fields';
import type { NodeContext, Timer } from '../../runtime/context';
import type { Upstream, UpstreamCall } from '../shared/http/upstream';
import type { BackendState } from './backend';
import type { HttpBalancerConfig } from './manifest';

/** A server that is down is tested at least so often: it comes back soon after it is back. */
const RETEST_MS = 1000;
/** A server rests for nine times as long as its last test took: checks cost it at most a tenth of its time. */
const REST_FACTOR = 9;
const MIN_REST_MS = 50;
const MAX_REST_MS = 1000;

/** A small transfer under way. */
interface Transfer {
  call: UpstreamCall;
  /** Set for a test; a check has no time limit. */
  deadline?: Timer;
}

/**
 * The performance test: a small transfer from each server, timed. It tells who is up, and how fast.
 *
 * A death between two tests is noticed in one of two ways. A server that offers to keep connections open keeps
 * that of its test, which ends the moment the server dies. One that offers nothing might serve one connection at
 * a time, and be blocked by a silent one: it is checked when a client has been sent there. (Proxies learn of a
 * death from the requests they pass on: `max_fails` of nginx, `observe layer4` of HAProxy, outlier detection of
 * Envoy. Whoever redirects never sees those fail; servers with `redir` in HAProxy have periodic checks alone.)
 */
export class BackendTester {
  readonly #context: NodeContext;
  readonly #upstream: Upstream;
  readonly #config: HttpBalancerConfig;
  readonly #changed: () => void;
  readonly #running = new Map<BackendState, Transfer>();
  readonly #retests = new Map<BackendState, Timer>();
  /** Checks that wait until the server has rested. */
  readonly #due = new Map<BackendState, Timer>();
  readonly #waiting = new Map<BackendState, Set<() => void>>();
  #stopped = false;

  constructor(context: NodeContext, upstream: Upstream, config: HttpBalancerConfig, changed: () => void) {
    this.#context = context;
    this.#upstream = upstream;
    this.#config = config;
    this.#changed = changed;
  }

  /** Tests a server now: one that does not answer in time is down. */
  test(backend: BackendState): void {
    if (this.#stopped) return;
    const { timeoutMs } = this.#config;
    const transfer = this.#running.get(backend) ?? this.#begin(backend);
    transfer.deadline ??= this.#context.clock.after(timeoutMs, () => {
      transfer.call.abort();
      this.#settle(backend, `its test took longer than ${timeoutMs} ms`);
    });
  }

  /**
   * Looks soon whether a server is still there, unless its end would be told anyway. One that cannot be reached
   * is down; one that takes its time may be serving the client that was sent to it, and that says nothing.
   */
  check(backend: BackendState): void {
    if (this.#stopped || this.isChecking(backend) || this.#upstream.watches(backend.endpoint)) return;
    const rest = backend.restsUntil - this.#context.clock.now();
    if (rest <= 0) this.#begin(backend);
    else {
      const due = this.#context.clock.after(rest, () => {
        this.#due.delete(backend);
        if (!this.#running.has(backend)) this.#begin(backend);
      });
      this.#due.set(backend, due);
    }
  }

  isChecking(backend: BackendState): boolean {
    return this.#running.has(backend) || this.#due.has(backend);
  }

  /** Calls back when the check or test of a server has ended, or after `limitMs`; at once when there is none. */
  whenChecked(backend: BackendState, limitMs: number, run: () => void): void {
    if (!this.isChecking(backend)) return run();
    const waiting = this.#waiting.get(backend) ?? new Set();
    this.#waiting.set(backend, waiting);
    const go = (): void => {
      limit.cancel();
      waiting.delete(go);
      run();
    };
    const limit = this.#context.clock.after(limitMs, go);
    waiting.add(go);
  }

  down(backend: BackendState, problem: string): void {
    const before = backend.state;
    backend.state = 'down';
    backend.detail = problem;
    this.#upstream.forget(backend.endpoint);
    if (before !== 'down') this.#tell(backend, 'server-down', `${backend.id} is down: ${problem}`, 'bad');
    this.#retest(backend);
    this.#changed();
  }

  stop(): void {
    this.#stopped = true;
    for (const timers of [this.#retests, this.#due]) for (const timer of timers.values()) timer.cancel();
    for (const { deadline } of this.#running.values()) deadline?.cancel();
    for (const waiting of this.#waiting.values()) for (const go of [...waiting]) go();
  }

  #begin(backend: BackendState): Transfer {
    const { clock } = this.#context;
    const before = clock.now();
    const fields = Fields.of(
      ['Host', backend.id],
      ['User-Agent', 'micro-cdn balancer'],
      ['Accept', '*/*'],
      ['Connection', 'keep-alive'],
    );
    let status = 0;
    const call = this.#upstream.fetch(
      backend.endpoint,
      { method: 'GET', target: this.#config.testPath, fields },
      {
        head: (head) => {
          status = head.status;
          backend.keepsConnections = offersToKeep(head.fields);
        },
        part: () => {},
        end: () => {
          if (transfer.deadline) backend.testMs = clock.now() - before;
          this.#settle(backend, status >= 500 ? `its test was answered ${status}` : null);
        },
        failed: (error) => {
          const saysNothing = error.kind === 'timeout' && !transfer.deadline;
          this.#settle(backend, saysNothing ? undefined : error.message);
        },
      },
    );
    const transfer: Transfer = { call };
    this.#running.set(backend, transfer);
    return transfer;
  }

  /** @param problem null: it is up; undefined: nothing was learned */
  #settle(backend: BackendState, problem: string | null | undefined): void {
    const transfer = this.#running.get(backend);
    if (!transfer || this.#stopped) return;
    const { clock } = this.#context;
    this.#running.delete(backend);
    transfer.deadline?.cancel();
    backend.testedAt = clock.wallTime();
    const rest = REST_FACTOR * (backend.testMs ?? 0);
    backend.restsUntil = clock.now() + Math.min(MAX_REST_MS, Math.max(MIN_REST_MS, rest));
    if (problem === null) this.#up(backend);
    else if (problem !== undefined) this.down(backend, problem);
    for (const go of [...(this.#waiting.get(backend) ?? [])]) go();
  }

  #up(backend: BackendState): void {
    const before = backend.state;
    backend.state = 'up';
    backend.detail = undefined;
    if (before === 'down') this.#tell(backend, 'server-up', `${backend.id} is back.`, 'good');
    this.#changed();
  }

  #retest(backend: BackendState): void {
    if (this.#stopped || this.#config.intervalMs <= RETEST_MS) return;
    this.#retests.get(backend)?.cancel();
    this.#retests.set(
      backend,
      this.#context.clock.after(RETEST_MS, () => this.test(backend)),
    );
  }

  #tell(backend: BackendState, type: string, text: string, level: 'good' | 'bad'): void {
    this.#context.telemetry.event({ type, text, subject: backend.id, level });
  }
}

/** In so many words: HTTP/1.1 connections are persistent anyway, but not everybody who says 1.1 means it. */
function offersToKeep(fields: Fields): boolean {
  return fields.has('keep-alive') || /\bkeep-alive\b/i.test(fields.get('connection') ?? '');
}
