import { Fields } from '../../protocol/http/fields';
import type { NodeContext, Timer } from '../../runtime/context';
import type { Upstream } from '../shared/http/upstream';
import type { BackendState } from './backend';
import type { HttpBalancerConfig } from './manifest';

/** A server that is down is tested at least so often: it comes back soon after it is back. */
const RETEST_MS = 1000;

/** The performance test: a small transfer from each server, timed. It tells who is up, and how fast. */
export class BackendTester {
  readonly #context: NodeContext;
  readonly #upstream: Upstream;
  readonly #config: HttpBalancerConfig;
  readonly #changed: () => void;
  readonly #retests = new Map<BackendState, Timer>();
  #stopped = false;

  constructor(context: NodeContext, upstream: Upstream, config: HttpBalancerConfig, changed: () => void) {
    this.#context = context;
    this.#upstream = upstream;
    this.#config = config;
    this.#changed = changed;
  }

  /** Tests a server now, unless it is being tested. */
  test(backend: BackendState): void {
    if (backend.testing || this.#stopped) return;
    backend.testing = true;
    const { clock } = this.#context;
    const before = clock.now();
    const settle = (problem: string | null): void => {
      if (!backend.testing) return;
      backend.testing = false;
      timer.cancel();
      backend.testedAt = clock.wallTime();
      if (problem === null) this.#up(backend, clock.now() - before);
      else this.down(backend, problem);
    };
    const fields = Fields.of(['Host', backend.id], ['User-Agent', 'micro-cdn balancer'], ['Accept', '*/*']);
    let status = 0;
    const call = this.#upstream.fetch(
      backend.endpoint,
      { method: 'GET', target: this.#config.testPath, fields },
      {
        head: (head) => {
          status = head.status;
        },
        part: () => {},
        end: () => settle(status >= 500 ? `its test was answered ${status}` : null),
        failed: (error) => settle(error.message),
      },
    );
    const timer = clock.after(this.#config.timeoutMs, () => {
      call.abort();
      settle(`its test took longer than ${this.#config.timeoutMs} ms`);
    });
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
    for (const timer of this.#retests.values()) timer.cancel();
  }

  #up(backend: BackendState, testMs: number): void {
    const before = backend.state;
    backend.state = 'up';
    backend.detail = undefined;
    backend.testMs = testMs;
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
