import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Stops processes with SIGSTOP and lets them go on with SIGCONT. A stopped process cannot notice that its
 * parent is gone, so each has a guard that ends it then: nothing is left behind, even when the studio is killed.
 * Windows has neither signal: there nothing is ever frozen.
 */
export class Freezer {
  readonly #frozen = new Map<number, ChildProcess>();
  readonly #platform: string;

  constructor(platform: string = process.platform) {
    this.#platform = platform;
  }

  freeze(pid: number): void {
    if (this.#platform === 'win32' || this.#frozen.has(pid)) return;
    const watch = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; kill -KILL "$2" 2>/dev/null';
    const guard = spawn('sh', ['-c', watch, 'guard', String(process.pid), String(pid)], { stdio: 'ignore' });
    guard.on('error', () => this.thaw(pid));
    guard.unref();
    this.#frozen.set(pid, guard);
    signal(pid, 'SIGSTOP');
  }

  thaw(pid: number): void {
    const guard = this.#frozen.get(pid);
    if (!guard) return;
    this.#frozen.delete(pid);
    guard.kill('SIGKILL');
    signal(pid, 'SIGCONT');
  }

  isFrozen(pid: number): boolean {
    return this.#frozen.has(pid);
  }

  /** Lets all processes go on that are not among these. */
  keepOnly(pids: ReadonlySet<number>): void {
    for (const pid of [...this.#frozen.keys()]) if (!pids.has(pid)) this.thaw(pid);
  }
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended just now.
  }
}
