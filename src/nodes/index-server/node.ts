import { lenient, MAX_LINE_BYTES, strict, type Tolerance } from '../../protocol/micro-cdn';
import type { Connection, CreateNode, Listener } from '../../runtime/context';
import { LinePeer } from '../shared/line-peer';
import { Directory } from './directory';
import type { IndexConfig, IndexOperations, IndexSnapshot } from './manifest';
import { MonitorLink } from './monitor-link';
import { IndexSession } from './session';

const MAX_CONNECTIONS = 10_000;
/** While draining, connections that announce files get so long to finish. */
const DRAIN_MS = 5000;

export const createNode: CreateNode<IndexConfig> = (config, context) => {
  const tolerance: Tolerance = config.strict ? strict : lenient;
  const directory = new Directory(config, context);
  const sessions = new Map<LinePeer, IndexSession>();
  let listener: Listener | undefined;
  let monitor: MonitorLink | undefined;
  let draining: (() => void) | undefined;

  const published = context.telemetry.publish(() => ({ ...snapshot() }));
  directory.onChange = published.changed;

  function snapshot(): IndexSnapshot {
    const lastDecision = directory.decisions.latest;
    return {
      files: directory.registry.files.size,
      monitor: monitor?.state ?? 'none',
      servers: directory.snapshot(),
      ...(lastDecision ? { lastDecision } : {}),
    };
  }

  function accept(connection: Connection): void {
    if (sessions.size >= MAX_CONNECTIONS && !makeRoom()) return connection.destroy();
    const peer = new LinePeer(connection, context, {
      maxLineBytes: MAX_LINE_BYTES,
      carriageReturn: tolerance.carriageReturn,
      unterminatedLastLine: tolerance.unterminatedLastLine,
      idleMs: config.idleMs,
    });
    const session = new IndexSession(peer, directory, tolerance, config.idleMs);
    sessions.set(peer, session);
    peer.serve({
      line: (line) => {
        session.line(line);
        if (draining) finishQuiet();
      },
      close: () => {
        sessions.delete(peer);
        if (sessions.size === 0) draining?.();
      },
    });
  }

  /** Connections that ask for nothing must not keep others out: the one that is silent the longest goes. */
  function makeRoom(): boolean {
    for (const [peer, session] of sessions) {
      if (session.asked) continue;
      sessions.delete(peer);
      peer.connection.destroy();
      return true;
    }
    return false;
  }

  /** Ends the connections that are in the middle of nothing. */
  function finishQuiet(): void {
    for (const [peer, session] of sessions) if (!session.announcing) peer.finish();
  }

  return {
    async start() {
      listener = await context.net.listen({ host: config.host, port: config.tcpPort }, accept);
      if (config.monitor) {
        monitor = new MonitorLink(config.monitor, listener.local, config, context, directory, tolerance);
        monitor.onChange = published.changed;
        monitor.start();
      }
      published.changed();
      return { tcp: listener.local.port };
    },

    async drain() {
      await listener?.close();
      if (sessions.size === 0) return;
      const timeUp = new AbortController();
      const finished = new Promise<void>((resolve) => {
        draining = resolve;
      }).then(() => timeUp.abort());
      finishQuiet();
      await Promise.race([finished, context.clock.sleep(DRAIN_MS, timeUp.signal).catch(() => {})]);
    },

    async stop() {
      monitor?.stop();
      await listener?.close();
      for (const peer of sessions.keys()) peer.connection.destroy();
    },

    operations: {
      decisions: (input: IndexOperations['decisions']['input'] = {}) => directory.decisions.list(input),
      catalogue: (input: IndexOperations['catalogue']['input']) => directory.catalogue.page(input),
    },
  };
};
