import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { encode, parseAtMonitor, type ServerRow } from '../../protocol/micro-cdn';
import type { LineHandler, LinePeer } from '../shared/line-peer';

/** A connection on which this much waits is not being read, and is dropped. */
const MAX_UNREAD_BYTES = 64 * 1024;

export interface MonitorDesk {
  rows(): Iterable<Omit<ServerRow, 'type'>>;
  /** @returns false when no more can be told */
  registerIndex(index: Endpoint): boolean;
}

/** One TCP connection to the monitor. It stays open, silent or not: verdicts are pushed on it. */
export class MonitorSession implements LineHandler {
  readonly #peer: LinePeer;
  readonly #desk: MonitorDesk;
  /** Set once the peer has named itself by REGISTER_INDEX. */
  index: string | undefined;

  constructor(peer: LinePeer, desk: MonitorDesk) {
    this.#peer = peer;
    this.#desk = desk;
  }

  line(line: string): void {
    const request = parseAtMonitor(line);
    switch (request.type) {
      case 'list-servers':
        return void this.#peer.stream(list(this.#desk.rows()));
      case 'register-index': {
        const { port } = request;
        // An index that listens everywhere may say so; it can be reached where it came from.
        const everywhere = request.host === '0.0.0.0' || request.host === '::';
        const host = everywhere ? this.#peer.connection.remote.host : request.host;
        if (!this.#desk.registerIndex({ host, port })) return this.#peer.finish(encode.error('BUSY'));
        this.index = formatEndpoint({ host, port });
        return this.#peer.reply(encode.indexRegistered());
      }
      case 'malformed':
        return this.#peer.finish(encode.error(request.reason));
    }
  }

  push(line: string): void {
    if (this.#peer.connection.pendingBytes > MAX_UNREAD_BYTES) this.#peer.connection.destroy();
    else this.#peer.reply(line);
  }
}

function* list(rows: Iterable<Omit<ServerRow, 'type'>>): Generator<string> {
  for (const row of rows) yield encode.serverRow(row);
  yield encode.end();
}
