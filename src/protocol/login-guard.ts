/** Locks out those who guess: by account and by address, longer each time. Pure: time is an argument. */

/** Wrong proofs in a row that are forgiven. */
export const FREE_FAILURES = 5;
const FIRST_LOCK_MS = 30_000;
const LONGEST_LOCK_MS = 15 * 60_000;
/** Failures are forgotten after so long without another. */
const MEMORY_MS = 60 * 60_000;
/** Accounts and addresses remembered; somebody with many addresses must not fill the memory. */
const MAX_ENTRIES = 10_000;

interface Entry {
  failures: number;
  lastAt: number;
  lockedUntil: number;
}

export class LoginGuard {
  readonly #entries = new Map<string, Entry>();

  /** Milliseconds until `key` may try again; 0: now. */
  lockedFor(key: string, now: number): number {
    return Math.max(0, (this.#entries.get(key)?.lockedUntil ?? 0) - now);
  }

  /** A wrong proof. Returns how long `key` is locked out now, in milliseconds; 0: not yet. */
  failed(key: string, now: number): number {
    const before = this.#entries.get(key);
    const failures = before && now - before.lastAt < MEMORY_MS ? before.failures + 1 : 1;
    const over = failures - FREE_FAILURES;
    const lock = over < 0 ? 0 : Math.min(LONGEST_LOCK_MS, FIRST_LOCK_MS * 2 ** Math.min(over, 20));
    this.#entries.delete(key);
    this.#entries.set(key, { failures, lastAt: now, lockedUntil: now + lock });
    if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value as string);
    return lock;
  }

  succeeded(key: string): void {
    this.#entries.delete(key);
  }

  /** Who is locked out, and for how much longer. */
  locked(now: number): { key: string; forMs: number }[] {
    return [...this.#entries]
      .map(([key, { lockedUntil }]) => ({ key, forMs: lockedUntil - now }))
      .filter(({ forMs }) => forMs > 0);
  }
}
