/** Runs uploads, a few at a time, in the order they were added. */

export interface QueuedUpload {
  /** The ticket: opaque, valid once. */
  uploadId: string;
  /** The task that shows its progress, and by which it is cancelled. */
  task: string;
  file: Blob;
}

/** Rejects when the file could not be sent. */
export type PutFile = (upload: QueuedUpload) => Promise<'done' | 'cancelled'>;

export interface QueueOutcome {
  done: number;
  cancelled: number;
  failed: number;
  /** The first failure, in the user's words. */
  problem?: string;
}

export class UploadQueue {
  readonly #waiting: (() => Promise<unknown>)[] = [];
  #running = 0;

  constructor(
    private readonly put: PutFile,
    /** More at once only makes each slower: all go to the same disk. */
    private readonly atOnce = 3,
  ) {}

  /** Resolves when each of these was sent or has failed; one that fails does not stop the others. */
  async add(uploads: readonly QueuedUpload[]): Promise<QueueOutcome> {
    const results = await Promise.allSettled(uploads.map((upload) => this.#enqueue(() => this.put(upload))));
    const failures = results.filter((result) => result.status === 'rejected');
    const first: unknown = failures[0]?.reason;
    const count = (value: 'done' | 'cancelled'): number =>
      results.filter((result) => result.status === 'fulfilled' && result.value === value).length;
    return {
      done: count('done'),
      cancelled: count('cancelled'),
      failed: failures.length,
      ...(failures.length > 0 ? { problem: first instanceof Error ? first.message : String(first) } : {}),
    };
  }

  #enqueue<Result>(run: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => run().then(resolve, reject));
      this.#next();
    });
  }

  #next(): void {
    while (this.#running < this.atOnce) {
      const run = this.#waiting.shift();
      if (!run) return;
      this.#running += 1;
      void run().finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }
}
