import { formatEndpoint } from '../../contract/endpoint';
import { Fields } from '../../protocol/http/fields';
import { addVia, countInVia, endToEndFields } from '../../protocol/http/hop-by-hop';
import type { RequestHead } from '../../protocol/http/request-head';
import type { Endpoint, NodeContext } from '../../runtime/context';
import type {
  ReplySink,
  Upstream,
  UpstreamCall,
  UpstreamContent,
  UpstreamError,
} from '../shared/http/upstream';
import { CACHE_NAME } from './names';
import type { Route } from './route';
import type { Statistics } from './statistics';

/** Chains of caches of ours are fine; a loop passes them again and again. */
const MAX_HOPS = 8;
/** A forward proxy is asked for any server: beyond so many that cannot be reached, the oldest are forgotten. */
const MAX_UNREACHABLE = 1000;

/** The request has been here too often. */
export function isLoop(fields: Fields): boolean {
  return countInVia(fields, CACHE_NAME) > MAX_HOPS;
}

/** Fields for the next hop: nothing of the client's connection, Host of the URI, and our Via. */
export function forwardFields({ fields, minor }: RequestHead, { uri }: Route): Fields {
  const forwarded = Fields.of(['Host', uri.authority]);
  for (const [name, value, spelling] of endToEndFields(fields)) {
    if (name !== 'host' && name !== 'expect' && name !== 'content-length') forwarded.add(spelling, value);
  }
  addVia(forwarded, minor, CACHE_NAME);
  return forwarded;
}

/** Asks origins, the next one when one can't be reached, and tells people when that changes. */
export class Origins {
  readonly #context: NodeContext;
  readonly #upstream: Upstream;
  readonly #statistics: Statistics;
  readonly #changed: () => void;
  /** Their state is shown, so it is not forgotten. */
  readonly #configured: ReadonlySet<string>;
  readonly #unreachable = new Set<string>();

  constructor(
    context: NodeContext,
    configured: readonly Endpoint[],
    upstream: Upstream,
    statistics: Statistics,
    changed: () => void,
  ) {
    this.#configured = new Set(configured.map(formatEndpoint));
    this.#context = context;
    this.#upstream = upstream;
    this.#statistics = statistics;
    this.#changed = changed;
  }

  isReachable(server: Endpoint): boolean {
    return !this.#unreachable.has(formatEndpoint(server));
  }

  /** @param onCall is given each attempt's call, so that it can be aborted and paused */
  fetch(
    route: Route,
    request: { method: string; fields: Fields; content?: UpstreamContent },
    sink: ReplySink,
    onCall: (call: UpstreamCall) => void,
    attempt = 0,
  ): void {
    const server = route.servers[attempt] as Endpoint;
    if (attempt === 0) this.#statistics.forwarded++;
    const call = this.#upstream.fetch(
      server,
      { ...request, target: route.target },
      {
        ...sink,
        head: (head, framing) => {
          this.#reached(server);
          sink.head(head, framing);
        },
        part: (bytes) => {
          this.#statistics.originBytes += bytes.length;
          sink.part(bytes);
        },
        failed: (error) => {
          if (error.kind !== 'unreachable') return sink.failed(error);
          this.#notReached(server, error);
          const another = attempt + 1 < route.servers.length && request.content === undefined;
          if (another) this.fetch(route, request, sink, onCall, attempt + 1);
          else sink.failed(error);
        },
      },
    );
    onCall(call);
  }

  #reached(server: Endpoint): void {
    const address = formatEndpoint(server);
    if (!this.#unreachable.delete(address)) return;
    const text = `The origin ${address} can be reached again.`;
    this.#context.telemetry.event({ type: 'origin-back', text, subject: address, level: 'good' });
    this.#changed();
  }

  #notReached(server: Endpoint, error: UpstreamError): void {
    const address = formatEndpoint(server);
    this.#upstream.forget(server);
    if (this.#unreachable.has(address)) return;
    this.#unreachable.add(address);
    this.#forgetOldest();
    const text = `The origin can't be reached: ${error.message}`;
    this.#context.telemetry.event({ type: 'origin-unreachable', text, subject: address, level: 'bad' });
    this.#changed();
  }

  #forgetOldest(): void {
    for (const oldest of this.#unreachable) {
      if (this.#unreachable.size <= MAX_UNREACHABLE) return;
      if (!this.#configured.has(oldest)) this.#unreachable.delete(oldest);
    }
  }
}
