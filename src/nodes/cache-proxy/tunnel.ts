import type { Connection, Endpoint, NodeContext } from '../../runtime/context';
import type { Exchange } from '../shared/http/exchange';
import { passTo } from '../shared/pipe';

/** Whoever tunnels may be silent for long, but not for ever: nobody else sees that the other end is gone. */
const IDLE_MS = 600_000;

/** What is sent when the tunnel stands. */
export interface TunnelOpening {
  /** To the server: the request that asks it for another protocol. */
  toServer?: Uint8Array;
  /** To the client: that it may begin. */
  toClient?: Uint8Array;
}

/**
 * Connects a client to a server and passes bytes in both directions, unseen, until either side ends
 * (RFC 9110, sections 9.3.6 and 7.8). Answers 502 when there is no connection.
 */
export async function openTunnel(
  context: NodeContext,
  exchange: Exchange,
  to: Endpoint,
  opening: TunnelOpening,
): Promise<void> {
  let server: Connection;
  try {
    server = await context.net.connect(to);
  } catch (error) {
    return exchange.explain(502, `There is no way to ${to.host}:${to.port}: ${(error as Error).message}`);
  }
  if (exchange.isAbandoned) return server.destroy();
  if (opening.toServer) server.write(opening.toServer);
  // Bytes that came after the request are handed over at once, before `client` is known.
  const client: Connection = exchange.takeOver(passTo(server, () => client));
  if (opening.toClient) client.write(opening.toClient);
  server.handle(passTo(client, () => server));
  for (const side of [client, server]) side.setIdle(IDLE_MS, () => side.destroy());
}
