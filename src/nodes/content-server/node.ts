import { encode, lenient, strict } from '../../protocol/micro-cdn';
import type { Connection, CreateNode, DatagramSocket, Listener, Timer } from '../../runtime/context';
import { DigestKeeper } from './digest-keeper';
import { IndexLink } from './index-link';
import { Library } from './library';
import type { ContentConfig, ContentSnapshot } from './manifest';
import { ContentSession } from './session';
import { Shop } from './shop';
import { Witness } from './witness';

/** Clients at once; one more that finds them all asking is told BUSY, and asks elsewhere. */
const MAX_SESSIONS = 2000;
/** Files are announced without a digest when it is not there after so long; it follows. */
const HASHED_MS = 100;
/** A gap between two heartbeats that may have had this server declared dead, at the least. */
const STANDSTILL_MS = 1000;

export const createNode: CreateNode<ContentConfig> = (config, context) => {
  const { clock, telemetry } = context;
  const sessions = new Set<ContentSession>();
  let library: Library | undefined;
  let digests: DigestKeeper | undefined;
  let shop: Shop | undefined;
  let listener: Listener | undefined;
  let socket: DatagramSocket | undefined;
  let index: IndexLink | undefined;
  let beat: Timer | undefined;
  let told: Promise<unknown> = Promise.resolve();
  let lastBeat = 0;
  let heartbeats = 0;
  let drained: (() => void) | undefined;

  const published = telemetry.publish(() => ({ ...snapshot() }));

  function snapshot(): ContentSnapshot {
    const indexDetail = index?.detail;
    return {
      serverId: config.serverId,
      load: shop?.load ?? 0,
      files: library?.files.size ?? 0,
      bytes: library?.bytes ?? 0,
      index: index?.state ?? 'none',
      ...(indexDetail ? { indexDetail } : {}),
      heldBack: index?.heldBack ?? [],
      monitor: config.monitor ? 'sending' : 'none',
      heartbeats,
    };
  }

  function accept(connection: Connection, shop: Shop): void {
    if (sessions.size >= MAX_SESSIONS) makeRoom();
    const session = new ContentSession(connection, shop, () => {
      sessions.delete(session);
      if (sessions.size === 0) drained?.();
    });
    sessions.add(session);
    if (sessions.size > MAX_SESSIONS) session.refuseBusy();
  }

  /** Connections that ask for nothing must not keep clients out: the one that is silent the longest goes. */
  function makeRoom(): void {
    for (const session of sessions) {
      if (!session.quiet) continue;
      sessions.delete(session);
      return session.destroy();
    }
  }

  function sendHeartbeat(tcpPort: number): void {
    const now = clock.now();
    const gap = now - lastBeat;
    lastBeat = now;
    if (heartbeats > 0 && gap > config.heartbeatMs * 1.5 + STANDSTILL_MS) index?.suspect();
    if (!config.monitor || !socket) return;
    const line = encode.heartbeat({
      serverId: config.serverId,
      host: advertisedHost(),
      tcpPort,
      load: shop?.load ?? 0,
      files: library?.files.size ?? 0,
    });
    telemetry.trace('out', 'udp', config.monitor, () => line.trimEnd());
    socket.send(line, config.monitor);
    heartbeats++;
    telemetry.count('heartbeats');
    published.changed();
  }

  /** Once the files that it is about are hashed, if that does not take long; in order. */
  function tellIndex(keeper: DigestKeeper, tell: (index: IndexLink) => void): void {
    told = told.then(() => keeper.settled(HASHED_MS)).then(() => index && tell(index));
  }

  function advertisedHost(): string {
    if (config.advertisedHost) return config.advertisedHost;
    const everywhere = config.host === '0.0.0.0' || config.host === '::';
    return everywhere ? (index?.localHost ?? '127.0.0.1') : config.host;
  }

  return {
    async start() {
      const files = await Library.open(config.files, context);
      library = files;
      const keeper = new DigestKeeper(files, context, config.serverId);
      digests = keeper;
      const open = new Shop(config, context, config.strict ? strict : lenient, files, keeper.digests);
      shop = open;
      open.onLoad = published.changed;
      listener = await context.net.listen({ host: config.host, port: config.tcpPort }, (connection) =>
        accept(connection, open),
      );
      const witness =
        config.monitor && !config.strict
          ? new Witness(context, config.monitor, (text, to) => socket?.send(text, to))
          : undefined;
      socket = await context.net.bind({ host: config.host, port: config.udpPort }, (bytes, from) =>
        witness?.receive(bytes, from),
      );
      const ports = { tcp: listener.local.port, udp: socket.local.port };
      if (config.index) {
        index = new IndexLink(config.index, config, context, files, keeper, ports);
        index.onChange = published.changed;
      }
      files.onChange = (change) => {
        keeper.filesChanged(change);
        tellIndex(keeper, (link) => link.filesChanged(change));
        published.changed();
      };
      files.onTouched = () => open.hot.clear();
      keeper.onKnown = (names) => index?.digestsKnown(names);
      if (!config.strict) keeper.start();
      files.watch();
      // The heartbeat comes before the registration, so that the monitor never calls a new server dead.
      lastBeat = clock.now();
      sendHeartbeat(ports.tcp);
      beat = clock.every(config.heartbeatMs, () => sendHeartbeat(ports.tcp));
      tellIndex(keeper, (link) => link.start());
      return ports;
    },

    async drain() {
      const understood = await index?.leave();
      // A foreign index has no word for it; it stops sending clients when the monitor misses the heartbeats.
      if (!understood) beat?.cancel();
      await listener?.close();
      const finished = new Promise<void>((resolve) => {
        drained = resolve;
      });
      if (sessions.size > 0) {
        for (const session of sessions) if (session.quiet) session.sendElsewhere();
        await finished;
      }
      beat?.cancel();
    },

    async stop() {
      beat?.cancel();
      library?.close();
      digests?.stop();
      await listener?.close();
      for (const session of sessions) session.destroy();
      await index?.leave();
      await socket?.close();
    },
  };
};
