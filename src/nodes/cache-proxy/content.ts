/** Where somebody has come to in reading a content. */
export interface Cursor {
  at: number;
}

/** Content of a reply, which may still be arriving while it is already read. */
export interface Content {
  /** Bytes in all; undefined while that is not known. */
  readonly length: number | undefined;
  /** Bytes that have arrived. */
  readonly received: number;
  readonly state: 'arriving' | 'complete' | 'failed';
  /** True when every byte is kept, so that anybody may start to read at any time. */
  readonly kept: boolean;
  /**
   * Bytes from `at` (below `received`) on, at least one and at most `max`. They never change.
   * @throws when they can't be read any more
   */
  read(at: number, max: number): Uint8Array | Promise<Uint8Array>;
  /** Resolves at the next change of `received` or `state`. */
  change(): Promise<void>;
  /** Somebody reads: what is before all cursors may be forgotten where content is not kept. */
  open(cursor: Cursor): void;
  /** A cursor has moved. */
  moved(): void;
  close(cursor: Cursor): void;
}

/** Content on its way in. */
export interface ArrivingContent extends Content {
  /** Takes a lent part. A promise, when the source should wait for it before it sends more. */
  append(part: Uint8Array): Promise<void> | undefined;
  finish(): void | Promise<void>;
  fail(): void;
}

/** The callers of `change`, and those who wake them. */
export class Changes {
  #waiting: (() => void)[] = [];

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  notify(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
