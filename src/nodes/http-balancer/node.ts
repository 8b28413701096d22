import { formatEndpoint } from '../../contract/endpoint';
import { balancingPolicies } from '../../protocol/http/balancing/policies';
import type { BalancingPolicy } from '../../protocol/http/balancing/policy';
import { Fields } from '../../protocol/http/fields';
import { parseHttpUri } from '../../protocol/http/target';
import type { CreateNode, NodeContext, NodeProgram, Timer } from '../../runtime/context';
import type { Exchange } from '../shared/http/exchange';
import { RequestLog } from '../shared/http/request-log';
import { HttpServer } from '../shared/http/server';
import { defaultUpstreamOptions, Upstream, type UpstreamError } from '../shared/http/upstream';
import { BackendState } from './backend';
import { BackendTester } from './backend-tester';
import type { BackendView, HttpBalancerConfig, HttpBalancerSnapshot, HttpDecision } from './manifest';
import { MirrorFinder } from './mirror-finder';
import { passOn } from './pass-on';
import { SentClients } from './sent-clients';

const KEPT_DECISIONS = 100;
/** A client of ours names the server that has just failed it, so that nobody else is sent there. */
const FAILED_FIELD = 'balancer-failed';
/** A client that comes back is not kept waiting for longer. */
const CHECK_WAIT_MS = 1500;
/** A client that takes nothing of a reply, and nothing leaves the system's buffer either: see the origin. */
const STALL_MS = 60_000;

export const createNode: CreateNode<HttpBalancerConfig> = (config, context) =>
  new HttpBalancer(config, context);

/** Chooses a server for each request: redirects to it, or passes the request on. */
class HttpBalancer implements NodeProgram {
  readonly #config: HttpBalancerConfig;
  readonly #context: NodeContext;
  readonly #server: HttpServer;
  readonly #upstream: Upstream;
  readonly #tester: BackendTester;
  readonly #policy: BalancingPolicy;
  readonly #backends: BackendState[];
  readonly #byAddress: ReadonlyMap<string, BackendState>;
  readonly #sent: SentClients;
  readonly #mirrors: MirrorFinder;
  readonly #decisions = new RequestLog<HttpDecision>(KEPT_DECISIONS);
  readonly #changed: () => void;
  #timer: Timer | undefined;
  #requests = 0;
  #unserved = 0;
  #retries = 0;

  readonly operations = {
    decisions: (input: { limit?: number } | undefined): HttpDecision[] =>
      this.#decisions.newest(Math.min(KEPT_DECISIONS, input?.limit ?? KEPT_DECISIONS)),
  };

