import type { Fields } from '../../protocol/http/fields';
import { addVia, endToEndFields } from '../../protocol/http/hop-by-hop';
import { isIdempotent } from '../../protocol/http/methods';
import { parseHttpUri } from '../../protocol/http/target';
import type { Endpoint } from '../../runtime/context';
import { clientContent } from '../shared/http/client-content';
import type { Exchange } from '../shared/http/exchange';
import type { Upstream, UpstreamError } from '../shared/http/upstream';

export interface PassOnEvents {
  /** The head of the reply has arrived. */
  replied(): void;
  /** It is over, in whatever way; called once, before `failed`. */
  ended(): void;
  /** @param mayRepeat the request may be sent to another server: nothing of it or of a reply is lost */
  failed(error: UpstreamError, mayRepeat: boolean): void;
}

/** Passes a request on to a server, and its reply back, as it comes. */
export function passOn(exchange: Exchange, server: Endpoint, upstream: Upstream, events: PassOnEvents): void {
  const { head } = exchange;
  const fields: Fields = endToEndFields(head.fields).delete('expect').delete('content-length');
  addVia(fields, head.minor, 'micro-cdn-balancer');
  const content = exchange.hasContent ? clientContent(exchange) : undefined;
  const uri = parseHttpUri(head.target);
  // A target that names the host counts, not the Host beside it (RFC 9112, section 3.2.2).
  if (uri) fields.set('Host', uri.authority);
  const target = uri?.path ?? head.target;
  let over = false;
  const end = (): void => {
    if (!over) events.ended();
    over = true;
  };
  const call = upstream.fetch(
    server,
    { method: head.method, target, fields, ...(content ? { content } : {}) },
    {
      interim: (interim) => exchange.interim(interim.status, endToEndFields(interim.fields), interim.reason),
      head: (reply, framing) => {
        events.replied();
        const forwarded = endToEndFields(reply.fields);
        addVia(forwarded, reply.minor, 'micro-cdn-balancer');
        const length = framing.kind === 'length' ? framing.length : framing.kind === 'none' ? 0 : undefined;
        exchange.begin(reply.status, forwarded, head.method === 'HEAD' ? undefined : length, reply.reason);
      },
      part: (bytes) => {
        const wait = exchange.write(Buffer.from(bytes));
        if (!wait) return;
        call.pause();
        wait.then(
          () => call.resume(),
          () => {},
        );
      },
      end: (trailers) => {
        end();
        exchange.end(trailers);
      },
      failed: (error) => {
        end();
        events.failed(error, !exchange.started && content === undefined && repeatable(head.method, error));
      },
    },
  );
  exchange.onAbandoned = () => {
    end();
    call.abort();
  };
}

/** A server that could not be reached has seen nothing of any request. */
function repeatable(method: string, error: UpstreamError): boolean {
  return error.kind === 'unreachable' || (isIdempotent(method) && error.kind !== 'timeout');
}
