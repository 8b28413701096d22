import type { Clock, Folder, Timer } from '../../runtime/context';

/** Pause between two looks at the folder, ms, and at least so many times what the last one took. */
const PAUSE_MS = 200;
const SHARE = 20;

/**
 * Looks through a folder at the start and after each change. Every item that arrives changes the folder as well:
 * under load, looking must not cost more than storing.
 */
export class FolderWatch {
  readonly #watching: Timer;
  #looking: Promise<void> | undefined;
  #again = false;
  #timer: Timer | undefined;
  #next = 0;
  #closed = false;

  /** @param look never rejects */
  constructor(
    folder: Folder,
    readonly clock: Clock,
    readonly look: () => Promise<void>,
  ) {
    this.#watching = folder.watch(() => this.#changed());
    this.#changed();
  }

  /** Resolves when nothing looks any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watching.cancel();
    this.#timer?.cancel();
    await this.#looking;
  }

  #changed(): void {
    this.#again = this.#looking !== undefined;
    if (this.#looking || this.#timer || this.#closed) return;
    this.#timer = this.clock.after(Math.max(0, this.#next - this.clock.now()), () => {
      this.#timer = undefined;
      this.#looking = this.#lookNow();
    });
  }

  async #lookNow(): Promise<void> {
    const began = this.clock.now();
    await this.look();
    const now = this.clock.now();
    this.#next = now + Math.max(PAUSE_MS, SHARE * (now - began));
    this.#looking = undefined;
    if (this.#again) this.#changed();
  }
}