  constructor(config: HttpBalancerConfig, context: NodeContext) {
    this.#config = config;
    this.#context = context;
    this.#policy = balancingPolicies[config.policy]();
    this.#backends = config.servers.map((endpoint) => new BackendState(endpoint, () => context.clock.now()));
    this.#byAddress = new Map(this.#backends.map((backend) => [backend.id, backend]));
    this.#sent = new SentClients(() => context.clock.now());
    this.#changed = context.telemetry.publish(() => ({ ...this.#snapshot() })).changed;
    this.#upstream = new Upstream(context, {
      ...defaultUpstreamOptions,
      tolerance: { missingLastLineFeed: config.strict ? 'never' : 'anywhere' },
      connectMs: config.timeoutMs,
      mayKeep: (endpoint) => this.#backendAt(formatEndpoint(endpoint))?.keepsConnections ?? false,
      onIdleClosed: (endpoint) => this.#suspect(formatEndpoint(endpoint)),
    });
    this.#mirrors = new MirrorFinder(context, this.#upstream);
    this.#tester = new BackendTester(context, this.#upstream, config, this.#changed);
    this.#server = new HttpServer(
      context,
      {
        idleMs: 15_000,
        headMs: 10_000,
        stallMs: STALL_MS,
        maxContent: Number.MAX_SAFE_INTEGER,
        strict: config.strict,
        name: '',
        maxConnections: config.maxConnections,
      },
      (exchange) => this.#handle(exchange),
    );
  }

  async start(): Promise<{ http: number }> {
    const http = await this.#server.start({ host: this.#config.host, port: this.#config.port });
    this.#timer = this.#context.clock.every(this.#config.intervalMs, () => this.#testAll());
    this.#testAll();
    return { http };
  }

  async drain(): Promise<void> {
    await this.#server.drain();
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#tester.stop();
    this.#mirrors.stop();
    this.#upstream.stop();
    await this.#server.stop();
  }

  #testAll(): void {
    for (const backend of this.#backends) this.#tester.test(backend);
  }

  /** Something speaks against a server: it is tested at once, rather than at its turn. */
  #suspect(address: string): void {
    const backend = this.#backendAt(address);
    if (backend) this.#tester.test(backend);
  }

  #backendAt(address: string | undefined): BackendState | undefined {
    return this.#byAddress.get(address ?? '');
  }

  #handle(exchange: Exchange): void {
    this.#requests++;
    this.#context.telemetry.count('requests');
    const avoided = new Set<BackendState>();
    const reported = this.#backendAt(exchange.head.fields.first(FAILED_FIELD));
    if (reported) {
      avoided.add(reported);
      this.#tester.test(reported);
    }
    if (this.#config.mode === 'proxy') this.#pass(exchange, avoided, 1);
    else this.#redirect(exchange, avoided);
  }

  /** A client that comes back for the same may have found nobody where it was sent: that is looked into first. */
  #redirect(exchange: Exchange, avoided: ReadonlySet<BackendState>): void {
    const { target } = exchange.head;
    const path = target.startsWith('/') ? target : (parseHttpUri(target)?.path ?? '/');
    const former = this.#sent.find(exchange.peer.host, path);
    if (!former || avoided.has(former)) return this.#send(exchange, path, avoided);
    this.#tester.check(former);
    this.#tester.whenChecked(former, CHECK_WAIT_MS, () => this.#send(exchange, path, avoided));
  }

  #send(exchange: Exchange, path: string, avoided: ReadonlySet<BackendState>): void {
    if (exchange.isAbandoned) return;
    const backend = this.#choose(exchange, path, avoided);
    if (!backend) return this.#nobody(exchange);
    backend.redirected();
    this.#sent.add(exchange.peer.host, path, backend);
    this.#tester.check(backend);
    const location = `http://${backend.id}${path}`;
    const fields = Fields.of(['Location', location], ['Cache-Control', 'no-store']);
    const reply = (): void => exchange.explain(Number(this.#config.status), `It is at ${location}`, fields);
    if (!this.#namesMirrors(exchange)) return reply();
    const servers = this.#backends.filter(({ state }) => state !== 'down');
    this.#mirrors.find(path, servers, () => {
      this.#mirrors.addTo(fields, path, backend);
      reply();
    });
  }

  /** Whoever asks for digests may download from several servers (RFC 6249, section 7). */
  #namesMirrors({ head }: Exchange): boolean {
    const isFetch = head.method === 'GET' || head.method === 'HEAD';
    return this.#config.mirrors && isFetch && head.fields.has('want-digest');
  }

  #pass(exchange: Exchange, avoided: Set<BackendState>, attempt: number): void {
    const backend = this.#choose(exchange, exchange.head.target, avoided);
    if (!backend) return this.#nobody(exchange);
    backend.inFlight++;
    const before = this.#context.clock.now();
    passOn(exchange, backend.endpoint, this.#upstream, {
      replied: () => backend.observe(this.#context.clock.now() - before),
      ended: () => {
        backend.inFlight--;
        this.#changed();
      },
      failed: (error, mayRepeat) => {
        this.#failed(backend, error);
        avoided.add(backend);
        if (mayRepeat && attempt < this.#config.attempts) {
          this.#retries++;
          return this.#pass(exchange, avoided, attempt + 1);
        }
        if (exchange.started) exchange.fail();
        else exchange.explain(error.kind === 'timeout' ? 504 : 502, error.message);
      },
    });
  }

  /** A server that can't be reached gets no more clients; a test shows whether it is really down. */
  #failed(backend: BackendState, error: UpstreamError): void {
    backend.failures++;
    if (error.kind === 'unreachable') this.#tester.down(backend, error.message);
    else this.#tester.test(backend);
  }

  #nobody(exchange: Exchange): void {
    this.#unserved++;
    exchange.explain(503, 'No server is up.', Fields.of(['Retry-After', '1'], ['Cache-Control', 'no-store']));
  }

  /** Servers not tested yet count as up: the first client must not wait for the first test. */
  #choose(exchange: Exchange, path: string, avoided: ReadonlySet<BackendState>): BackendState | undefined {
    const usable = this.#backends.filter((backend) => backend.state !== 'down' && !avoided.has(backend));
    const choice =
      usable.length > 0 ? this.#policy.choose(usable, path, () => this.#context.random()) : undefined;
    const winner = choice && usable[choice.place];
    if (winner) winner.chosen++;
    this.#decisions.add({
      at: this.#context.clock.wallTime(),
      client: formatEndpoint(exchange.peer),
      path,
      policy: this.#config.policy,
      winner: winner?.id ?? null,
      reason: choice?.reason ?? 'No server is up.',
      candidates: this.#backends.map((backend) => ({
        address: backend.id,
        state: backend.state,
        ...(backend.testMs === null ? {} : { testMs: backend.testMs }),
        load: backend.load,
        score: choice?.scores[usable.indexOf(backend)] ?? null,
      })),
    });
    this.#changed();
    return winner;
  }

  #snapshot(): HttpBalancerSnapshot {
    const [lastDecision] = this.#decisions.newest(1);
    return {
      mode: this.#config.mode,
      policy: this.#config.policy,
      backends: this.#views(),
      requests: this.#requests,
      unserved: this.#unserved,
      retries: this.#retries,
      ...(lastDecision ? { lastDecision } : {}),
    };
  }

  #views(): BackendView[] {
    const up = this.#backends.filter(({ state }) => state !== 'down');
    const ranked = [...up].sort((a, b) => (a.testMs ?? Number.MAX_VALUE) - (b.testMs ?? Number.MAX_VALUE));
    const tickets = (up.length * (up.length + 1)) / 2;
    return this.#backends.map((backend) => {
      const place = ranked.indexOf(backend);
      return {
        address: backend.id,
        state: backend.state,
        ...(backend.detail === undefined ? {} : { detail: backend.detail }),
        ...(backend.testMs === null ? {} : { testMs: backend.testMs }),
        ...(backend.testedAt === undefined ? {} : { testedAt: backend.testedAt }),
        ...(place < 0 ? {} : { rank: place + 1, share: (up.length - place) / tickets }),
        latencyMs: backend.latencyMs,
        load: backend.load,
        watched: this.#upstream.watches(backend.endpoint),
        chosen: backend.chosen,
        failures: backend.failures,
      };
    });
  }
}
