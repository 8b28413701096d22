import type { Exchange } from './exchange';
import type { UpstreamContent } from './upstream';

/** The content of a client's request on its way to a server. */
export function clientContent(exchange: Exchange): UpstreamContent {
  const { framing } = exchange.head;
  return {
    length: framing.kind === 'length' ? framing.length : undefined,
    start: (out) =>
      exchange.readContent({ part: (bytes) => out.write(bytes), end: (trailers) => out.end(trailers) }),
    pause: () => exchange.pauseContent(),
    resume: () => exchange.resumeContent(),
  };
}
