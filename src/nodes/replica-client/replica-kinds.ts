import { decodeProbeReply, encodeProbe } from '../../protocol/replica';
import type { DatagramSocket, Endpoint, NodeContext } from '../../runtime/context';

/** A replica is asked so often, at this interval, whether it is one of ours: a datagram may be lost. */
const ASK_TIMES = 5;
const ASK_EVERY_MS = 50;

/**
 * Finds out which replicas are ours, by datagram and beside the transfer, so that a foreign replica's
 * connection carries only the seed's bytes. One socket serves all transfers of a client.
 */
export class ReplicaKinds {
  readonly #waiting = new Map<number, () => void>();
  readonly #sockets = new Map<string, Promise<DatagramSocket | null>>();

  constructor(readonly context: Pick<NodeContext, 'net' | 'clock' | 'log' | 'random'>) {}

  /** Calls back when the replica says that it is one of ours. The returned function ends the asking. */
  whenOurs(replica: Endpoint, onOurs: () => void): () => void {
    const nonce = Math.floor(this.context.random() * 2 ** 32);
    const ended = new AbortController();
    const end = (): void => {
      this.#waiting.delete(nonce);
      ended.abort();
    };
    this.#waiting.set(nonce, () => {
      end();
      onOurs();
    });
    void this.#ask(replica, nonce, ended.signal);
    return end;
  }

  async close(): Promise<void> {
    const sockets = await Promise.all(this.#sockets.values());
    this.#sockets.clear();
    await Promise.all(sockets.map((socket) => socket?.close()));
  }

  async #ask(replica: Endpoint, nonce: number, ended: AbortSignal): Promise<void> {
    const socket = await this.#socketFor(replica.host);
    for (let asked = 0; socket && asked < ASK_TIMES && !ended.aborted; asked++) {
      socket.send(encodeProbe(nonce), replica);
      await this.context.clock.sleep(ASK_EVERY_MS, ended).catch(() => {});
    }
  }

  /** Null when there is none to be had: then only speed is lost. */
  #socketFor(host: string): Promise<DatagramSocket | null> {
    const from = host.includes(':') ? '::' : host.startsWith('127.') ? '127.0.0.1' : '0.0.0.0';
    let socket = this.#sockets.get(from);
    if (!socket) {
      const { net, log } = this.context;
      socket = net
        .bind({ host: from, port: 0 }, (datagram) => {
          const reply = decodeProbeReply(datagram);
          if (reply) this.#waiting.get(reply.nonce)?.();
        })
        .catch((error: Error) => {
          log.debug(`No UDP socket: ${error.message}`);
          return null;
        });
      this.#sockets.set(from, socket);
    }
    return socket;
  }
}
