import type { Connection, ConnectionHandlers, Endpoint, NodeContext } from '../../runtime/context';
import type { Exchange } from '../shared/http/exchange';

/** Bytes that one side has not taken: the other one waits beyond. */
const HIGH_WATER = 1024 * 1024;

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
}

/** Passes what comes from one side to `other`, and makes it wait while `other` does not take it. */
function passTo(other: Connection, from: () => Connection): ConnectionHandlers {
  return {
    data: (bytes) => {
      const copy = Buffer.from(bytes);
      if (other.pendingBytes < HIGH_WATER) return other.write(copy);
      from().pause();
      other.send(copy).then(
        () => from().resume(),
        () => {},
      );
    },
    end: () => other.end(),
    close: () => other.destroy(),
  };
}
