import { formatEndpoint } from '../../contract/endpoint';
import type { Connection, CreateNode, DatagramSocket, Listener } from '../../runtime/context';
import { join } from '../shared/pipe';
import { DatagramRelay } from './datagrams';
import type { RelayConfig, RelaySnapshot } from './manifest';

const MAX_CONNECTIONS = 4096;
const CONNECT_MS = 10_000;

export const createNode: CreateNode<RelayConfig> = (config, context) => {
  const { telemetry } = context;
  const open = new Set<Connection>();
  let listener: Listener | undefined;
  let socket: DatagramSocket | undefined;
  let datagrams: DatagramRelay | undefined;
  let failure: string | undefined;
  let drained: (() => void) | undefined;
  const stopped = new AbortController();

  const published = telemetry.publish((): Record<string, unknown> => {
    const snapshot: RelaySnapshot = {
      connections: open.size,
      senders: datagrams?.senders ?? 0,
      ...(failure === undefined ? {} : { failure }),
    };
    return { ...snapshot };
  });

  async function relay(near: Connection): Promise<void> {
    const { tcpTarget } = config;
    if (!tcpTarget || open.size >= MAX_CONNECTIONS) return near.reset();
    open.add(near);
    telemetry.count('connections');
    published.changed();
    try {
      const far = await context.net.connect(tcpTarget, {
        timeoutMs: CONNECT_MS,
        signal: stopped.signal,
        receiveBufferSize: 1024 * 1024,
      });
      failure = undefined;
      await join(near, far, config.idleMs);
    } catch (error) {
      // Whoever dialled us learns what we learnt: there is nobody.
      near.reset();
      if (!stopped.signal.aborted) tellFailure(error as Error);
    } finally {
      open.delete(near);
      published.changed();
      if (open.size === 0) drained?.();
    }
  }

  function tellFailure(error: Error): void {
    const { tcpTarget } = config;
    const where = tcpTarget ? formatEndpoint(tcpTarget) : 'nowhere';
    failure = `${where} cannot be reached: ${error.message}`;
    telemetry.count('failedConnections');
    telemetry.event({ type: 'relay-failed', subject: where, level: 'warning', text: `${failure}.` });
  }

  return {
    async start() {
      const { host, udpTarget } = config;
      listener = await context.net.listen(
        { host, port: config.tcpPort },
        (connection) => void relay(connection),
      );
      socket = await context.net.bind({ host, port: config.udpPort }, (bytes, from) =>
        datagrams?.pass(bytes, from),
      );
      if (udpTarget) {
        datagrams = new DatagramRelay(context, {
          target: udpTarget,
          idleMs: config.idleMs,
          answer: (bytes, to) => socket?.send(bytes, to),
          onChange: published.changed,
        });
      }
      return { tcp: listener.local.port, udp: socket.local.port };
    },

    async drain() {
      await listener?.close();
      if (open.size > 0) {
        await new Promise<void>((resolve) => {
          drained = resolve;
        });
      }
    },

    async stop() {
      stopped.abort();
      await listener?.close();
      await datagrams?.close();
      await socket?.close();
      for (const connection of [...open]) connection.destroy();
    },
  };
};
