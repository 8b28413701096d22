/** Saves a moment after the last of a burst of changes, one save at a time, and never forgets the last one. */
export class DelayedSave {
  #timer: NodeJS.Timeout | undefined;
  #dirty = false;
  #running: Promise<void> = Promise.resolve();

  /** `save` writes what is current when it is called, and deals with its own errors. */
  constructor(
    private readonly save: () => Promise<void>,
    private readonly delayMs = 300,
  ) {}

  changed(): void {
    this.#dirty = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), this.delayMs);
    this.#timer.unref();
  }

  /** Resolves when everything that changed so far is saved. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#running = this.#running.then(async () => {
      if (!this.#dirty) return;
      this.#dirty = false;
      await this.save();
    });
    return this.#running;
  }
}
