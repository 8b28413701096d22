/** 'suspect': silent for longer than usual, and still treated as alive. */
export type Liveness = 'alive' | 'suspect' | 'dead';

/** A change of mind about one peer. */
export interface Transition {
  id: string;
  /** Undefined when the peer was not known before. */
  from: Liveness | undefined;
  to: Liveness;
  /** How long the peer had been silent, ms; 0 for one that is new. */
  silentMs: number;
}

/**
 * Decides from the arrival of heartbeats who is alive. Pure: time is an argument, in milliseconds of any clock
 * that never goes back. The owner calls `observe` for each heartbeat and `check` when it likes, at the latest
 * at `nextDeadline`. The seed's fixed time-out is one implementation; accrual and gossiping detectors fit the
 * same five questions.
 */
export interface FailureDetector {
  /** A heartbeat came. Returns the change it made, or null. */
  observe(id: string, now: number): Transition | null;
  /** Everything that changed by time alone, the longest silent first. */
  check(now: number): Transition[];
  /** The next time at which `check` may find a change, if nothing is observed; null: never. */
  nextDeadline(): number | null;
  liveness(id: string): Liveness | undefined;
  /** When the peer will be dead if it stays silent; null when it is dead already, or unknown. */
  deadAt(id: string): number | null;
  forget(id: string): void;
}

export interface TimeoutOptions {
  deadAfterMs: number;
  /** At most `deadAfterMs`. */
  suspectAfterMs: number;
}

/**
 * The seed's rule: dead when the last heartbeat is `deadAfterMs` old. The only knob trades detection time for
 * false deaths: with a heartbeat every h ms and a share p of them lost, a live server is declared dead with
 * probability p^⌊deadAfterMs / h⌋ after each heartbeat that did arrive.
 */
export class TimeoutDetector implements FailureDetector {
  readonly #options: TimeoutOptions;
  // Each map is in the order of the last heartbeat, since `observe` moves a peer to the end: the first entry
  // has the next deadline, and nothing is ever searched or sorted.
  readonly #alive = new Map<string, number>();
  readonly #suspect = new Map<string, number>();
  readonly #dead = new Map<string, number>();

  constructor(options: TimeoutOptions) {
    this.#options = options;
  }

  observe(id: string, now: number): Transition | null {
    const from = this.liveness(id);
    const last = this.#alive.get(id) ?? this.#suspect.get(id) ?? this.#dead.get(id) ?? now;
    this.forget(id);
    this.#alive.set(id, now);
    return from === 'alive' ? null : { id, from, to: 'alive', silentMs: now - last };
  }

  check(now: number): Transition[] {
    const { deadAfterMs, suspectAfterMs } = this.#options;
    return [
      ...move(this.#suspect, this.#dead, now, deadAfterMs, 'suspect', 'dead'),
      ...move(this.#alive, this.#dead, now, deadAfterMs, 'alive', 'dead'),
      ...move(this.#alive, this.#suspect, now, suspectAfterMs, 'alive', 'suspect'),
    ];
  }

  nextDeadline(): number | null {
    const suspected = first(this.#suspect);
    const alive = first(this.#alive);
    const deadlines = [
      ...(suspected === undefined ? [] : [suspected + this.#options.deadAfterMs]),
      ...(alive === undefined ? [] : [alive + this.#options.suspectAfterMs]),
    ];
    return deadlines.length === 0 ? null : Math.min(...deadlines);
  }

  liveness(id: string): Liveness | undefined {
    if (this.#alive.has(id)) return 'alive';
    if (this.#suspect.has(id)) return 'suspect';
    return this.#dead.has(id) ? 'dead' : undefined;
  }

  deadAt(id: string): number | null {
    const last = this.#alive.get(id) ?? this.#suspect.get(id);
    return last === undefined ? null : last + this.#options.deadAfterMs;
  }

  forget(id: string): void {
    this.#alive.delete(id);
    this.#suspect.delete(id);
    this.#dead.delete(id);
  }
}

function first(peers: ReadonlyMap<string, number>): number | undefined {
  const { value } = peers.values().next();
  return value;
}

/** Moves the peers that have been silent for `afterMs`; stops at the first that has not. */
function move(
  source: Map<string, number>,
  target: Map<string, number>,
  now: number,
  afterMs: number,
  from: Liveness,
  to: Liveness,
): Transition[] {
  const moved: Transition[] = [];
  for (const [id, last] of source) {
    if (now - last < afterMs) break;
    source.delete(id);
    target.set(id, last);
    moved.push({ id, from, to, silentMs: now - last });
  }
  return moved;
}
