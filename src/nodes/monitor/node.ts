import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import {
  encode,
  type Heartbeat,
  lenient,
  MAX_LINE_BYTES,
  parseHeartbeat,
  strict,
  type Tolerance,
} from '../../protocol/micro-cdn';
import type { Connection, CreateNode, DatagramSocket, Listener, Timer } from '../../runtime/context';
import { LinePeer } from '../shared/line-peer';
import { Confirmer } from './confirmer';
import { Detections } from './detections';
import { detectorOf } from './detector';
import { type Change, Heartbeats } from './heartbeats';
import type { MonitorConfig, MonitorSnapshot } from './manifest';
import { Notifier } from './notifier';
import { MonitorSession } from './session';

/** Beyond it, the connection that has been open longest without naming an index makes room. */
const MAX_CONNECTIONS = 512;
/** Indexes are free to register any address; each is dialled for each verdict. */
const MAX_INDEXES = 32;
/** A check that comes this much too late shows that this process stood still, not that the servers did. */
const STALLED_MS = 100;
/** After a standstill: time to take the heartbeats that came meanwhile. */
const CATCH_UP_MS = 20;

export const createNode: CreateNode<MonitorConfig> = (config, context) => {
  const { clock, telemetry } = context;
  const tolerance: Tolerance = config.strict ? strict : lenient;
  const heartbeats = new Heartbeats(detectorOf(config));
  const confirmer =
    config.confirm > 0 && tolerance.extensions
      ? new Confirmer(context, {
          count: config.confirm,
          confirmMs: config.confirmMs,
          isTrusted: (serverId) => heartbeats.isTrusted(serverId),
          send: (text, to) => {
            telemetry.trace('out', 'udp', to, () => text);
            socket?.send(text, to);
          },
          onSaved: saved,
        })
      : undefined;
  const sessions = new Map<LinePeer, MonitorSession>();
  const notifiers = new Map<string, Notifier>();
  const detections = new Detections();
  let stopped = false;
  let listener: Listener | undefined;
  let socket: DatagramSocket | undefined;
  let checkTimer: Timer | undefined;
  let malformed = 0;

  const published = telemetry.publish(() => ({ ...snapshot() }));

  function snapshot(): MonitorSnapshot {
    const offset = clock.wallTime() - clock.now();
    const listening = [...sessions].map(
      ([peer]) => `connection from ${formatEndpoint(peer.connection.remote)}`,
    );
    return {
      servers: heartbeats.snapshot((steady) => steady + offset),
      malformed,
      subscribers: [...notifiers.keys(), ...listening],
      detections: detections.snapshot(),
    };
  }

  function receive(bytes: Uint8Array, from: Endpoint): void {
    if (bytes.length > MAX_LINE_BYTES) return countMalformed(from, '(too long)');
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    telemetry.trace('in', 'udp', from, () => text.trimEnd());
    for (const line of linesOf(text)) {
      if (confirmer?.takes(line)) continue;
      const heartbeat = parseHeartbeat(line, tolerance);
      if (heartbeat.type !== 'heartbeat') countMalformed(from, line);
      else {
        confirmer?.heardFrom(heartbeat.serverId, from);
        heard(heartbeat);
      }
    }
  }

  /** A server that sends no heartbeats has answered somebody: it is not dead. */
  function saved(serverId: string, by: string): void {
    if (!heartbeats.vouched(serverId, clock.now())) return;
    telemetry.count('savedByWitness');
    telemetry.event({
      type: 'server-confirmed',
      subject: serverId,
      text: `${serverId} is silent and not dead: it answers ${by}.`,
    });
    published.changed();
  }

  function linesOf(text: string): string[] {
    const lines = text.split(tolerance.carriageReturn ? /\r?\n/ : '\n');
    const filled = lines.filter((line) => line !== '');
    return filled.length === 0 ? [''] : filled;
  }

  function countMalformed(from: Endpoint, text: string): void {
    malformed++;
    telemetry.count('malformedDatagrams');
    context.log.debug(
      `A datagram from ${formatEndpoint(from)} is no heartbeat: ${JSON.stringify(text.slice(0, 200))}`,
    );
    published.changed();
  }

  function heard(heartbeat: Heartbeat): void {
    telemetry.count('heartbeats');
    const change = heartbeats.heard(heartbeat, clock.now(), clock.wallTime());
    if (change === 'full') telemetry.count('ignoredServers');
    else if (change) announce(change);
    scheduleCheck();
    published.changed();
  }

  /** Each `checkMs`, as the seed does; or, with 0, exactly when the next server would be late or dead. */
  function scheduleCheck(): void {
    if (checkTimer || stopped) return;
    const now = clock.now();
    const deadline = heartbeats.nextDeadline();
    if (deadline === null) return;
    const due = config.checkMs > 0 ? now + config.checkMs : Math.max(now, deadline);
    checkTimer = clock.after(due - now, () => check(due));
  }

  function check(due: number): void {
    checkTimer = undefined;
    const lateBy = clock.now() - due;
    if (lateBy > STALLED_MS) {
      context.log.warn(
        `This process stood still for ${Math.round(lateBy)} ms; heartbeats are read before anyone is judged.`,
      );
      checkTimer = clock.after(CATCH_UP_MS, () => check(clock.now()));
      return;
    }
    const changes = heartbeats.check(clock.now());
    for (const change of changes) announce(change);
    if (changes.length > 0) published.changed();
    scheduleCheck();
  }

  function announce({ serverId, what, silentMs }: Change): void {
    const silent = `${(silentMs / 1000).toFixed(silentMs < 1000 ? 2 : 1)} s`;
    const of = heartbeats.of(serverId);
    const where = of ? formatEndpoint({ host: of.host, port: of.tcpPort }) : 'unknown address';
    switch (what) {
      case 'new':
        return telemetry.event({
          type: 'heartbeat-first',
          subject: serverId,
          level: 'good',
          text: `${serverId} sends heartbeats (${where}).`,
        });
      case 'late': {
        if (of) confirmer?.ask(serverId, { host: of.host, port: of.tcpPort });
        const patience = `${Number(((silentMs + heartbeats.deadInMs(serverId, clock.now())) / 1000).toFixed(1))} s`;
        const asked = confirmer ? ' Others are asked.' : '';
        return telemetry.event({
          type: 'heartbeat-late',
          subject: serverId,
          level: 'warning',
          text: `No heartbeat from ${serverId} for ${silent}; it is dead after ${patience}.${asked}`,
        });
      }
      case 'recovered':
        return telemetry.event({
          type: 'heartbeat-resumed',
          subject: serverId,
          text: `A heartbeat from ${serverId} came after ${silent}.`,
        });
      case 'dead':
        detections.declared(serverId, silentMs, clock.wallTime());
        tell(serverId, 'down');
        return telemetry.event({
          type: 'server-down',
          subject: serverId,
          level: 'bad',
          text: `${serverId} is dead: no heartbeat for ${silent}. SERVER_DOWN goes to the index.`,
        });
      case 'back':
        tell(serverId, 'up');
        return telemetry.event({
          type: 'server-up',
          subject: serverId,
          level: 'good',
          text: `${serverId} is back: heartbeats resumed after ${silent}.`,
        });
    }
  }

  /** In all three ways that foreign indexes rely on: at the configured index, at registered ones, on open connections. */
  function tell(serverId: string, verdict: 'down' | 'up'): void {
    telemetry.count(verdict === 'down' ? 'serversDown' : 'serversUp');
    for (const notifier of notifiers.values()) notifier.tell(serverId, verdict);
    if (verdict === 'up') return;
    const line = encode.serverDown(serverId, clock.wallTime() / 1000);
    for (const session of sessions.values()) session.push(line);
    if (sessions.size > 0) told(serverId);
  }

  function told(serverId: string): void {
    detections.told(serverId, clock.wallTime());
    published.changed();
  }

  function registerIndex(index: Endpoint): boolean {
    const address = formatEndpoint({ ...index, host: index.host === 'localhost' ? '127.0.0.1' : index.host });
    if (notifiers.has(address)) return true;
    if (notifiers.size >= MAX_INDEXES) return false;
    notifiers.set(
      address,
      new Notifier(index, context, { extensions: tolerance.extensions, onDownSent: told }),
    );
    published.changed();
    return true;
  }

  function accept(connection: Connection): void {
    if (sessions.size >= MAX_CONNECTIONS) makeRoom();
    const peer = new LinePeer(connection, context, {
      maxLineBytes: MAX_LINE_BYTES,
      carriageReturn: tolerance.carriageReturn,
      unterminatedLastLine: tolerance.unterminatedLastLine,
      idleMs: 0,
    });
    const session = new MonitorSession(peer, { rows: () => heartbeats.rows(), registerIndex });
    sessions.set(peer, session);
    published.changed();
    peer.serve({
      line: (line) => session.line(line),
      close: () => {
        sessions.delete(peer);
        published.changed();
      },
    });
  }

  /** Foreign indexes listen for pushes on connections that never say a word, so silence is no reason to close. */
  function makeRoom(): void {
    const [first] = sessions.keys();
    const anonymous = [...sessions].find(([, session]) => session.index === undefined)?.[0];
    const leaves = anonymous ?? first;
    if (!leaves) return;
    sessions.delete(leaves);
    leaves.connection.destroy();
  }

  return {
    async start() {
      socket = await context.net.bind({ host: config.host, port: config.udpPort }, receive);
      listener = await context.net.listen({ host: config.host, port: config.tcpPort }, accept);
      if (config.index) registerIndex(config.index);
      return { udp: socket.local.port, tcp: listener.local.port };
    },

    async drain() {
      await listener?.close();
      for (const peer of sessions.keys()) peer.finish();
    },

    async stop() {
      stopped = true;
      checkTimer?.cancel();
      for (const notifier of notifiers.values()) notifier.stop();
      await listener?.close();
      await socket?.close();
      for (const peer of sessions.keys()) peer.connection.destroy();
    },
  };
};
