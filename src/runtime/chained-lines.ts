import type { LiveFault } from './live-fault';

/** One fault of a chain, on a stream or on datagrams. */
interface Line<Item> {
  readonly fault: LiveFault;
  /** Where items go from here. */
  next: (item: Item) => void;
  push(item: Item): void;
  /** Lets go at once what it holds. */
  flush(): void;
}

/** Lines in a row: each leads to the one behind it, and the last to the sink. */
export class ChainedLines<Item, L extends Line<Item>> {
  /** Replaced, never changed in place. */
  all: readonly L[] = [];
  readonly #sink: (item: Item) => void;

  constructor(sink: (item: Item) => void) {
    this.#sink = sink;
  }

  push(item: Item): void {
    const first = this.all[0];
    if (first) first.push(item);
    else this.#sink(item);
  }

  set(lines: readonly L[]): void {
    this.all = lines;
    lines.forEach((line, at) => {
      const following = lines[at + 1];
      line.next = following ? (item) => following.push(item) : this.#sink;
    });
  }

  /**
   * Takes out the lines of all faults but these. What they held goes on at once, never overtakes what is in front of
   * it, and waits in none that goes as well.
   */
  keepOnly(faults: readonly LiveFault[]): void {
    // From the far end, because what waits there came first.
    for (const line of this.all.toReversed()) {
      if (faults.includes(line.fault)) continue;
      line.flush();
      this.set(this.all.filter((other) => other !== line));
    }
  }
}
