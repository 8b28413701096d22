/** A place in a queue, holding an entry. */
export interface Place<Key> {
  readonly key: Key;
  weight: number;
  /** Used since it was last looked at, or how often: what it means is the policy's business. */
  visits: number;
  queue: Queue<Key> | undefined;
  newer: Place<Key> | undefined;
  older: Place<Key> | undefined;
}

export function place<Key>(key: Key, weight: number): Place<Key> {
  return { key, weight, visits: 0, queue: undefined, newer: undefined, older: undefined };
}

/** A doubly linked queue: newest at the head, oldest at the tail; every step costs the same. */
export class Queue<Key> {
  head: Place<Key> | undefined;
  tail: Place<Key> | undefined;
  weight = 0;

  push(entry: Place<Key>): void {
    entry.queue = this;
    entry.newer = undefined;
    entry.older = this.head;
    if (this.head) this.head.newer = entry;
    else this.tail = entry;
    this.head = entry;
    this.weight += entry.weight;
  }

  remove(entry: Place<Key>): void {
    if (entry.newer) entry.newer.older = entry.older;
    else this.head = entry.older;
    if (entry.older) entry.older.newer = entry.newer;
    else this.tail = entry.newer;
    entry.queue = entry.newer = entry.older = undefined;
    this.weight -= entry.weight;
  }

  /** Takes out the oldest. */
  shift(): Place<Key> | undefined {
    const oldest = this.tail;
    if (oldest) this.remove(oldest);
    return oldest;
  }
}
