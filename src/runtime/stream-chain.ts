import type { StreamItem } from '../faults/fault';
import type { LiveFault } from './live-fault';
import type { StreamLine } from './stream-line';

/** The faults on one direction of one connection, in order. */
export class StreamChain {
  readonly #sink: (item: StreamItem) => void;
  #lines: StreamLine[] = [];
  #cleared = false;

  constructor(sink: (item: StreamItem) => void) {
    this.#sink = sink;
  }

  get empty(): boolean {
    return this.#lines.length === 0;
  }

  get heldBytes(): number {
    return this.#lines.reduce((sum, line) => sum + line.heldBytes, 0);
  }

  /** True when the sender should be held back. */
  get full(): boolean {
    return this.#lines.some((line) => line.full);
  }

  push(item: StreamItem): void {
    const first = this.#lines[0];
    if (first) first.push(item);
    else this.#sink(item);
  }

  /**
   * Makes the chain consist of these faults. Lines of faults that stay are kept with what they hold; what
   * removed lines held goes on at once, and never overtakes what is in front of it.
   */
  adopt(faults: readonly LiveFault[], makeLine: (fault: LiveFault) => StreamLine | undefined): void {
    const stays = new Set(faults);
    // From the far end, because what waits there came first.
    for (const line of this.#lines.toReversed()) {
      if (stays.has(line.fault)) continue;
      line.flush();
      this.#lines = this.#lines.filter((other) => other !== line);
      this.#connect();
    }
    if (this.#cleared) return;
    const kept = new Map(this.#lines.map((line) => [line.fault, line]));
    const lines = faults.flatMap((fault) => kept.get(fault) ?? makeLine(fault) ?? []);
    const reordered = lines
      .filter((line) => kept.has(line.fault))
      .some((line, at) => line !== this.#lines[at]);
    // Another order: what is under way passes the chain anew, so that nothing overtakes.
    const underWay = reordered ? this.#takeAll() : [];
    this.#lines = lines;
    this.#connect();
    for (const line of lines) line.retime();
    for (const item of underWay) this.push(item);
  }

  /** Throws away what is under way; the connection is gone, and the chain stays empty. */
  clear(): void {
    this.#takeAll();
    this.#cleared = true;
    this.#lines = [];
  }

  #takeAll(): StreamItem[] {
    return this.#lines.toReversed().flatMap((line) => line.take());
  }

  #connect(): void {
    this.#lines.forEach((line, at) => {
      const following = this.#lines[at + 1];
      line.next = following ? (item) => following.push(item) : this.#sink;
    });
  }
}
