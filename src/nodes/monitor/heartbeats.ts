/** Who sends heartbeats, and what they said last. */
import type { FailureDetector } from '../../protocol/failure-detector';
import type { Heartbeat, ServerRow } from '../../protocol/micro-cdn';
import type { MonitorSnapshot } from './manifest';

/** Ids are free to invent, so their number is bounded. */
export const MAX_SERVERS = 10_000;

interface Known extends Omit<Heartbeat, 'type'> {
  /** Unix ms of the last heartbeat. */
  lastHeartbeat: number;
  heartbeats: number;
}

/** What came of a heartbeat or of time: worth telling. */
export interface Change {
  serverId: string;
  /** 'new': first heard of. 'back': was dead. 'recovered': was only late. */
  what: 'new' | 'back' | 'recovered' | 'late' | 'dead';
  silentMs: number;
}

export class Heartbeats {
  readonly #known = new Map<string, Known>();
  readonly #detector: FailureDetector;

  /** @param detector decides who is dead */
  constructor(detector: FailureDetector) {
    this.#detector = detector;
  }

  /** @returns the change, null when there is none, or 'full' when one server more is too many */
  heard(heartbeat: Heartbeat, now: number, wallTime: number): Change | null | 'full' {
    const { serverId, host, tcpPort, load, files } = heartbeat;
    const before = this.#known.get(serverId);
    if (!before && this.#known.size >= MAX_SERVERS && !this.#forgetOneDead()) return 'full';
    this.#known.set(serverId, {
      ...{ serverId, host, tcpPort, load, files },
      lastHeartbeat: wallTime,
      heartbeats: (before?.heartbeats ?? 0) + 1,
    });
    const transition = this.#detector.observe(serverId, now);
    if (!transition) return null;
    const what = transition.from === 'dead' ? 'back' : transition.from === 'suspect' ? 'recovered' : 'new';
    return { serverId, what, silentMs: transition.silentMs };
  }

  check(now: number): Change[] {
    return this.#detector
      .check(now)
      .map(({ id, to, silentMs }) => ({ serverId: id, what: to === 'dead' ? 'dead' : 'late', silentMs }));
  }

  nextDeadline(): number | null {
    return this.#detector.nextDeadline();
  }

  /** The last heartbeat of a server. */
  of(serverId: string): Readonly<Known> | undefined {
    return this.#known.get(serverId);
  }

  /** Without any doubt. */
  isTrusted(serverId: string): boolean {
    return this.#detector.liveness(serverId) === 'alive';
  }

  /** Somebody got an answer from a suspect: that is as good as a heartbeat. Says whether it was one. */
  vouched(serverId: string, now: number): boolean {
    if (this.#detector.liveness(serverId) !== 'suspect') return false;
    this.#detector.observe(serverId, now);
    return true;
  }

  /** Milliseconds until a server is dead if it stays silent; 0 for one that is. */
  deadInMs(serverId: string, now: number): number {
    return Math.max(0, (this.#detector.deadAt(serverId) ?? now) - now);
  }

  isAlive(serverId: string): boolean {
    return this.#detector.liveness(serverId) !== 'dead';
  }

  *rows(): Generator<Omit<ServerRow, 'type'>> {
    for (const { serverId, host, tcpPort, load } of this.#known.values()) {
      yield { serverId, host, tcpPort, load, alive: this.isAlive(serverId) };
    }
  }

  /** @param wallTimeOf turns a moment of the steady clock into Unix ms */
  snapshot(wallTimeOf: (steady: number) => number): MonitorSnapshot['servers'] {
    return [...this.#known.values()].map((known) => {
      const deadAt = this.#detector.deadAt(known.serverId);
      return {
        serverId: known.serverId,
        host: known.host,
        tcpPort: known.tcpPort,
        load: known.load,
        files: known.files,
        status: deadAt === null ? 'dead' : 'alive',
        lastHeartbeat: known.lastHeartbeat,
        heartbeats: known.heartbeats,
        deadAt: deadAt === null ? known.lastHeartbeat : wallTimeOf(deadAt),
      };
    });
  }

  /** Makes room by forgetting the dead server that has been silent longest. */
  #forgetOneDead(): boolean {
    let oldest: Known | undefined;
    for (const known of this.#known.values()) {
      if (this.isAlive(known.serverId)) continue;
      if (!oldest || known.lastHeartbeat < oldest.lastHeartbeat) oldest = known;
    }
    if (!oldest) return false;
    this.#known.delete(oldest.serverId);
    this.#detector.forget(oldest.serverId);
    return true;
  }
}
